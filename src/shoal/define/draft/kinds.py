"""Phrases on kinds of people: stages, how often, how much they are worth, what they will likely do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from shoal.define.draft import people
from shoal.define.draft.answer import Answer, Found, Window
from shoal.define.draft.patterns import WINDOW
from shoal.define.draft.topics import COUNTS, SCORES, STAGES, WORTH
from shoal.define.draft.unit import PEOPLE, Pattern, Phrases, Unit

_LIKELY = r"(?P<not>un|not )?(?:likely|expected|about|going|ready|set|predicted|prone) to"
_RISK = r"(?:at )?(?:high )?risk of (?:churn(?:ing)?|leaving|cancell?ing|lapsing)|(?:high )?churn risks?"


class Kinds(Phrases):
    """Phrases on kinds of people."""

    def patterns(self) -> Iterator[Pattern]:
        """Regular expressions over plain words, each with what makes a phrase of a match."""
        w = f"(?:{WINDOW})?"
        for word, (_, words, _) in SCORES.items():
            yield rf"{_LIKELY} (?:{words})(?: {self.item}| (?:soon|again|from us|anything))?", self._likely(word)
        yield _RISK, self._likely("leave")
        for word, words in STAGES.items():
            yield rf"(?:{words}){PEOPLE}{w}", self._stage(word)
        for word, words in COUNTS.items():
            yield rf"(?:{words}){PEOPLE}", self._often(word)
        for words, percentile in WORTH.values():
            yield rf"(?:{words}){PEOPLE}{w}", self._worth(percentile)
        yield r"everyone|everybody|all (?:our )?(?:customers|users|people|accounts|members)", self._everybody

    def _likely(self, word: str) -> Callable[[re.Match[str]], Unit | None]:
        def made(found: re.Match[str]) -> Unit | None:
            part = found.groupdict()
            item = part.get("item") or ""
            high = not part.get("not")
            return self.unit(lambda _, never: people.likely(word, item, self.known, high=high is not never))

        return made

    def _timed(self, found: re.Match[str], give: Callable[[Window | None], Found]) -> Unit:
        """A phrase that some spans of time change; one that changes nothing is said."""

        def make(window: Window | None, never: bool) -> Found:
            made = give(window)
            if window and isinstance(made, Answer) and made == give(None):
                made = replace(made, exact=False, why=f"{made.why}; '{window.said}' changes nothing in it")
            return self.turned(made, never)

        return self.unit(make, self.window(found), timed=True)

    def _stage(self, word: str) -> Callable[[re.Match[str]], Unit]:
        return lambda found: self._timed(found, lambda window: people.stage(word, window, self.known))

    def _often(self, word: str) -> Callable[[re.Match[str]], Unit]:
        return lambda found: self._timed(found, lambda window: people.often(word, window, self.known))

    def _worth(self, percentile: float) -> Callable[[re.Match[str]], Unit]:
        return lambda found: self._timed(found, lambda window: people.worth(percentile, window, self.known))

    def _everybody(self, _: re.Match[str]) -> Unit:
        return self.unit(lambda *_: Answer("true", "everybody"))

"""A phrase that was found, and what the files of phrases share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shoal.define.draft import answer
from shoal.define.draft.answer import Found, Window
from shoal.define.draft.known import Known
from shoal.define.draft.patterns import window as window_of
from shoal.define.draft.topics import NOUNS, TOPICS
from shoal.define.draft.vocabulary import Vocabulary, any_of

Make = Callable[[Window | None, bool], Found]
PEOPLE = rf"(?: (?:{'|'.join(sorted(NOUNS))}|buyers?|spenders?))?"


@dataclass(frozen=True)
class Unit:
    """A phrase that was found.

    Args:
        words: how many words it has.
        make: its answer, given a window and whether it is denied.
        window: the window that it names itself; `timed` says whether another phrase may lend it one.
        level, values: the column and the values that it is about, where it is about values of a text.
        noun: whether it names people, so that a further `or` may begin another kind of them.
        denied: whether it denies itself, as in `country is not France`.
    """

    words: int
    make: Make
    window: Window | None = None
    timed: bool = False
    level: tuple[str, str] | None = None
    values: tuple[str, ...] = ()
    noun: bool = False
    denied: bool = False


Made = Callable[[re.Match[str]], Unit | None]
Pattern = tuple[str, Made]


@dataclass(frozen=True)
class Phrases:
    """The phrases of one kind, over what a workspace knows and its own words."""

    known: Known
    own: Vocabulary

    def patterns(self) -> Iterator[Pattern]:
        """Regular expressions over plain words, each with what makes a phrase of a match."""
        raise NotImplementedError

    @property
    def noun(self) -> str:
        """A pattern for what is counted."""
        topics = (topic.nouns for topic in TOPICS.values() if topic.nouns)
        return f"(?P<noun>{'|'.join([any_of(self.own.numbers), *topics])})"

    @property
    def verb(self) -> str:
        """A pattern for what people do."""
        return f"(?P<verb>{'|'.join(topic.verbs for topic in TOPICS.values() if topic.verbs)})"

    @property
    def item(self) -> str:
        """A pattern for what shares are of."""
        return f"(?P<item>{any_of(self.own.items)})"

    def unit(self, make: Make, window: Window | None = None, *, timed: bool = False) -> Unit:
        return Unit(0, make, window, timed)

    def window(self, found: re.Match[str]) -> Window | None:
        rhythm = self.known.rhythm
        return window_of(found, rhythm.engaged if rhythm else None)

    def turned(self, found: Found, never: bool) -> Found:
        return answer.turned(found, self.known) if never else found

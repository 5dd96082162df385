"""A sentence as a tree of phrases: what joins them, what is denied, and the words that nobody understood."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from shoal.define.draft.answer import Found, Window
from shoal.define.draft.grammar import Grammar
from shoal.define.draft.text import Word, words
from shoal.define.draft.topics import BUYERS, FILLERS, NEGATIONS, NOUNS
from shoal.define.draft.unit import Unit
from shoal.define.protected import protected_words

_JOINS = {"and": "and", "but": "and", "or": "or", ",": ",", "plus": "and"}
_LEAD = frozenset({"who", "that", "which", "whose"})


@dataclass
class Phrase:
    """A phrase of the sentence with its answer."""

    said: str
    found: Found
    place: int
    unit: Unit


@dataclass
class Group:
    """Phrases or groups joined by `and` or `or`; `no` denies the whole."""

    join: str
    parts: list[Phrase | Group] = field(default_factory=list)
    no: bool = False


@dataclass
class Reading:
    """What was understood, what was not, and what was corrected or decided in reading."""

    tree: Group
    phrases: list[Phrase]
    unknown: list[str]
    notes: list[str]


@dataclass
class _Item:
    """A phrase, what joins it to the one before, whether it is denied, and a noun that stands before or after it."""

    unit: Unit
    start: int
    end: int
    join: str = ""
    no: bool = False
    noun: bool = False


def read(typed: str, grammar: Grammar) -> Reading:
    """The sentence as a tree. Nothing that was typed is lost: it is in a phrase, a filler, or among the unknown."""
    return _Reader(typed, grammar).reading()


class _Reader:
    def __init__(self, typed: str, grammar: Grammar) -> None:
        self.typed, self.grammar = typed, grammar
        self.words = words(typed)
        self.items: list[_Item] = []
        self.unknown: list[str] = []
        self.notes: list[str] = []
        self.pending: Window | None = None
        self.span, self.span_from = "", 0
        self.join, self.no, self.noun = "", False, False
        self.denied_from = 0

    def reading(self) -> Reading:
        self._correct()
        place = 0
        while place < len(self.words):
            place += self._step(place)
        self._forget_window()
        self._merge_levels()
        phrases: list[Phrase] = []
        tree = self._tree(phrases)
        if len({item.join for item in self.items[1:]} & {"and", "or"}) == 2:
            self.notes.append("and binds more tightly than or; the rule below has the brackets that were read")
        return Reading(tree, phrases, self.unknown, self.notes)

    def _step(self, place: int) -> int:
        """Reads what stands at a place; how many words it took."""
        text = " ".join(word.text for word in self.words)
        start = sum(len(word.text) + 1 for word in self.words[:place])
        word = self.words[place]
        unit = self.grammar.at(text, start)
        taken = unit.words if unit else 0
        if unit and self._ends_at_a_word(place, taken):
            self._take(unit, place)
            return self._count(place, taken)
        spelt = word.text
        span = self._bare_window(text, start, place)
        if span:
            return span
        if spelt in NEGATIONS or (spelt == "other" and self._next(place) == "than"):
            self.no, self.denied_from = True, word.start
            return 2 if spelt == "other" else 1
        if spelt in _JOINS:
            self.join = (
                "or" if "or" in (self.join, _JOINS[spelt]) else "and" if _JOINS[spelt] == "and" else self.join or ","
            )
            return 1
        if spelt in _LEAD or spelt in FILLERS:
            return 1
        if spelt in NOUNS or spelt in BUYERS:
            self._noun(word)
            return 1
        self._not_known(word)
        return 1

    def _count(self, place: int, taken: int) -> int:
        """Words of the list that so many words of the text are: a quoted one may hold several."""
        count, left = 0, taken
        while left > 0 and place + count < len(self.words):
            left -= len(self.words[place + count].text.split())
            count += 1
        return max(count, 1)

    def _ends_at_a_word(self, place: int, taken: int) -> bool:
        count = self._count(place, taken)
        return sum(len(word.text.split()) for word in self.words[place : place + count]) == taken

    def _next(self, place: int) -> str:
        return self.words[place + 1].text if place + 1 < len(self.words) else ""

    def _take(self, unit: Unit, place: int) -> None:
        count = self._count(place, unit.words)
        start, end = self.words[place].start, self.words[place + count - 1].end
        if self.pending and unit.timed and unit.window is None:
            unit, self.pending = replace(unit, window=self.pending), None
            start = min(start, self.span_from)
        start = min(start, self.denied_from) if self.no else start
        self.items.append(_Item(unit, start, end, self.join, self.no is not unit.denied, self.noun or unit.noun))
        self.join, self.no, self.noun = "", False, False

    def _noun(self, word: Word) -> None:
        """A word for people: it may begin a new kind of people after `or`, and a buyer has bought."""
        if word.text in BUYERS:
            unit = self.grammar.at("bought", 0)
            if unit:
                self.items.append(_Item(replace(unit, words=1), word.start, word.end, self.join, self.no))
                self.join, self.no = "", False
        self.noun = not self.items
        if self.items:
            self.items[-1].noun = True

    def _bare_window(self, text: str, start: int, place: int) -> int:
        """A span of time on its own belongs to the phrase before it, else to the next."""
        found = self.grammar.span(" " + text[start:])
        if found is None:
            return 0
        window, count = found
        last = self.items[-1] if self.items else None
        if last and last.unit.timed and last.unit.window is None:
            last.unit = replace(last.unit, window=window)
            last.end = self.words[place + self._count(place, count) - 1].end
        else:
            self._forget_window()
            end = self.words[place + self._count(place, count) - 1].end
            self.span_from = self.words[place].start
            self.pending, self.span = window, self.typed[self.span_from : end]
        return count

    def _forget_window(self) -> None:
        """A span of time that no phrase took is not understood."""
        if self.pending:
            self.unknown.append(self.span)
        self.pending = None

    def _not_known(self, word: Word) -> None:
        said = self.typed[word.start : word.end]
        if protected_words(said) and not word.quoted:
            self.notes.append(f"'{said}' speaks of a protected trait, and no rule reads those")
        self.unknown.append(said)
        self.no = False

    def _correct(self) -> None:
        """Slips of the pen: a word one or two letters away from one that is known."""
        known = self.grammar.spelling
        for place, word in enumerate(self.words):
            if (
                word.text.removesuffix("s") in known
                or word.quoted
                or len(word.text) < 5
                or word.text in known
                or not word.text.isalpha()
                or protected_words(word.text)
            ):
                continue
            near = get_close_matches(word.text, known, n=1, cutoff=0.82)
            if near:
                self.words[place] = Word(near[0], word.start, word.end)
                self.notes.append(f"'{word.text}' was read as '{near[0]}'")

    def _merge_levels(self) -> None:
        """Values of one column in a row are one condition: in France or Germany."""
        merged: list[_Item] = []
        for item in self.items:
            last = merged[-1] if merged else None
            level, before = item.unit.level, last.unit.level if last else None
            if last and level and before and level[0] == before[0] and item.join in ("or", "and", ",") and not item.no:
                last.unit = self.grammar.also(last.unit, level[1])
                last.end = item.end
            else:
                merged.append(item)
        self.items = merged

    def _joins(self) -> list[str]:
        """What joins each phrase to the one before: a comma does what the next joint of its list does."""
        found = [item.join for item in self.items]
        for place in range(len(found) - 1, 0, -1):
            if found[place] == ",":
                after = found[place + 1] if place + 1 < len(found) else ""
                found[place] = after if after in ("or", "and") else ""
        return found

    def _tree(self, phrases: list[Phrase]) -> Group:
        """Kinds of people by a wide `or`, then what is said one after another, then lists by `or`, by `and`."""
        joins = self._joins()
        kinds: list[list[int]] = [[]]
        for place, item in enumerate(self.items):
            wide = joins[place] == "or" and item.noun and any(self.items[one].noun for one in kinds[-1])
            if wide and kinds[-1]:
                kinds.append([])
            kinds[-1].append(place)
        return Group("or", [self._kind(kind, joins, phrases) for kind in kinds if kind])

    def _kind(self, places: list[int], joins: list[str], phrases: list[Phrase]) -> Group:
        """One kind of people: lists that stand next to each other all hold."""
        lists: list[list[int]] = []
        for place in places:
            if lists and joins[place] in ("or", "and"):
                lists[-1].append(place)
            else:
                lists.append([place])
        return Group("and", [self._list(one, joins, phrases) for one in lists])

    def _list(self, places: list[int], joins: list[str], phrases: list[Phrase]) -> Group:
        """A list: `and` binds more tightly than `or`; a denial holds for the rest of its `or` too."""
        ors: list[list[int]] = []
        for place in places:
            if ors and joins[place] == "and":
                ors[-1].append(place)
            else:
                ors.append([place])
        first = self.items[places[0]]
        nobody = first.no and len(ors) > 1 and not any(self.items[one].no for one in places[1:])
        groups: list[Phrase | Group] = []
        for one in ors:
            made: list[Phrase | Group] = [
                self._phrase(place, phrases, deny=self.items[place].no or nobody) for place in one
            ]
            groups.append(made[0] if len(made) == 1 else Group("or" if nobody else "and", made))
        return Group("and" if nobody else "or", groups)

    def _phrase(self, place: int, phrases: list[Phrase], *, deny: bool) -> Phrase:
        item = self.items[place]
        said = self.typed[item.start : item.end]
        made = Phrase(said, item.unit.make(item.unit.window, deny), place, item.unit)
        phrases.append(made)
        return made


def rule_of(group: Group, chosen: dict[int, str]) -> str:
    """The rule of a tree; `chosen` has each phrase's clause by its place, and lacks those that have none."""
    parts = []
    for part in group.parts:
        text = rule_of(part, chosen) if isinstance(part, Group) else chosen.get(part.place, "")
        if text:
            parts.append(text)
    unique = list(dict.fromkeys(parts))
    if len(unique) == 1:
        return unique[0]
    return f" {group.join} ".join(f"({text})" for text in unique)

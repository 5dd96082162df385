"""What a workspace could be for: an outcome that a table of customers has, or a goal that events can serve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shoal.unify import lexicon
from shoal.unify.draft import Draft, Line, one_line
from shoal.unify.expression import one_of, quoted
from shoal.unify.guess import PERSON
from shoal.unify.lexicon import table
from shoal.unify.mapping import ID_LIKE
from shoal.unify.values import FLAGS, Column
from shoal.unify.vocabulary import plain, words

LEAST_DAYS = 56  # of events that a goal needs: some to learn from, a horizon, and one more to judge by
NAMES = table(lexicon.OUTCOMES)  # the surest first
YES = frozenset({"yes", "y", "1", "1.0", "true", "t", "ja", "oui", "si"})
GOALS = {
    "retention": "predicts who will not buy again, and what each customer is worth",
    "engagement": "predicts who will not come back, and who will do less",
}
UNIX = {"unix": 1, "unix_ms": 1_000, "unix_us": 1_000_000}


@dataclass(frozen=True)
class Aim:
    """An objective to propose: its label over the traits, the evidence, and what is left to ask."""

    name: str
    label: str
    why: str
    exclude: tuple[str, ...] = ()
    questions: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class _Candidate:
    trait: str
    column: Column
    rank: int
    positive: tuple[str, ...]
    sure: bool


def objective(drafts: Sequence[Draft]) -> Aim | None:
    """The outcome that a table of customers seems to record, if one does: a two-valued column named after one.

    Its trait becomes `known_NAME`, so that rules can tell what is known from what is predicted, the score NAME.
    """
    found = [(draft, one) for draft in drafts if draft.kind == "profiles" for one in _candidates(draft)]
    if not found:
        return None
    draft, best = min(found, key=lambda pair: pair[1].rank)
    others = [one for other, one in found if other is draft and one is not best]
    same = [one for one in others if _tells_the_same(best.column, one.column)]
    rest = [one.trait for one in others if one not in same]
    known = f"known_{best.trait}"
    label = _says(known, best.column, best.positive)
    draft.traits = {known if name == best.trait else name: line for name, line in draft.traits.items()}
    questions = []
    if rest:
        questions.append(f"is {best.trait} what to predict, or {' or '.join(rest)}?")
    if not best.sure:
        questions.append(f"is it `{label}` that is to be predicted, or the other value?")
    return Aim(best.trait, label, _evidence(best), tuple(one.trait for one in same), tuple(questions))


def _candidates(draft: Draft) -> list[_Candidate]:
    traits = {line.text: name for name, line in draft.traits.items()}
    found = []
    for guess in draft.table.guesses.values():
        name = traits.get(quoted(draft.called(guess.column)))
        rank = _rank(guess.column) if name else None
        groups = _groups(guess.column) if rank is not None else {}
        if name and rank is not None and len(groups) == 2 and guess.column.counts:
            positive, sure = _positive(guess.column, groups)
            found.append(_Candidate(name, guess.column, rank, positive, sure))
    return found


def _rank(column: Column) -> int | None:
    """How surely the name says that the column is an outcome: 0 is surest, None when it does not."""
    said = [plain(word) for word in words(column.name)]
    for place, (kind, names) in enumerate(NAMES.items()):
        if set(said) & set(names):
            flags = all(value.casefold() in FLAGS for value in column.some)
            alone = len(set(said) - HELPERS) == 1
            return None if kind == "money" and not (flags and alone) else 2 * place + (not alone)
    return None


_HELPERS = "is has had did will flag label status value target the customer user lead made a"
HELPERS = frozenset(_HELPERS.split())  # words that name no outcome beside one that does


def _groups(column: Column) -> dict[str, list[str]]:
    """The values as they stand in the file, by what they say when capitals do not count."""
    found: dict[str, list[str]] = defaultdict(list)
    if column.distinct <= 6:
        for value in column.counts:
            bare = value.strip()
            if bare not in found[bare.casefold()]:
                found[bare.casefold()].append(bare)
    return dict(found)


def _positive(column: Column, groups: dict[str, list[str]]) -> tuple[tuple[str, ...], bool]:
    """The value that says that it happened, and whether that is sure."""
    yes = [key for key in groups if key in YES]
    if len(yes) == 1:
        return tuple(sorted(groups[yes[0]])), True
    outcomes = {name[:5] for names in NAMES.values() for name in names if len(name) > 3}
    spoken = [key for key in groups if any(plain(word)[:5] in outcomes for word in words(key))]
    if len(spoken) == 1 and not groups[spoken[0]][0].casefold().startswith(("not ", "no ", "non")):
        return tuple(sorted(groups[spoken[0]])), True
    seldom = min(groups, key=lambda key: (sum(column.counts[value] for value in column.counts if _is(value, key)), key))
    return tuple(sorted(groups[seldom])), False


def _is(value: str, key: str) -> bool:
    return value.strip().casefold() == key


def _says(trait: str, column: Column, positive: Sequence[str]) -> str:
    """The label as a rule over the trait, in the type that a run will read it in."""
    name, value = quoted(trait), positive[0]
    if column.native == "bool" or {one.casefold() for one in column.some} <= {"true", "false"}:
        return f"{name} = {value.casefold()}"
    if column.numeric and not ID_LIKE.search(trait):
        return f"{name} = {float(value.replace(',', '.')):g}"
    return one_of(trait, positive)


def _evidence(found: _Candidate) -> str:
    counts = found.column.counts
    held = sum(count for value, count in counts.items() if value.strip() in found.positive)
    share = f"{100 * held / counts.total():.1f} % of the rows are {one_line(found.positive[0])[:24]}"
    blank = 1 - found.column.filled
    return share + (f"; {100 * blank:.0f} % are blank: these are scored, not learned from" if blank >= 0.005 else "")


def _tells_the_same(one: Column, other: Column) -> bool:
    """Whether two columns are one outcome written twice."""
    pairs = {(a.strip(), b.strip()) for a, b in zip(one.values, other.values, strict=True) if a.strip() and b.strip()}
    return len(pairs) == 2 and len({a for a, _ in pairs}) == len({b for _, b in pairs}) == 2


def goal(drafts: Sequence[Draft], roles: Iterable[str]) -> Line | None:
    """What events can serve, where they span long enough and say who it was; None otherwise."""
    told = [draft for draft in drafts if draft.kind == "events" and draft.table.having(*PERSON)]
    if not told or max(map(_days, told)) < LEAST_DAYS:
        return None
    name = "retention" if "purchase" in roles else "engagement"
    return Line(name, GOALS[name])


def _days(draft: Draft) -> float:
    """Days from the first to the last time of the sample; 0 where they cannot be read."""
    known = draft.table
    when, parts = known.first("time"), [known.first(part) for part in ("year", "month", "day")]
    if when is not None:
        at = [moment for value in when.some if (moment := _moment(value, when)) is not None]
    elif all(parts):
        rows = zip(*(part.numbers for part in parts if part), strict=True)
        at = [moment for row in {row for row in rows if None not in row} if (moment := _date(row)) is not None]
    else:
        at = []
    return (max(at) - min(at)).total_seconds() / 86_400 if at else 0.0


def _moment(value: str, when: Column) -> datetime | None:
    try:
        if when.time is None:
            return datetime.fromtimestamp(float(value) / UNIX[when.unix() or "unix"], UTC)
        if when.time.format is None:
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        return datetime.strptime(value, when.time.format).replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _date(row: Sequence[float | None]) -> datetime | None:
    try:
        year, month, day = (int(part or 0) for part in row)
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None

"""What each column of a sample is, by its name and by what it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from shoal.unify.roles import LOW, ROW_NUMBER, by_content, by_name
from shoal.unify.sample import Sample
from shoal.unify.values import Column
from shoal.unify.vocabulary import KNOWN, concepts, event_name

PERSON = ("customer_id", "user_id", "anonymous_id", "device_id", "email", "phone")
ANALYSED = 400  # columns looked at in full; of wider files only names that say something


@dataclass(frozen=True)
class Guess:
    """A column's role and why it was given."""

    column: Column
    role: str
    why: str = ""


@dataclass
class Table:
    """A sample with the role of every column."""

    sample: Sample
    guesses: dict[str, Guess]
    kind: str = "events"
    panel: bool = False
    notes: list[str] = field(default_factory=list)

    def having(self, *roles: str) -> list[Column]:
        """The columns with one of the roles, in the order of the roles."""
        return [guess.column for role in roles for guess in self.guesses.values() if guess.role == role]

    def first(self, *roles: str) -> Column | None:
        """The first column with one of the roles."""
        return next(iter(self.having(*roles)), None)


def guess(sample: Sample) -> Table:
    """Gives every column of a sample a role, and the file a kind."""
    seen: set[str] = set()
    guesses: dict[str, Guess] = {}
    for index, column in enumerate(sample.columns):
        if column.name in seen or not column.name:
            continue
        seen.add(column.name)
        if index < ANALYSED or not concepts(column.name).isdisjoint(KNOWN.values()):
            guesses[column.name] = _guess(column, sample)
        if len(guesses) >= 2 * ANALYSED:
            break
    table = Table(sample, guesses)
    if not sample.dialect.header:
        _name_headerless(table)
    _constants(table)
    _one_time(table)
    _one_event(table)
    _own_key(table)
    table.panel = _is_panel(table)
    table.kind = _kind(table)
    return table


def _guess(column: Column, sample: Sample) -> Guess:
    if not column.counts:
        return Guess(column, "empty", "no values")
    if column.native == "list":
        return Guess(column, "nested", "lists")
    if column.distinct == 1 and column.filled > 0.99 and sample.rows > 1:
        said = by_name(column)
        keep = said in ("currency", "country", "year", "month", "day", "status", "quantity", "price", "amount")
        return Guess(column, said if keep else "constant", "the same on every row")
    if column.email:
        other = "other" in concepts(column.name)
        return Guess(column, "property" if other else "email", "e-mail addresses")
    if _counts_rows(column, sample):
        return Guess(column, "row_number", "counts the rows")
    role = by_name(column)
    return Guess(column, role, "") if role else Guess(column, by_content(column), "")


def _counts_rows(column: Column, sample: Sample) -> bool:
    """Whether a nameless or `index` column only numbers the rows."""
    if not ROW_NUMBER.fullmatch(column.name.lower()):
        return False
    first = [value for value in column.numbers[: sample.head][:50] if value is not None]
    return len(first) > 1 and all(later - former == 1 for former, later in pairwise(first))


def _name_headerless(table: Table) -> None:
    """Roles and invented names for the columns of a file without a header, from content alone."""
    columns = list(table.sample.columns)
    roles: dict[str, str] = {column.name: "property" for column in columns}

    def take(role: str, fits: Callable[[Column], bool]) -> Column | None:
        found = next((column for column in columns if roles[column.name] == "property" and fits(column)), None)
        if found:
            roles[found.name] = role
        return found

    take("email", lambda column: column.email)
    take("time", lambda column: column.time is not None) or take("time", lambda column: column.unix() is not None)
    key = take("customer_id", _repeating_id)
    if key is not None:
        pairs = len(set(zip(key.values, key.values, strict=True)))
        take(
            "second_key",
            lambda column: column.distinct == pairs == len(set(zip(key.values, column.values, strict=True))),
        )
    take(
        "event",
        lambda column: not column.numeric and sum(map(bool, map(event_name, column.some))) >= 0.3 * column.distinct,
    )
    amount = take("amount", lambda column: (column.numeric and not column.whole) or column.money)
    count = take("quantity", lambda column: column.whole and column.distinct <= LOW and column.unique < 0.5)
    if amount and count and not _grows(count, amount):
        roles[amount.name] = "price"
    if key is None:
        take("customer_id", lambda column: column.unique > 0.98 and (column.whole or not column.numeric))
    for column in columns:
        table.guesses[column.name] = Guess(column, roles[column.name], table.guesses[column.name].why)


def _repeating_id(column: Column) -> bool:
    if (column.numeric and not column.whole) or column.filled < 0.5:
        return False
    return column.distinct > 20 and 0.001 < column.unique < 0.95 and column.length < 40


def _grows(count: Column, amount: Column) -> bool:
    """Whether the amount grows with the quantity, so that it is a total rather than a unit price."""
    pairs = [
        (one, two) for one, two in zip(count.numbers, amount.numbers, strict=True) if one and two and one > 0 < two
    ]
    some = sorted(pairs)
    third = len(some) // 3
    if third < 5:
        return True
    low, high = some[:third], some[-third:]
    mean = [sum(two for _, two in part) / third for part in (low, high)]
    return mean[1] > 1.3 * mean[0]


def _constants(table: Table) -> None:
    """Who, when and what, where only a column says so that is the same on every row: one customer, one day."""
    same = [guess.column for guess in table.guesses.values() if guess.role == "constant"]
    for needed, instead in ((PERSON, ("row_id",)), (("time",), ("time_later", "year")), (("event",), ())):
        if table.having(*needed, *instead):
            continue
        for column in same:
            if (role := by_name(column)) in needed:
                table.guesses[column.name] = Guess(column, role, "the same on every row")


def _one_time(table: Table) -> None:
    """Keeps the column that says when it happened; the others become further times."""
    times = table.having("time", "time_later")
    if not times:
        return
    best = max(times, key=lambda column: _time_score(column, table.sample.names.index(column.name)))
    for column in times:
        if column is not best:
            table.guesses[column.name] = Guess(column, "other_time", "a further time")
        else:
            table.guesses[column.name] = Guess(column, "time", "")


def _time_score(column: Column, index: int) -> float:
    said = concepts(column.name)
    score = 3 * column.filled - index / 1000
    score += 2 * bool(said & {"order", "event", "session"}) + 1.5 * bool(said & {"created"})
    score += 1.0 * bool(said & {"time", "date"}) + 0.5 * bool(column.time and column.time.clock)
    score -= 3 * bool(said & {"later"}) + 2 * bool(said & {"updated", "last", "amount"}) + 6 * bool(said & {"birth"})
    return score - 1.0 * (column.time is None)


def _one_event(table: Table) -> None:
    """Keeps the column that names events; a doubtful one counts only when its values are known event names."""
    found = table.having("event", "event_maybe", "status", "property", "channel")
    best, best_score = None, 0.0
    for column in found:
        said = concepts(column.name)
        named = [value for value in column.counts if event_name(value)] if column.distinct <= LOW else []
        known = sum(column.counts[value] for value in named) / max(1, column.counts.total())
        score = known * 2 + 2.0 * ("event" in said) + 1.5 * bool("event" in said and said & {"name", "type"})
        score -= 1.0 * bool(said & {"category", "id", "text", "amount"})
        eligible = "event" in said or (len(named) >= 2 and known > 0.5 and table.guesses[column.name].role != "status")
        if eligible and score > max(best_score, 1.0):
            best, best_score = column, score
    for column in table.having("event", "event_maybe"):
        table.guesses[column.name] = Guess(column, "property", "")
    if best is not None:
        table.guesses[best.name] = Guess(best, "event", f"{best.distinct} event names")


def _own_key(table: Table) -> None:
    """What a bare `id` means: the person where it repeats or nobody else is named; else the row."""
    plain = table.having("row_id")
    if not plain:
        return
    people = table.having("customer_id", "user_id", "anonymous_id")
    for column in plain:
        repeats = column.unique < 0.9 and table.sample.rows > 20
        if repeats and not people:
            table.guesses[column.name] = Guess(column, "customer_id", "an id that comes back over many rows")
            people = [column]
        elif column.unique > 0.98 and table.first("order_id") is None and people and table.first("amount", "price"):
            table.guesses[column.name] = Guess(column, "order_id", "one for each row, beside a person's id")


def _is_panel(table: Table) -> bool:
    """Whether the file is a regular grid: every person at every one of the same dates."""
    who, when = table.first("customer_id", "user_id", "row_id"), table.first("time")
    if who is None or when is None or when.distinct < 5 or who.distinct < 3:
        return False
    sets: dict[str, list[str]] = {}
    for person, at in zip(who.values[: table.sample.head], when.values, strict=False):
        sets.setdefault(person, []).append(at)
    whole = list(sets.values()) if table.sample.whole else list(sets.values())[:-1]
    if len(whole) < 3:
        return False
    return sum(sorted(dates) == sorted(whole[0]) for dates in whole) >= 0.95 * len(whole)


def _kind(table: Table) -> str:
    """`profiles` when a row is a person, `events` when it is something that happened."""
    key = key_of(table)
    when = table.first("time") or table.first("year", "clock")
    if when is None:
        return "profiles"
    if key is None or table.first("event") is not None:
        return "events"
    said = concepts(table.sample.path.name.split(".")[0])
    created = concepts(when.name) & {"created"}
    person = 2 * bool(table.having("name", "phone", "birth")) + bool(table.first("email")) + 2 * bool(created)
    person += 2 * bool(said & {"customer", "user", "account"}) + bool(table.having("gender", "address", "postcode"))
    person += 2 * (key is table.first("row_id"))
    happened = 3 * bool(table.first("order_id", "session_id")) + 3 * bool(table.first("quantity"))
    happened += 2 * bool(table.first("amount", "price")) + bool(table.first("item_id", "item"))
    happened += 2 * bool(said & {"order", "event", "session"}) + 2 * bool(concepts(when.name) & {"order", "event"})
    return "profiles" if person > happened else "events"


def key_of(table: Table) -> Column | None:
    """The person's id that is different on each row, if there is one."""
    candidates = table.having("customer_id", "user_id", "row_id", "account_id", "email", "anonymous_id")
    return next((column for column in candidates if column.unique > 0.98 and column.filled > 0.9), None)

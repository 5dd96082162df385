"""What each column of a sample is, by its name and by what it holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from shoal.unify.sample import Sample
from shoal.unify.values import UUID, Column
from shoal.unify.vocabulary import KNOWN, concepts, event_name, words

PERSON = ("customer_id", "user_id", "anonymous_id", "device_id", "email", "phone")
ANALYSED = 400  # columns looked at in full; of wider files only names that say something
NO_BLANKS = re.compile(r"\S{1,40}$")
CODES = frozenset({"sku", "asin", "isbn", "ean", "upc", "gtin"})
ORDER_CODE = re.compile(r"#?[A-Z]{0,4}-?\d{3,}$")
ROW_NUMBER = re.compile(r"column_\d+|unnamed[: _]*\d*|index|idx|row_?(number|no|num|nr)?|line_?(number|no)?|lfd_?nr|#")
LOW = 500  # a column with at most so many values can name events or categories


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
        said = _by_name(column)
        keep = said in ("currency", "country", "year", "month", "day", "status", "quantity", "price", "amount")
        return Guess(column, said if keep else "constant", "the same on every row")
    if column.email:
        other = "other" in concepts(column.name)
        return Guess(column, "property" if other else "email", "e-mail addresses")
    if _counts_rows(column, sample):
        return Guess(column, "row_number", "counts the rows")
    role = _by_name(column)
    return Guess(column, role, "") if role else Guess(column, _by_content(column), "")


def _counts_rows(column: Column, sample: Sample) -> bool:
    """Whether a nameless or `index` column only numbers the rows."""
    if not ROW_NUMBER.fullmatch(column.name.lower()):
        return False
    first = [value for value in column.numbers[: sample.head][:50] if value is not None]
    return len(first) > 1 and all(later - former == 1 for former, later in pairwise(first))


# Role, the concepts that a name must speak of (any of the alternatives), those it must not, and the form of its values.
def _numeric(column: Column) -> bool:
    return column.numeric or column.money


def _wordy(column: Column) -> bool:
    return not column.numeric or column.distinct <= LOW


def _low(column: Column) -> bool:
    return column.distinct <= LOW and (not column.numeric or column.whole)


def _instants(column: Column) -> bool:
    return column.time is not None or column.unix() is not None


def _anything(column: Column) -> bool:
    return bool(column.counts)


ENTITIES = {
    "session": "session_id",
    "anonymous": "anonymous_id",
    "order": "order_id",
    "user": "user_id",
    "customer": "customer_id",
    "device": "device_id",
    "product": "item_id",
    "event": "event_id",
    "account": "account_id",
}
RULES: tuple[tuple[str, str, str, Callable[[Column], bool]], ...] = (
    ("phone", "phone", "other country type", lambda column: column.phone),
    ("birth", "birth", "", _anything),
    ("currency", "currency", "amount price", lambda column: column.distinct <= 60 and column.length <= 4),
    ("discount", "quality", "", _numeric),
    ("time_later", "later", "status type", lambda column: column.time is not None),
    ("amount", "amount", "quantity tax id", _numeric),
    ("price", "price", "id", _numeric),
    ("quantity", "quantity", "id", _numeric),
    ("country", "country", "phone", _anything),
    ("city", "city", "", _wordy),
    ("category", "category", "id", _anything),
    ("status", "status", "time date", lambda column: column.distinct <= 40 and not column.numeric),
    ("channel", "channel", "id time", _low),
    ("platform", "platform", "id", _low),
    ("device", "device", "id", _low),
    ("page", "page", "id product", _anything),
    ("name", "first surname", "product event", lambda column: not column.numeric),
    ("gender", "gender", "", _low),
    ("postcode", "postcode", "", _anything),
    ("address", "address", "", lambda column: not column.numeric),
)


def _by_name(column: Column) -> str:
    """The role that the name claims and the values do not deny; empty text when there is none."""
    said = concepts(column.name)
    if _instants(column) and (role := _time_role(column, said)):
        return role
    if (role := _calendar(column, said)) or (role := _identifier(column, said)):
        return role
    for role, any_of, none_of, fits in RULES:
        if said & set(any_of.split()) and not said & set(none_of.split()) and fits(column):
            return role
    if role := _thing(column, said):
        return role
    if "event" in said and _low(column) and not column.numeric:
        return "event"
    return "event_maybe" if "type" in said and _low(column) and not column.numeric else ""


def _time_role(column: Column, said: frozenset[str]) -> str:
    if column.time is None and not said & {"time", "date", "created", "updated", "last"}:
        return ""
    if "birth" in said:
        return "birth"
    if column.time is not None and column.time.format == "%Y%m%d" and "id" in said:
        return ""
    return "time_later" if said & {"later", "updated"} else "time"


def _calendar(column: Column, said: frozenset[str]) -> str:
    """Year, month, day or clock in columns of their own."""
    known = [value for value in column.numbers if value is not None][:2000]
    if column.whole and known and len(said) == 1:
        bounds = {"year": (1970, 2100), "month": (1, 12), "date": (1, 31), "clock": (0, 59)}
        part = next(iter(said))
        if part in bounds and bounds[part][0] <= min(known) and max(known) <= bounds[part][1]:
            return {"date": "day", "clock": "clock_part"}.get(part, part)
    if "time" in said and all(re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", value) for value in column.some[:200]):
        return "clock"
    return ""


def _identifier(column: Column, said: frozenset[str]) -> str:
    """The role of a column whose name speaks of an id, number or code."""
    spoken = [ENTITIES[KNOWN[word]] for word in words(column.name) if KNOWN.get(word) in ENTITIES]
    if column.time is not None and column.time.format != "%Y%m%d":
        return ""
    if "id" not in said:
        return _bare(column, said, spoken)
    if said & {"email", "postcode", "country", "currency", "phone", "city", "region", "amount", "status"}:
        return ""
    if "anonymous" in said:
        return "anonymous_id"
    if "quantity" in said or (column.numeric and not column.whole and "e" not in column.some[0].lower()):
        return ""
    if "category" in said:
        return "category"
    if "other" in said:
        return "other_id"
    if spoken:
        return spoken[-1]
    if "card" in said:
        return "card_id"
    if said & {"channel", "page", "platform", "city", "region", "status", "type", "quality", "event"}:
        return ""
    return "row_id" if said <= {"id", "unique"} else ("row_id" if column.unique > 0.98 and len(said) == 2 else "")


def _bare(column: Column, said: frozenset[str], spoken: list[str]) -> str:
    """The role of a column named after a thing alone, such as `Invoice` or `user`, when its values are ids."""
    if said == {"unique"}:
        return "row_id" if column.unique > 0.5 else ""
    if len(said) > 1 or not spoken or column.distinct <= 20 or (column.numeric and not column.whole):
        return ""
    counts_up = spoken[0] == "order_id" and column.whole and max(value or 0 for value in column.numbers) < 1000
    return spoken[0] if column.share(NO_BLANKS) > 0.9 and not counts_up else ""


def _thing(column: Column, said: frozenset[str]) -> str:
    """Names and descriptions: of a product, of a person, or free text."""
    if CODES & set(words(column.name)):
        return "item_id"
    if column.numeric:
        return ""
    if "product" in said and "type" in said:
        return "category"
    if "product" in said and column.distinct > 20 and column.share(re.compile(r"(?=.*\d)\S{2,15}$")) > 0.9:
        return "item_id"
    if "product" in said and (said & {"name", "description"} or said == {"product"}):
        return "item"
    if said == {"customer"}:
        return "name"
    if said == {"description"}:
        return "item" if column.length < 60 else "text"
    if said == {"name"} and column.share(ORDER_CODE) > 0.9:
        return "order_id"
    if "name" in said and not said & {"event", "account", "channel", "page", "category", "product", "order"}:
        return "name"
    return ""


def _by_content(column: Column) -> str:
    """A role from the values alone."""
    if column.flag:
        return "flag"
    if column.time is not None and column.time.format != "%Y%m%d":
        return "time"
    if not column.numeric and column.length > 60:
        return "text"
    if column.share(UUID) > 0.95 and column.unique > 0.98:
        return "row_id"
    return "property"


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

"""The role of a single column, by its name and by what it holds."""

from __future__ import annotations

import re
from collections.abc import Callable

from shoal.unify.values import UUID, Column
from shoal.unify.vocabulary import KNOWN, concepts, words

LOW = 500  # a column with at most so many values can name events or categories
NO_BLANKS = re.compile(r"\S{1,40}$")
CODES = frozenset({"sku", "asin", "isbn", "ean", "upc", "gtin"})
ORDER_CODE = re.compile(r"#?[A-Z]{0,4}-?\d{3,}$")
ROW_NUMBER = re.compile(r"column_\d+|unnamed[: _]*\d*|index|idx|row_?(number|no|num|nr)?|line_?(number|no)?|lfd_?nr|#")


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


def by_name(column: Column) -> str:
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


def by_content(column: Column) -> str:
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

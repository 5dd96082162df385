"""From the roles of a file's columns to a source mapping."""

from __future__ import annotations

from collections import defaultdict

from shoal.unify.draft import Draft, Line, evidence
from shoal.unify.expression import amount, one_of, quoted
from shoal.unify.guess import PERSON, Table, key_of
from shoal.unify.values import Column
from shoal.unify.vocabulary import concepts, event_name, slug, words
from shoal.unify.worth import best_amount, give_currency, give_worth

MOST = 100  # properties or traits of one source
PRIVATE = frozenset({"email", "phone", "name", "birth", "address", "postcode"})
NEVER = {
    "empty": "no values",
    "constant": "the same on every row",
    "row_number": "counts the rows",
    "text": "free text",
    "nested": "a list",
    "second_key": "goes one to one with the id",
}
# What a further column of the role is called; others keep their own name.
SHARED = frozenset({"country", "city", "gender", "postcode"})
NAMED = SHARED | {"order_id", "session_id", "item_id", "item", "category", "quantity", "price", "page", "channel"}
STANDING = frozenset(
    {
        "person",
        "profile_id",
        "at",
        "event",
        "value",
        "source",
        "event_id",
        "properties",
        "first_seen",
        "last_seen",
        "as_of",
    }
)


def outline(name: str, path: str, table: Table) -> Draft:
    """A source mapping for one file, with its questions."""
    draft = Draft(name, path, table, kind=table.kind)
    if not table.sample.dialect.header:
        draft.columns = _invent(table)
        draft.ask("csv", "the file has no header; these column names were invented: are they right?")
    (_profiles if table.kind == "profiles" else _events)(draft)
    for guess in table.guesses.values():
        if guess.role in NEVER:
            draft.unused[guess.column.name] = NEVER[guess.role]
    return draft


def _invent(table: Table) -> dict[str, str]:
    """Names for the columns of a file without a header."""
    names: dict[str, str] = {}
    for index, (raw, guess) in enumerate(table.guesses.items(), 1):
        wish = {"property": f"column_{index}", "time": "date", "second_key": "other_id"}.get(guess.role, guess.role)
        names[raw] = wish if wish not in names.values() else f"{wish}_{index}"
    return names


def _events(draft: Draft) -> None:
    table = draft.table
    _time(draft)
    _identifiers(draft)
    _event(draft)
    if draft.event_column or (draft.event and draft.event.text == "Order Completed"):
        give_worth(draft)
        _only_purchases(draft)
        give_currency(draft)
    fixed = _fixed_to_person(table)
    taken = _taken(draft)
    for guess in table.guesses.values():
        column, role = guess.column, guess.role
        if column.name in taken or role in NEVER or role in ("email", "phone"):
            continue
        is_trait = role in ("gender", "birth", "postcode", "name", "address") or column.name in fixed
        _add(draft, draft.traits if is_trait else draft.properties, column, role)
    if draft.at and not _clocked(draft) and not table.first("order_id", "event_id"):
        draft.keep = "times are days only: two equal rows may be two purchases"
        if not draft.value:
            draft.keep = "times are days only: two equal rows may be two events"
    if table.panel:
        draft.questions.clear()
        draft.hold("path", "every id has a row at every date: a panel of measurements, not events. Leave it out?")


def _clocked(draft: Draft) -> bool:
    table = draft.table
    when = table.first("time")
    if when is None:
        return False
    return bool(table.first("clock")) or when.time is None or when.time.clock


def _taken(draft: Draft) -> set[str]:
    """Columns that already stand for who, when and what."""
    table = draft.table
    taken = {column.name for column in table.having("time", "event", "year", "month", "day", "clock", *PERSON)}
    if draft.value and (best := best_amount(table)) and quoted(draft.called(best)) in draft.value.text:
        taken.add(best.name)
    price = table.first("price")
    if draft.value and price is not None and draft.value.text == quoted(draft.called(price)):
        taken.add(price.name)
    if draft.currency:
        taken.update(column.name for column in table.having("currency"))
    return taken | set(draft.unused)


def _time(draft: Draft) -> None:
    table = draft.table
    when, clock = table.first("time"), table.first("clock")
    parts = [table.first(part) for part in ("year", "month", "day")]
    if when is None and all(parts):
        draft.at = Line(
            f"date({', '.join(quoted(draft.called(part)) for part in parts if part)})", "days, from three columns"
        )
        return
    if when is None:
        draft.hold("at", "no column holds a time: when did it happen?")
        return
    name, form = quoted(draft.called(when)), when.time
    example = next(iter(when.counts), "")
    draft.at = Line(name, f"such as {example}" + ("" if form is None or form.clock else ", days only"))
    if form is None:
        draft.at_format = when.unix()
        return
    draft.at_format = form.format
    if clock is not None and not form.clock:
        seconds = any(value.count(":") == 2 for value in clock.some)
        draft.at = Line(f"concat({name}, ' ', {quoted(draft.called(clock))})", "a day and a clock in two columns")
        draft.at_format = f"{form.format or '%Y-%m-%d'} {'%H:%M:%S' if seconds else '%H:%M'}"
    _doubts_about_time(draft, when)


def _doubts_about_time(draft: Draft, when: Column) -> None:
    form = when.time
    assert form is not None
    if form.ambiguous:
        draft.ask("at_format", f"day or month first? No value tells; it was read as {form.format}")
    if form.share < 0.97:
        draft.at_format = None if draft.table.first("clock") is None else draft.at_format
        draft.ask("at", f"{100 - 100 * form.share:.0f} % of the times are written in another form: are all read right?")


def _identifiers(draft: Draft) -> None:
    """Who it was: every kind of personal id in the file, else the best substitute, with a question."""
    table = draft.table
    for role in PERSON:
        columns = table.having(role)
        if columns:
            draft.identifiers[role] = _who(draft, role, columns)
    if draft.identifiers:
        return
    substitutes = (
        ("session_id", "anonymous_id", "only a session says who it was: is there a customer or cookie id to join?"),
        ("account_id", "account_id", "only an account says who it was: each account is taken as one customer"),
        ("card_id", "customer_id", "only a card says who it was: each card is taken as one customer"),
        ("name", "customer_id", "only a name says who it was: people of one name are taken as one"),
        ("other_id", "customer_id", "is this the person who acted?"),
        ("row_id", "customer_id", "is this the customer's id? It is different on nearly every row"),
    )
    for role, kind, question in substitutes:
        column = table.first(role)
        if column is not None and (role not in ("row_id", "name") or column.unique < 0.98):
            draft.identifiers[kind] = Line(quoted(draft.called(column)), evidence(column))
            draft.ask(f"identifiers.{kind}", question)
            return
    draft.hold("identifiers", "no column says who it was: name the customer's id, or join it in with `sql:`")


def _who(draft: Draft, role: str, columns: list[Column]) -> Line:
    private = role in PRIVATE
    best = sorted(columns, key=lambda column: -column.filled) if role in ("phone", "email") else columns
    if role == "phone" and len(best) > 1:
        names = ", ".join(quoted(draft.called(column)) for column in best)
        return Line(f"coalesce({names})", "the first that is filled")
    for column in best[1:]:
        draft.unused[column.name] = f"a further {role.replace('_', ' ')}"
    return Line(quoted(draft.called(best[0])), evidence(best[0], private=private))


def _event(draft: Draft) -> None:
    table = draft.table
    column = table.first("event")
    if column is not None:
        draft.event_column = Line(draft.called(column), evidence(column))
        for raw, _ in column.counts.most_common(200):
            known = event_name(raw)
            if known and known != raw:
                draft.event_names[raw] = known
        unknown = [raw for raw, _ in column.counts.most_common(200) if not event_name(raw)]
        if len(unknown) == column.distinct:
            draft.ask("event", "none of the event names is known: which of them are purchases, views, log-ins?")
        return
    name, why, sure = _event_by_columns(table)
    draft.event = Line(name, why)
    if not sure:
        draft.ask("event", f"what does a row say happened? It was taken as '{name}'")


def _event_by_columns(table: Table) -> tuple[str, str, bool]:
    """The event that all rows of a file are, why, and whether that is sure."""
    stem = table.sample.path.name.split(".")[0]
    spoken = frozenset().union(*(set(words(name)) for name in (*table.guesses, stem)))
    by_file = event_name(stem) or event_name(stem.removesuffix("s"))
    if by_file and by_file != "Order Completed":
        return by_file, "by the file's name", True
    if table.first("order_id") and table.first("amount", "price", "quantity"):
        return "Order Completed", "there are orders with money", True
    if table.first("session_id", "page") and not table.first("amount", "quantity"):
        viewed = table.first("item_id", "price", "category", "item")
        return (
            ("Product Viewed", "a clickstream: sessions and products, no orders", bool(viewed))
            if viewed
            else ("Page Viewed", "a clickstream: sessions and pages, no orders", True)
        )
    if table.first("amount", "price"):
        return "Order Completed", "a person, a time and money", True
    if spoken & {"rating", "stars", "review", "overall", "bewertung"}:
        return "Product Reviewed", "ratings", True
    if spoken & {"visited", "visit", "login", "logins", "engagement", "active", "session", "seen", "signed"}:
        return "Signed In", "a person and a time, nothing bought", False
    if table.first("item_id", "item"):
        return "Product Viewed", "a person, a time and a product, no money", False
    if table.first("order_id"):
        return "Order Completed", "orders without money", True
    return "Event", "nothing says what happened", False


def _only_purchases(draft: Draft) -> None:
    """Limits the value to the rows that are purchases, where a file mixes events."""
    column = draft.table.first("event")
    if column is None or draft.value is None:
        return
    bought = [raw for raw, name in draft.event_names.items() if name in ("Order Completed", "Order Refunded")]
    bought += [raw for raw in column.counts if raw in ("Order Completed", "Order Refunded")]
    money = draft.table.having("amount", "price")
    elsewhere = any(
        value not in bought and number not in (None, 0.0)
        for one in money
        for value, number in zip(column.values, one.numbers, strict=True)
    )
    if not bought:
        draft.ask("value", f"no event was recognised as a purchase; is {draft.value.text} money that was paid?")
        draft.value = None
    elif elsewhere:
        draft.value = Line(
            f"case when {one_of(draft.called(column), bought)} then {draft.value.text} end", "purchases only"
        )


def _fixed_to_person(table: Table) -> set[str]:
    """Columns that hold one value for each person: facts about the person, not about the event."""
    who = table.first(*PERSON, "session_id")
    if who is None:
        return set()
    rows = min(len(who.values), 20_000)
    several = [person for person, count in who.counts.items() if count > 1]
    if len(several) < 15:
        return {guess.column.name for guess in table.guesses.values() if guess.role == "country"}
    wanted = set(several)
    fixed = set()
    for guess in table.guesses.values():
        column = guess.column
        if guess.role not in ("country", "city", "property", "flag", "channel", "account_id", "platform"):
            continue
        if column.filled < 0.3 or column.distinct > max(LOW_TRAIT, who.distinct):
            continue
        held: dict[str, set[str]] = defaultdict(set)
        for person, value in zip(who.values[:rows], column.values, strict=False):
            if person in wanted and value:
                held[person].add(value)
        bound = 0.9 if guess.role == "country" else 0.97
        if held and sum(len(values) == 1 for values in held.values()) >= bound * len(held):
            fixed.add(column.name)
    return fixed


LOW_TRAIT = 200


def _add(draft: Draft, into: dict[str, Line], column: Column, role: str) -> None:
    if len(into) >= MOST:
        draft.unused[column.name] = "one of many"
        return
    standard = NAMED if into is draft.properties else SHARED
    name = role if role in standard and role not in into else slug(_last(draft, column))
    if name in STANDING:
        name = "channel" if role == "channel" else f"own_{name}"
    while name in into:
        name = f"{name}_{len(into)}" if not name[-1].isdigit() else f"{name}_x"
    private = role in PRIVATE
    said = quoted(draft.called(column))
    numeric = column.money and role in ("amount", "price", "discount")
    into[name] = Line(
        amount(Column(draft.called(column), column.values)) if numeric else said, evidence(column, private=private)
    )


def _last(draft: Draft, column: Column) -> str:
    """The column's own name; of a nested one only the last part, where that is enough."""
    name = draft.called(column)
    last = name.rsplit(".", 1)[-1]
    nested = draft.table.sample.format == "json" and last != name
    alone = sum(other.name.rsplit(".", 1)[-1] == last for other in draft.table.sample) == 1
    return last if nested and alone else name


def _profiles(draft: Draft) -> None:
    table = draft.table
    key = _key(draft)
    if key is None:
        draft.identifiers["customer_id"] = Line("id", "put the column here")
        _trait_lines(draft, set())
        return
    role = table.guesses[key.name].role
    kind = "customer_id" if role == "row_id" else role
    draft.identifiers[kind] = Line(quoted(draft.called(key)), evidence(key, private=role in PRIVATE))
    for other in ("customer_id", "user_id", "email", "phone"):
        columns = [column for column in table.having(other) if column is not key and column.filled > 0.02]
        if columns and other not in draft.identifiers:
            draft.identifiers[other] = _who(draft, other, columns)
    _signed_up(draft)
    _trait_lines(draft, {key.name})


def _key(draft: Draft) -> Column | None:
    """The column that says which customer a row is; asks where it does not do so well."""
    table = draft.table
    key = key_of(table)
    if key is not None:
        return key
    key = table.first("customer_id", "user_id", "account_id", "email", "phone", "anonymous_id")
    item = table.first("item_id")
    if key is not None and key.unique < 0.8:
        draft.hold(
            "path", f"no time, and {quoted(draft.called(key))} repeats: neither events nor customers, leave it out?"
        )
    elif key is not None:
        draft.ask("identifiers", f"{quoted(draft.called(key))} repeats on some rows: are these the same customers?")
    elif item is not None and item.unique > 0.98:
        draft.hold("path", "a row is a product, not a customer: leave it out, or join it to the orders with `sql:`")
    else:
        draft.hold("identifiers", "no column says which customer a row is: name the customer's id")
    return key


def _signed_up(draft: Draft) -> None:
    when = draft.table.first("time")
    if when is None or not concepts(when.name) & {"created"} or "last" in concepts(when.name):
        return
    _time(draft)
    draft.event = Line("Signed Up", "when the customer came to be")


def _trait_lines(draft: Draft, taken: set[str]) -> None:
    table = draft.table
    hindsight = []
    for guess in table.guesses.values():
        column, role = guess.column, guess.role
        used = column.name in taken or column.name in draft.unused or (role == "time" and draft.at)
        if used or role in NEVER or role in draft.identifiers:
            continue
        _add(draft, draft.traits, column, role)
        if "last" in concepts(column.name) and not concepts(column.name) & {"name"}:
            hindsight.append(draft.called(column))
    if hindsight:
        names = ", ".join(map(quoted, hindsight))
        draft.ask("traits", f"known only in hindsight: {names}. Predictions from it would cheat: leave it out?")

"""From the roles of a file's columns to a source mapping."""

from __future__ import annotations

from collections import defaultdict

from shoal.unify.action import give_event, only_purchases
from shoal.unify.draft import Draft, Line, evidence
from shoal.unify.expression import amount, quoted
from shoal.unify.guess import PERSON, Table
from shoal.unify.person import PRIVATE, expression_of, give_identifiers, own_key
from shoal.unify.values import Column
from shoal.unify.vocabulary import concepts, slug
from shoal.unify.worth import best_amount, give_currency, give_worth

MOST = 100  # properties or traits of one source of events
CODES = 50  # kinds that whole numbers may stand for
MOST_OF_PEOPLE = 400  # traits of a table of customers
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
    give_identifiers(draft)
    give_event(draft)
    if draft.event_column or (draft.event and draft.event.text == "Order Completed"):
        give_worth(draft)
        only_purchases(draft)
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
    if len(into) >= (MOST if draft.kind == "events" else MOST_OF_PEOPLE):
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
    why = evidence(column, private=private)
    if column.money and role in ("amount", "price", "discount"):
        said = amount(Column(draft.called(column), column.values))
    elif into is draft.traits and _codes(column):
        said, why = f"text({said})", f"codes, not amounts: {why}"
    into[name] = Line(said, why)


def _codes(column: Column) -> bool:
    """Whether whole numbers stand for kinds of things, so that 3 is not more than 2."""
    named = concepts(column.name) & {"platform", "region", "type", "channel", "category", "city"}
    return bool(named) and column.numeric and column.whole and 2 < column.distinct <= CODES


def _last(draft: Draft, column: Column) -> str:
    """The column's own name; of a nested one only the last part, where that is enough."""
    name = draft.called(column)
    last = name.rsplit(".", 1)[-1]
    nested = draft.table.sample.format == "json" and last != name
    alone = sum(other.name.rsplit(".", 1)[-1] == last for other in draft.table.sample) == 1
    return last if nested and alone else name


def _profiles(draft: Draft) -> None:
    table = draft.table
    key = own_key(draft)
    if key is None:
        if draft.held:
            draft.identifiers["customer_id"] = Line("id", "put the column here")
        _trait_lines(draft, set())
        return
    role = table.guesses[key.name].role
    kind = "customer_id" if role in ("row_id", "card_id", "other_id") else role
    further = [column for column in table.having(role) if column is not key]
    draft.unused |= {column.name: f"a further {role.replace('_', ' ')}" for column in further}
    draft.identifiers[kind] = Line(quoted(draft.called(key)), evidence(key, private=role in PRIVATE))
    for other in ("customer_id", "user_id", "email", "phone"):
        columns = [column for column in table.having(other) if column is not key and column.filled > 0.02]
        if columns and other not in draft.identifiers:
            draft.identifiers[other] = expression_of(draft, other, columns)
    _signed_up(draft)
    _trait_lines(draft, {key.name})


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

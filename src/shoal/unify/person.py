"""Who a row speaks of: the identifiers of a person, or the best substitute and a question."""

from __future__ import annotations

from shoal.unify.draft import Draft, Line, evidence
from shoal.unify.expression import quoted
from shoal.unify.guess import PERSON, Guess, Table, key_of
from shoal.unify.values import Column

NOBODY = "no column says which customer a row is: name the customer's id"
SAYS_NOTHING = frozenset({"empty", "constant", "row_number", "text", "nested", "second_key"})
PRIVATE = frozenset({"email", "phone", "name", "birth", "address", "postcode"})


def give_identifiers(draft: Draft) -> None:
    """Who it was: every kind of personal id in the file, else the best substitute, with a question."""
    table = draft.table
    for role in PERSON:
        columns = table.having(role)
        if columns:
            draft.identifiers[role] = expression_of(draft, role, columns)
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


def expression_of(draft: Draft, role: str, columns: list[Column]) -> Line:
    private = role in PRIVATE
    best = sorted(columns, key=lambda column: -column.filled) if role in ("phone", "email") else columns
    if role == "phone" and len(best) > 1:
        names = ", ".join(quoted(draft.called(column)) for column in best)
        return Line(f"coalesce({names})", "the first that is filled")
    for column in best[1:]:
        draft.unused[column.name] = f"a further {role.replace('_', ' ')}"
    return Line(quoted(draft.called(best[0])), evidence(best[0], private=private))


def own_key(draft: Draft) -> Column | None:
    """The column that says which customer a row is; asks where it does not do so well."""
    table = draft.table
    key = key_of(table)
    if key is not None:
        return key
    key = _number(table) or table.first("customer_id", "user_id", "account_id", "email", "phone", "anonymous_id")
    item = table.first("item_id")
    if key is not None and key.unique > 0.98 and key.filled > 0.9:
        return key
    if key is not None and key.unique < 0.8:
        draft.hold(
            "path", f"no time, and {quoted(draft.called(key))} repeats: neither events nor customers, leave it out?"
        )
    elif key is not None:
        draft.ask("identifiers", f"{quoted(draft.called(key))} repeats on some rows: are these the same customers?")
    elif item is not None and item.unique > 0.98:
        draft.hold("path", "a row is a product, not a customer: leave it out, or join it to the orders with `sql:`")
    elif not any(map(_tells_apart, table.guesses.values())):
        draft.hold("identifiers", NOBODY)
    return key


def _number(table: Table) -> Column | None:
    """A number that is different on each row and not said to be the customer's: a staff, card or session number."""
    found = table.having("card_id", "other_id", "session_id", "order_id")
    return next((column for column in found if column.unique > 0.98 and column.filled > 0.9), None)


def _tells_apart(guess: Guess) -> bool:
    """Whether a column says something that several rows share, as a fact about people does."""
    column = guess.column
    return guess.role not in SAYS_NOTHING and (column.numeric or column.distinct <= column.counts.total() / 2)

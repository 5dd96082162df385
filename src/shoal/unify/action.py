"""What a row says happened: one event for the whole file, or a column of event names."""

from __future__ import annotations

from shoal.unify.draft import Draft, Line, evidence
from shoal.unify.expression import one_of
from shoal.unify.guess import Table
from shoal.unify.vocabulary import event_name, words


def give_event(draft: Draft) -> None:
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


def only_purchases(draft: Draft) -> None:
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

"""What a row is worth, and which rows take something back."""

from __future__ import annotations

from collections import Counter, defaultdict

from shoal.unify import lexicon
from shoal.unify.draft import Draft, Line
from shoal.unify.expression import amount, none_of, one_of, quoted, text
from shoal.unify.guess import Table
from shoal.unify.lexicon import table
from shoal.unify.values import Column
from shoal.unify.vocabulary import concepts, plain, words

STATES = {state: frozenset(said) for state, said in table(lexicon.STATES).items()}
BEST = ("grand", "total", "gesamt", "revenue", "umsatz", "amount", "betrag", "paid", "sales")


def give_worth(draft: Draft) -> None:
    """Fills in value, currency, returns and the rows to leave out."""
    table = draft.table
    total, price, count = best_amount(table), table.first("price"), table.first("quantity")
    lines = table.having("amount")
    if total is not None and price is not None and count is not None and _once_an_order(table, total, price, count):
        draft.unused[total.name] = "the order's total, on each of its lines or only the first: lines are summed instead"
        draft.ask(
            "value",
            f"lines are summed; should {quoted(total.name)}, the total of the order, count instead?",
        )
        total = None
    if total is not None:
        draft.value = Line(amount(_called(draft, total)), _why_amount(total, count, price))
        if _repeated(table, total):
            draft.ask(
                "value",
                f"{quoted(total.name)} is alike on all lines of an order: is it the total of the order?",
            )
    elif price is not None and count is not None:
        one, two = amount(_called(draft, count)), amount(_called(draft, price))
        draft.value = Line(f"{one} * {two}", "quantity times unit price")
    elif price is not None:
        draft.value = Line(amount(_called(draft, price)), "the only money column; no quantity")
    if len(lines) > 1 and total is not None:
        others = ", ".join(quoted(column.name) for column in lines if column is not total)
        draft.value = Line(draft.value.text if draft.value else "", f"chosen over {others}")
    _returns(draft, total, price, count)
    _statuses(draft)


def give_currency(draft: Draft) -> None:
    """The currency's column, or its code where there is only one."""
    column = draft.table.first("currency")
    if column is None or draft.value is None:
        return
    codes = sorted({value.strip().upper() for value in column.counts})
    if len(codes) == 1 and len(codes[0]) == 3:
        draft.currency = Line(codes[0], f"all of {quoted(column.name)}")
    else:
        draft.currency = Line(draft.called(column), ", ".join(codes[:5]))


def _called(draft: Draft, column: Column) -> Column:
    return Column(draft.called(column), column.values, column.native)


def best_amount(table: Table) -> Column | None:
    """The money column that says most about what was paid."""
    found = table.having("amount")
    if not found:
        return None

    def score(column: Column) -> float:
        said = words(column.name)
        rank = next((len(BEST) - place for place, word in enumerate(BEST) if word in said), 0)
        kind = concepts(column.name)
        penalty = 5 * bool({"subtotal", "tax", "net", "netto", "converted", "ht"} & set(said)) + 20 * (
            "quality" in kind
        )
        penalty += 8 * ("unit" in kind)
        return rank + 3 * column.filled - penalty

    return max(found, key=score)


def _why_amount(total: Column, count: Column | None, price: Column | None) -> str:
    if price is not None and count is not None:
        return "equals quantity times unit price"
    known = [value for value in total.numbers if value is not None]
    return f"{min(known):g} to {max(known):g}" if known else ""


def _once_an_order(table: Table, total: Column, price: Column, count: Column) -> bool:
    """Whether the total belongs to the whole order, so that summing it over lines would count it several times."""
    pairs = [
        (whole, one * many)
        for whole, one, many in zip(total.numbers, price.numbers, count.numbers, strict=True)
        if whole is not None and one is not None and many is not None
    ]
    alike = sum(abs(whole - line) <= 0.02 * max(abs(whole), abs(line), 0.01) for whole, line in pairs)
    if pairs and alike >= 0.8 * len(pairs) and total.filled > 0.9:
        return False
    return _repeated(table, total) or total.filled < 0.9 * price.filled or not pairs


def _repeated(table: Table, total: Column) -> bool:
    """Whether orders of several lines show the same amount on all of them."""
    order = table.first("order_id")
    if order is None:
        return False
    orders: dict[str, list[str]] = defaultdict(list)
    for key, value in zip(order.values, total.values, strict=True):
        if key and value:
            orders[key].append(value)
    several = [values for values in orders.values() if len(values) > 1]
    alike = sum(len(set(values)) == 1 for values in several)
    return len(several) >= 5 and alike > 0.9 * len(several)


def _returns(draft: Draft, total: Column | None, price: Column | None, count: Column | None) -> None:
    signed = next((column for column in (count, total, price) if column is not None and column.negative > 0), None)
    if signed is None:
        return
    below = f"{amount(_called(draft, signed))} < 0"
    share = f"{100 * signed.negative:.1f} % of the sampled rows are below zero"
    if signed.negative > 0.5:
        draft.ask("returns", f"most of {quoted(signed.name)} is below zero: is the sign turned round?")
        return
    letter = _letter(draft.table, signed)
    if letter:
        order = draft.table.first("order_id")
        assert order is not None
        below = f"starts_with({quoted(draft.called(order))}, {text(letter)}) or {below}"
        share += f", most with an order id that starts with {letter}"
    draft.returns = Line(below, share)


def _letter(table: Table, signed: Column) -> str:
    """The letter that marks the order ids of cancellations, if there is one."""
    order = table.first("order_id")
    if order is None:
        return ""
    starts: dict[str, Counter[bool]] = defaultdict(Counter)
    for key, value in zip(order.values, signed.numbers, strict=True):
        if key and value is not None:
            starts[key[0] if key[0].isalpha() else ""][value < 0] += 1
    marked = {letter: counted for letter, counted in starts.items() if letter and counted[True] >= 3}
    letter = max(marked, key=lambda key: marked[key][True], default="")
    if not letter or len(starts) < 2:
        return ""
    return letter if marked[letter][True] >= 0.95 * marked[letter].total() else ""


def _statuses(draft: Draft) -> None:
    """Rows whose status says that they were taken back or never paid."""
    column = draft.table.first("status")
    if column is None:
        return
    said = {value: set(plain(value).replace("_", " ").replace("-", " ").split()) for value in column.counts}
    back = [
        value
        for value, spoken in said.items()
        if spoken & STATES["taken_back"] and not spoken & {"partially", "partial"}
    ]
    cancelled = [value for value, spoken in said.items() if spoken & STATES["cancelled"]]
    unpaid = [value for value, spoken in said.items() if spoken & STATES["never_paid"]]
    name = draft.called(column)
    if back or cancelled:
        when = one_of(name, [*back, *cancelled])
        draft.returns = Line(f"{when} or {draft.returns.text}" if draft.returns else when, "by the status")
        draft.returned = "Order Refunded" if back else "Order Cancelled"
    if unpaid and len(unpaid) < len(said):
        draft.where = Line(none_of(name, unpaid), "rows that were never paid; they go to quarantine")

"""The features of the kernel benchmark, each twice: as Shoal's definition and as SQL written by hand.

The SQL is one aggregate over a person's rows. `{T}` stands for the cut-off; windows are (T - days, T].
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

WINDOWS = (7, 30, 90, 365)
CATEGORIES = ("grocery", "household", "fashion", "outlet", "electronics", "design", "books", "gifts")
ORDER, REFUND = "event = 'Order Completed'", "event = 'Order Refunded'"
LAST = "(epoch_us({T}) - epoch_us(max(at) filter ({where}))) / 86400e6"

Definition = tuple[str, dict[str, Any], str]


def _within(days: int | None, before: int = 0) -> str:
    """The rows of a window; every row up to the cut-off without one."""
    until = f"at <= {{T}} - interval {before} day" if before else "at <= {T}"
    return until if days is None else f"at > {{T}} - interval {before + days} day and {until}"


def _windowed() -> Iterator[Definition]:
    for days in WINDOWS:
        span = {"within": f"{days}d"}
        rows = _within(days)
        yield f"events_{days}d", {"count": "events", **span}, f"count(*) filter ({rows})"
        yield (
            f"lines_{days}d",
            {"count": "events", "of": "Order Completed", **span},
            f"count(*) filter ({ORDER} and {rows})",
        )
        yield (
            f"revenue_{days}d",
            {"sum": "value", "of": "Order Completed", **span},
            (f"coalesce(sum(value) filter ({ORDER} and {rows}), 0)"),
        )
        yield (
            f"views_{days}d",
            {"count": "events", "of": "Product Viewed", **span},
            (f"count(*) filter (event = 'Product Viewed' and {rows})"),
        )
        yield (
            f"carts_{days}d",
            {"count": "events", "of": "Product Added", **span},
            (f"count(*) filter (event = 'Product Added' and {rows})"),
        )
        yield (
            f"opens_{days}d",
            {"count": "events", "of": "Email Opened", **span},
            (f"count(*) filter (event = 'Email Opened' and {rows})"),
        )
    previous = _within(90, before=90)
    span = {"within": "90d", "before": "90d"}
    yield "events_prev_90d", {"count": "events", **span}, f"count(*) filter ({previous})"
    yield (
        "revenue_prev_90d",
        {"sum": "value", "of": "Order Completed", **span},
        (f"coalesce(sum(value) filter ({ORDER} and {previous}), 0)"),
    )


def _lifetime() -> Iterator[Definition]:
    rows, order = _within(None), f"{ORDER} and {_within(None)}"
    of = {"of": "Order Completed"}
    yield "orders", {"distinct": "order_id", **of}, f"count(distinct properties.order_id) filter ({order})"
    yield "revenue", {"sum": "value", **of}, f"coalesce(sum(value) filter ({order}), 0)"
    yield (
        "refunded",
        {"sum": "value", "of": "Order Refunded"},
        (f"coalesce(sum(value) filter ({REFUND} and {rows}), 0)"),
    )
    yield "line_mean", {"mean": "value", **of}, f"avg(value) filter ({order})"
    yield "line_std", {"std": "value", **of}, f"stddev_samp(value) filter ({order})"
    yield "line_max", {"max": "value", **of}, f"max(value) filter ({order})"
    yield "price_min", {"min": "price", **of}, f"min(properties.price) filter ({order})"
    yield "quantity_mean", {"mean": "quantity", **of}, f"avg(properties.quantity) filter ({order})"
    yield (
        "last_category",
        {"last": "category", "of": "Order Completed", "where": "category is not null"},
        (f"max_by(properties.category, (at, event_id)) filter ({order} and properties.category is not null)"),
    )
    yield "recency_days", {"days_since": "last", **of}, LAST.replace("{where}", order)
    yield "seen_days", {"days_since": "last"}, LAST.replace("{where}", rows)
    yield "tenure_days", {"days_since": "first"}, LAST.replace("max(at)", "min(at)").replace("{where}", rows)
    yield (
        "active_days",
        {"distinct": "year(at) * 10000 + month(at) * 100 + day(at)"},
        f"count(distinct at::date) filter ({rows})",
    )
    yield (
        "gap_days",
        {"gap": "mean", **of},
        (
            f"(max(at::date) filter ({order}) - min(at::date) filter ({order}))"
            f" / nullif(count(distinct at::date) filter ({order}) - 1, 0)"
        ),
    )
    yield "breadth", {"distinct": "category"}, f"count(distinct properties.category) filter ({rows})"
    yield (
        "evening_share",
        {"share": "hour(at) >= 18"},
        (f"count(*) filter (hour(at) >= 18 and {rows}) / nullif(count(*) filter ({rows}), 0)"),
    )
    yield (
        "weekend_share",
        {"share": "weekday(at) >= 6"},
        (f"count(*) filter (isodow(at) >= 6 and {rows}) / nullif(count(*) filter ({rows}), 0)"),
    )
    for name in CATEGORIES:
        yield (
            f"share_{name}",
            {"share": f"category = '{name}'", "weight": "value", **of},
            (
                f"coalesce(sum(value) filter ({order} and properties.category = '{name}'), 0)"
                f" / nullif(sum(value) filter ({order}), 0)"
            ),
        )


def definitions() -> list[Definition]:
    """Name, Shoal's definition, SQL: of every feature."""
    return [(name, mine, re.sub(r"\bat\b", '"at"', sql)) for name, mine, sql in [*_windowed(), *_lifetime()]]

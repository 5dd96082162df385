"""People for drafts: a shop with categories and e-mails, a software, a table of customers."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa

from shoal.define.draft.grammar import Grammar
from shoal.define.draft.known import Known, Rhythm, survey

PEOPLE = 400
ROUND = np.arange(PEOPLE)


def _described(columns: dict[str, tuple[str, str, str]]) -> dict[str, dict[str, str]]:
    return {name: {"label": label, "unit": unit, "theme": theme} for name, (label, unit, theme) in columns.items()}


def _windows(base: str, label: str, values: np.ndarray, unit: str = "count") -> tuple[dict, dict]:
    columns, told = {base: values}, {base: (label, unit, "rhythm")}
    for days in (7, 30, 90, 365):
        columns[f"{base}_{days}d"] = np.floor(values * min(days / 500, 1))
        told[f"{base}_{days}d"] = (f"{label} in {days} days", unit, "rhythm")
    return columns, told


@cache
def shop() -> tuple[pa.Table, Known]:
    """A shop with orders, money, categories, channels, e-mails, scores and a country."""
    orders = ROUND % 12
    columns = {"profile_id": [f"p{place}" for place in ROUND]}
    told: dict[str, tuple[str, str, str]] = {}
    for base, label, values, unit in (
        ("orders", "orders", orders, "count"),
        ("revenue", "revenue", orders * 37.5, "money"),
        ("email_opens", "e-mails opened", ROUND % 9, "count"),
        ("active_days", "active days", orders + 3, "count"),
        ("coupons", "coupons redeemed", ROUND % 3, "count"),
        ("carts", "cart actions", ROUND % 5, "count"),
    ):
        more, words = _windows(base, label, values, unit)
        columns |= more
        told |= words
    columns |= {
        "recency_days": np.where(orders > 0, ROUND % 300 + 0.5, np.nan),
        "tenure_days": ROUND * 2.0,
        "aov": np.where(orders > 0, 37.5, 0.0),
        "orders_90d_before": ROUND % 4,
        "trend_90d": (ROUND % 21) / 10 - 1,
        "refunds": ROUND % 2,
        "share_deli": (ROUND % 11) / 10,
        "share_garden": (ROUND % 3) / 2,
        "share_channel_mobile": (ROUND % 5) / 4,
        "weekend_share": (ROUND % 7) / 6,
        "evening_share": (ROUND % 6) / 5,
        "churn": (ROUND % 100) / 100,
        "clv_12m": ROUND * 3.0,
        "country": np.array(["FR", "DE", "US", "BE"])[ROUND % 4],
        "vip_club": ROUND % 2 == 0,
        "age_group": np.array(["18-25", "26-40"])[ROUND % 2],
    }
    told |= {
        "recency_days": ("last order", "ago", "rhythm"),
        "tenure_days": ("first seen", "ago", "lifecycle"),
        "aov": ("average order value", "money", "value"),
        "trend_90d": ("trend of orders over 90 days", "share", "rhythm"),
        "refunds": ("returns and cancellations", "count", "hidden"),
        "share_deli": ("share of DELI", "share", "affinity"),
        "share_garden": ("share of Home & Garden", "share", "affinity"),
        "share_channel_mobile": ("share by channel mobile", "share", "affinity"),
        "weekend_share": ("share at weekends", "share", "timing"),
        "evening_share": ("share in the evening (18-24 h)", "share", "timing"),
        "churn": ("probability of churn within 90 days", "share", "prediction"),
        "clv_12m": ("lifetime value in 12 months", "money", "prediction"),
        "vip_club": ("vip club", "", "trait"),
    }
    table = pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})
    known = survey(
        table,
        _described(told),
        catalogue={
            "events": {"Order Completed": 900, "Email Opened": 500, "Gift Wrapped": 3},
            "properties": {"order_id": "text", "category": "text", "store": "text"},
            "has_value": True,
        },
        scores={"churn": ("churn", ""), "clv_12m": ("value", "clv_12m")},
        rhythm=Rhythm(60.0, 150.0, 60.0, 6.0),
        segments={"Garden lovers": "share_garden >= 0.5", "Loyal customers": "orders >= 9"},
        synonyms={
            "FR": ("France",),
            "DE": ("Germany", "Deutschland"),
            "US": ("United States", "USA"),
            "BE": ("Belgium",),
        },
    )
    return table, known


@cache
def software() -> tuple[pa.Table, Known]:
    """A software whose users sign in, with a plan and yes-or-no traits."""
    days = ROUND % 30
    columns, told = _windows("active_days", "active days", days)
    more, words = _windows("events", "actions", days * 3)
    columns, told = columns | more, told | words
    columns |= {
        "recency_days": np.where(days > 0, ROUND % 200 + 0.5, np.nan),
        "tenure_days": ROUND * 2.0,
        "plan": np.array(["Free", "Pro", "Team annual"])[ROUND % 3],
        "opted_in_to_mailing_list": ROUND % 2,
        "seats": ROUND % 40,
    }
    told |= {
        "recency_days": ("last activity", "ago", "rhythm"),
        "tenure_days": ("first seen", "ago", "lifecycle"),
        "plan": ("plan", "", "trait"),
        "opted_in_to_mailing_list": ("opted in to mailing list", "count", "trait"),
        "seats": ("seats", "count", "trait"),
    }
    table = pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})
    catalogue = {
        "events": {"Signed In": 900, "Signed Up": 400},
        "roles": {"login": ["Signed In"], "signup": ["Signed Up"]},
    }
    return table, survey(table, _described(told), catalogue=catalogue, rhythm=Rhythm(10.0, 30.0, 10.0, 20.0))


@cache
def customers() -> tuple[pa.Table, Known]:
    """A table of customers without events."""
    columns = {
        "tenure": ROUND % 72,
        "monthly_charges": ROUND % 90 + 18.5,
        "contract": np.array(["Month-to-month", "Two year", "One year"])[ROUND % 3],
        "internet_service": np.array(["Fiber optic", "DSL", "No"])[ROUND % 3],
        "tech_support": np.array(["Yes", "No"])[ROUND % 2],
        "churn": np.array(["No", "Yes"])[(ROUND // 2) % 2],
        "gender": np.array(["Female", "Male"])[ROUND % 2],
        "surname": np.array([f"Name {place}" for place in ROUND]),
    }
    told = {name: (name.replace("_", " "), "count" if name == "tenure" else "", "trait") for name in columns}
    table = pa.table(columns)
    return table, survey(table, _described(told))


CATALOGUES = {"shop": shop, "software": software, "customers": customers}


@cache
def grammar(name: str) -> Grammar:
    """The grammar of one of them, made once."""
    return Grammar(CATALOGUES[name]()[1])

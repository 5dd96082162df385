"""What business a workspace is in: a shop, a service, companies as customers, or content; as told, else guessed."""

from __future__ import annotations

import re
from collections.abc import Collection

from shoal.plays import Business
from shoal.settings import Settings

ACCOUNTS = frozenset({"account_id", "company_id", "company", "organisation_id", "organization_id", "tenant_id", "vat"})
FIRMS = frozenset(
    """
    company company_name company_size industry sector employees employee_count number_of_employees headcount seats
    annual_revenue vat vat_number vat_id duns naics sic firm firmographics account_tier
    """.split()  # noqa: SIM905
)
PLANS = frozenset(
    """
    plan plan_name trial trial_end mrr arr subscription subscription_type subscription_status contract contract_type
    tariff renewal renewal_date monthly_charges monthly_fee license licence billing_cycle
    """.split()  # noqa: SIM905
)
ORDERS = re.compile(r"order|purchase|checkout|basket|cart\b|refund", re.IGNORECASE)
USES = re.compile(
    r"sign(ed)?[ _-]?in|log(ged)?[ _-]?in|trial|subscri|plan |upgrade|downgrade|feature|workspace|project|dashboard|"
    r"invite|api|session[ _]start|invoice paid|payment succeeded",
    re.IGNORECASE,
)
READS = re.compile(
    r"page|article|story|stream|episode|play(?:ed)?\b|watch|listen|read\b|view|browse|video|click", re.IGNORECASE
)


def business(settings: Settings, events: Collection[str] = ()) -> Business | None:
    """The workspace's business: `business:` of shoal.yaml, else a guess; None where nothing tells.

    Args:
        settings: with the sources' identifiers and traits.
        events: the names of the events that people did.
    """
    if settings.business is not None:
        return settings.business
    identifiers = [name for source in settings.sources.values() for name in source.identifiers]
    traits = [name for source in settings.sources.values() for name, text in source.traits.items() if text is not None]
    return guess(events, identifiers, traits)


def guess(events: Collection[str], identifiers: Collection[str], traits: Collection[str]) -> Business | None:
    """What events, types of identifiers and traits tell, the clearest sign first.

    Identifiers of accounts or traits of firms: b2b. Then orders and checkouts: commerce. Then plans, trials and logins:
    saas. Then pages, articles and streams: media.

    >>> guess(["Order Completed"], ["customer_id"], ["country"]), guess(["Signed In"], ["user_id"], ["plan"])
    ('commerce', 'saas')
    >>> guess(["Order Completed"], ["account_id"], []), guess(["Article Read"], ["device_id"], []), guess([], [], [])
    ('b2b', 'media', None)
    """
    known = {name.casefold() for name in traits}
    if known & FIRMS or {name.casefold() for name in identifiers} & ACCOUNTS:
        return "b2b"
    if any(ORDERS.search(event) for event in events):
        return "commerce"
    if known & PLANS or any(USES.search(event) for event in events):
        return "saas"
    if any(READS.search(event) for event in events):
        return "media"
    return "saas" if events else None

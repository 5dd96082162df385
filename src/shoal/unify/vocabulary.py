"""The words of column and event names in several languages, brought down to a few plain concepts."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from shoal.unify import lexicon
from shoal.unify.lexicon import table

KNOWN = {word: concept for concept, said in table(lexicon.CONCEPTS).items() for word in said}
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
LINKS = ("", "s", "n", "en", "e")


def plain(text: str) -> str:
    """Lower case without accents.

    >>> plain("Währung")
    'wahrung'
    """
    folded = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return "".join(char for char in folded if not unicodedata.combining(char)).lower()


@cache
def words(name: str) -> tuple[str, ...]:
    """The words of a column's name, compounds taken apart.

    >>> words("CustomerID"), words("kundennummer"), words("Unit Price (EUR)")
    (('customer', 'id'), ('kunden', 'nummer'), ('unit', 'price', 'eur'))
    """
    parts = (plain(part) for chunk in re.split(r"[^\w]+|_", name) for part in CAMEL.split(chunk) if part)
    return tuple(word for part in parts for word in _compound(part.strip("0123456789") or part))


def concepts(name: str) -> frozenset[str]:
    """The concepts that a column's name speaks of.

    >>> sorted(concepts("Bestelldatum")), sorted(concepts("cust_no"))
    (['date', 'order'], ['customer', 'id'])
    """
    return frozenset(KNOWN.get(word, word) for word in words(name))


@cache
def _compound(word: str) -> tuple[str, ...]:
    if word in KNOWN or len(word) < 5:
        return (word,)
    for cut in range(len(word) - 2, 2, -1):
        head, tail = word[:cut], word[cut:]
        if len(tail) < 4 and tail not in ("id", "nr", "qty"):
            continue
        if tail not in KNOWN and not (rest := _compound(tail))[1:]:
            continue
        rest = (tail,) if tail in KNOWN else rest
        for link in LINKS:
            stem = head.removesuffix(link) if link else head
            if stem in KNOWN:
                return (stem if head not in KNOWN else head, *rest)
    return (word,)


def slug(name: str) -> str:
    """A name for a property, trait or source: letters, digits and _, starting with a letter.

    >>> slug("Page 1 (main category)"), slug("2nd E-Mail")
    ('page_1_main_category', 'c_2nd_e_mail')
    """
    parts = [plain(part) for chunk in re.split(r"[^\w]+|_", name) for part in CAMEL.split(chunk) if part]
    text = re.sub(r"[^a-z0-9_]", "", "_".join(parts))[:60].strip("_")
    if not text:
        return "column"
    return text if text[0].isalpha() else f"c_{text}"


_EVENTS = {pattern: name for name, said in table(lexicon.EVENTS, "|").items() for pattern in said}
ROLES = {
    "purchase": ("Order Completed",),
    "refund": ("Order Refunded", "Order Cancelled"),
    "view": ("Product Viewed",),
    "list": ("Product List Viewed", "Product List Filtered", "Product Clicked"),
    "cart": ("Product Added", "Cart Viewed"),
    "wishlist": ("Product Added to Wishlist",),
    "checkout": ("Checkout Started", "Checkout Step Viewed", "Payment Info Entered"),
    "compare": ("Products Compared",),
    "pricing": ("Pricing Viewed",),
    "login": ("Signed In", "Session Started"),
    "signup": ("Signed Up",),
    "search": ("Products Searched",),
    "page": ("Page Viewed",),
    "email_open": ("Email Opened",),
    "email_click": ("Email Link Clicked",),
    "support": ("Support Contacted",),
}


def event_name(raw: str) -> str | None:
    """The Segment spec's name for a raw event name, where it is clear.

    >>> event_name("add_to_cart"), event_name("ProductViewed"), event_name("checkout_bug")
    ('Product Added', 'Product Viewed', None)
    """
    text = " ".join(plain(part) for chunk in re.split(r"[^\w]+|_", raw) for part in CAMEL.split(chunk) if part)
    return _EVENTS.get(text) or _EVENTS.get(text.replace(" ", ""))


def event_roles(names: list[str]) -> dict[str, list[str]]:
    """Which of the names play a known role, by role."""
    return {role: found for role, known in ROLES.items() if (found := [name for name in names if name in known])}


_COUNTRIES = {word: code for code, said in table(lexicon.COUNTRIES).items() for word in (code.lower(), *said)}


def country_code(value: str) -> str | None:
    """ISO 3166 code of a country's name or code, for the countries most met in exports.

    >>> country_code("United Kingdom"), country_code("de"), country_code("Atlantis")
    ('GB', 'DE', None)
    """
    text = re.sub(r"[^a-z]", "", plain(value))
    return _COUNTRIES.get(text)

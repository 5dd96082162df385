"""The words of marketing: what can be counted, and what people call it. Regular expressions over plain words."""

from __future__ import annotations

from dataclasses import dataclass

THING = r"(?:any |some |an |a |the |our |their |your |my |his |her )*"


@dataclass(frozen=True)
class Topic:
    """Something that people do: the measures that count it, nouns and verbs for it, and what it needs in the data.

    `near` is the topic that comes nearest where the data have nothing of it.
    """

    measures: tuple[str, ...]
    nouns: str
    verbs: str = ""
    needs: str = ""
    near: str = ""


TOPICS: dict[str, Topic] = {
    "orders": Topic(
        ("orders",),
        r"orders?|purchases?|transactions?",
        rf"(?:buy|buys|buying|bought|purchased|purchases|purchasing|order|orders|ordered|ordering|shop|shops|shopped|shopping)"
        rf"(?: {THING}?(?:anything|something|things?|items?|products?|from us|with us))?",
        "events of purchases",
        "active_days",
    ),
    "revenue": Topic(
        ("revenue",),
        r"revenue|spend|spending|sales|turnover|total spend|lifetime spend|amount spent",
        r"(?:spend|spends|spent|spending|paid|pay|pays|paying)(?: money)?",
        "a value with each purchase",
        "orders",
    ),
    "aov": Topic(
        ("aov",),
        r"average order values?|average orders?|average baskets?|basket (?:value|size)s?|order (?:value|size)s?"
        r"|baskets?|aov",
        "",
        "a value with each purchase",
        "orders",
    ),
    "items": Topic(("items_per_order", "units_per_order"), r"items (?:per|in an) order|units (?:per|in an) order"),
    "units": Topic(("units",), r"units(?: bought)?|items bought|pieces"),
    "email_opens": Topic(
        ("email_opens",),
        r"emails? (?:opens|opened|read)|opens|emails",
        rf"(?:open|opens|opened|opening|read|reads|reading) {THING}(?:marketing )?emails?",
        "events of opened e-mails (`email_open` under `events:`)",
        "main",
    ),
    "email_clicks": Topic(
        ("email_clicks",),
        r"emails? clicks?",
        rf"(?:click|clicks|clicked|clicking) (?:on |in |through )?{THING}"
        rf"(?:links? (?:in |from )?{THING})?(?:emails?|links?)",
        "events of clicked e-mails (`email_click` under `events:`)",
        "email_opens",
    ),
    "logins": Topic(
        ("logins", "sessions", "active_days"),
        r"log ?ins?|sign ?ins?",
        r"(?:log|logs|logged|logging|sign|signs|signed|signing) (?:in|on)",
        "events of log-ins (`login` under `events:`)",
        "main",
    ),
    "sessions": Topic(("sessions", "active_days"), r"sessions?|visits?", "", "a session id", "active_days"),
    "active_days": Topic(
        ("active_days",),
        r"active days?|days active|usage|engagement",
        r"(?:seen|visit|visits|visited|visiting|(?:been|being) active|use|uses|used|using|come|comes|came|coming)"
        r"(?: (?:on |to )?(?:the |our )?(?:app|product|site|website|shop|store|service|platform|it|us))?",
        "events of what people do",
    ),
    "events": Topic(("events",), r"actions?|events?|activity|activities", "", "events of what people do"),
    "views": Topic(
        ("views",),
        r"(?:page |product )?views?",
        rf"(?:view|views|viewed|viewing|browse|browses|browsed|browsing|look at|looked at|looking at)"
        rf"(?: {THING}(?:products?|pages?|items?))?",
        "events of views (`view` under `events:`)",
        "events",
    ),
    "searches": Topic(
        ("searches",), r"searches", r"(?:search|searched|searching)(?: for something)?", "events of searches", "events"
    ),
    "carts": Topic(
        ("carts",),
        r"carts?|cart (?:actions?|additions?)",
        rf"(?:add|adds|added|adding|put) (?:{THING}(?:items?|products?|something|things?) )?"
        rf"(?:to|into|in) {THING}(?:cart|basket|bag)",
        "events of carts (`cart` under `events:`)",
        "orders",
    ),
    "checkouts": Topic(
        ("checkouts",),
        r"checkouts?(?: begun| started)?",
        rf"(?:start|starts|started|starting|begin|began|begun|reached) {THING}checkouts?",
        "events of checkouts (`checkout` under `events:`)",
        "orders",
    ),
    "wishes": Topic(
        ("wishes",),
        r"wish ?lists?(?: saves?)?|favou?rites",
        rf"(?:saved|saves|saving|added) {THING}(?:favou?rites|(?:items? |products? )?(?:to|on) {THING}wish ?list)",
        "events of wish lists",
        "orders",
    ),
    "comparisons": Topic(
        ("comparisons",),
        r"comparisons?",
        rf"(?:compare|compares|compared|comparing)(?: {THING}(?:plans?|products?|prices?))?",
        "events of comparisons",
        "views",
    ),
    "pricing_visits": Topic(
        ("pricing_visits",),
        r"pricing (?:page )?(?:visits?|views?)",
        rf"(?:visit|visits|visited|visiting|view|viewed|viewing|look at|looked at|seen|saw|on) {THING}"
        r"pricing(?: page)?",
        "events of the pricing page (`pricing` under `events:`)",
        "views",
    ),
    "tickets": Topic(
        ("tickets",),
        r"(?:support )?(?:tickets?|contacts)|support requests?|complaints?",
        rf"(?:contact|contacts|contacted|contacting|called|wrote to) {THING}(?:customer )?support"
        r"|(?:complain|complains|complained|complaining)|(?:open|opens|opened|opening|raised|filed) "
        rf"{THING}(?:support )?(?:tickets?|cases?)",
        "events of support",
        "main",
    ),
    "coupons": Topic(
        ("coupons",),
        r"coupons?(?: redeemed)?|vouchers?|promo codes?|discount codes?",
        rf"(?:redeem|redeems|redeemed|redeeming|use|uses|used|using) {THING}"
        r"(?:coupons?|vouchers?|discounts?|promo codes?)",
        "events of coupons (`coupon` under `events:`)",
        "orders",
    ),
    "refunds": Topic(
        ("refunds", "refund_share"),
        r"refunds?|returns|cancell?ations?",
        rf"(?:return|returns|returned|returning|refunded|cancel|cancels|cancelled|canceled|sent back) {THING}"
        r"(?:anything|something|items?|goods|products?|things?|orders?|purchases?)|(?:cancelled|canceled|refunded)",
        "events of returns (`refund` under `events:`)",
        "orders",
    ),
    "refund_share": Topic(
        ("refund_share",),
        r"(?:return|refund|cancell?ation)s? (?:rates?|shares?)",
        "",
        "events of returns (`refund` under `events:`)",
    ),
    "email_open_rate": Topic(
        ("email_open_rate",), r"(?:emails? )?open rates?", "", "events of sent and of opened e-mails", "email_opens"
    ),
    "breadth": Topic(("breadth",), r"(?:different )?categories", "", "a category with each event"),
    "depth": Topic(("depth",), r"(?:different )?(?:products|items|pages|articles)", "", "an item with each event"),
    "gap": Topic(("gap_days_mean",), r"(?:usual )?days between (?:orders|visits|active days)"),
    "clv": Topic(
        ("clv_12m", "clv_24m", "clv_3m", "value_revenue"),
        r"(?:customer )?lifetime values?|clv|ltv|future values?|expected values?|expected revenue",
        "",
        "an objective of kind `value` (docs/predictions.md)",
        "revenue",
    ),
}

STAGES: dict[str, str] = {
    "new": r"new|newly (?:joined|acquired|registered)|recent joiners?|newcomers?|first timers?",
    "loyal": r"loyal|devoted|faithful|loyalists?",
    "active": r"(?:currently )?active|engaged|current",
    "at risk": r"at risk|slipping(?: away)?|cooling(?: off)?|fading|drifting(?: away)?",
    "lapsed": r"lapsed|churned|dormant|sleeping|lost|gone|former|left us|long lost",
    "inactive": r"inactive|silent|quiet|disengaged|idle",
}
COUNTS: dict[str, str] = {
    "once": r"one time|single (?:purchase|order|visit)|one off|one visit"
    r"|first time(?= (?:buyers|customers|shoppers|users))",
    "repeat": r"repeat|repeated|returning|multi(?:ple)? (?:time|order)|(?:come|came|coming) back",
    "frequent": r"frequent|regular|regulars|habitual|power|heavy",
    "seldom": r"occasional|infrequent|rare|irregular|light",
    "never": r"prospects?|non (?:buyers?|customers?)|leads|never customers",
}
WORTH: dict[str, tuple[str, float]] = {
    "big": (
        r"high(?:est)? value|valuable|big (?:spenders?|buyers?)|high (?:spenders?|spending)|heavy spenders?|good|top",
        80,
    ),
    "best": (r"vips?|best|whales?|most valuable|top (?:spenders?|customers?|buyers?)|biggest spenders?", 95),
    "low": (r"low value|small spenders?|low (?:spenders?|spending)|least valuable", -20),
}
SCORES: dict[str, tuple[tuple[str, ...], str, str]] = {
    # kinds of objectives that tell it, words for it, what to add where there is none
    "leave": (
        ("churn",),
        r"churn(?:ing)?|leave|leaving|cancel|cancell?ing|quit|stop (?:buying|using)|lapse|go",
        "churn",
    ),
    "buy": (("purchase", "intent", "conversion"), r"buy|buying|purchase|purchasing|order|ordering", "purchase"),
    "convert": (("conversion", "purchase"), r"convert|converting|become customers?|subscribe", "conversion"),
    "more": (("upsell",), r"(?:spend|buy|do|use) more|upgrade|upgrading|grow", "upsell"),
    "less": (("decline",), r"(?:spend|buy|do|use) less|decline|downgrade", "decline"),
}
TIMES: dict[str, str] = {
    "weekend_share": r"weekends?|saturdays?(?: (?:and|or) sundays?)?",
    "morning_share": r"mornings?",
    "evening_share": r"evenings?",
    "night_share": r"nights?",
}
# Said of nobody in particular: read over without a word.
FILLERS = frozenset(
    """
    a about all also am an and any are as at be been being belong by can did do does doing ever everyone everybody find
    for from get give had has have having i in is it its last list make made making me my of on only our out over place
    placed please really s segment set show some still than that the their them themselves then there these they this
    those to too us very want was we were which who whom whose will with would you audience group tell whoever
    currently opening placing making actually just already most mostly done so far yet but even at least
    """.split()  # noqa: SIM905
)
NOUNS = frozenset(
    """
    customer customers user users people person persons shopper shoppers client clients member members account accounts
    profile profiles subscriber subscribers visitor visitors household households contact contacts consumer consumers
    guest guests patron patrons company companies fan fans lover lovers spender spenders player players reader readers
    """.split()  # noqa: SIM905
)
BUYERS = frozenset({"buyer", "buyers", "purchaser", "purchasers"})
NEGATIONS = frozenset({"not", "never", "no", "without", "non", "except", "excluding", "neither", "nor", "zero"})
NUMBERS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905
    )
} | {"once": 1, "twice": 2, "thrice": 3, "dozen": 12, "a dozen": 12, "a couple of": 2, "a couple": 2, "hundred": 100}
UNITS = {"day": 1, "week": 7, "fortnight": 14, "month": 30, "quarter": 90, "year": 365}

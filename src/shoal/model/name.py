"""Names from behaviour: deterministic, no demographics, no two alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from shoal.model.meta import split
from shoal.model.portrait import Crowd, Portrait
from shoal.model.tags import TIMES, tags
from shoal.model.traits import called

# What people are called by the business, where they buy and where they only come.
NOUNS = {"commerce": "shoppers", "media": "visitors", "saas": "users", "b2b": "accounts"}
BUYERS = {"commerce": "buyers", "media": "subscribers", "saas": "customers", "b2b": "accounts"}
STAGES = {"new": "New", "fading": "Fading", "lapsed": "Lapsed", "active": "Active"}
# What sets apart two segments of one name: words when the feature is higher, and when it is lower.
CONTRASTS = {
    "revenue": ("with high spend", "with low spend"),
    "aov": ("with large orders", "with small orders"),
    "orders": ("ordering often", "ordering seldom"),
    "recency_days": ("long unseen", "seen lately"),
    "tenure_days": ("of long standing", "who joined lately"),
    "items_per_order": ("with full baskets", "with small baskets"),
    "active_days": ("coming often", "coming seldom"),
    "events": ("doing much", "doing little"),
    "sessions": ("with many sessions", "with few sessions"),
    "trend": ("on the rise", "slowing down"),
    "refunds": ("who return goods", "who keep what they buy"),
    "refund_share": ("who return goods", "who keep what they buy"),
    "breadth": ("across many categories", "in few categories"),
    "items": ("with a wide choice", "with a narrow choice"),
    "categories": ("across many categories", "in few categories"),
    "pages": ("reading widely", "reading little"),
    "depth": ("staying long", "staying briefly"),
    "adoption": ("using many functions", "using few functions"),
    "units_per_order": ("with full baskets", "with small baskets"),
    "lines_per_order": ("with full baskets", "with small baskets"),
    "intent_score": ("close to buying", "far from buying"),
    "searches": ("searching a lot", "searching little"),
    "email_opens": ("who read e-mails", "who ignore e-mails"),
    "tickets": ("who need support", "who need no support"),
    "weekend_share": ("at weekends", "on weekdays"),
    "evening_share": ("in the evening", "by day"),
    "morning_share": ("in the morning", "after noon"),
    "views": ("looking around a lot", "looking at little"),
    "carts": ("filling carts", "rarely filling carts"),
    "checkouts": ("starting checkouts", "rarely starting checkouts"),
    "comparisons": ("comparing a lot", "rarely comparing"),
    "gap_days_mean": ("with long pauses", "with short pauses"),
}
# What people do with the categories that they lean to, where it is not to buy or to look.
LEANS = {"media": "who read", "saas": "who use", "b2b": "that buy"}
CATEGORY = 1.0
# Told apart by these only where nothing plainer does.
FAINT_ONES = frozenset({"trend", "gap_days_mean", "tenure_days", "refunds", "refund_share", "events", "active_days"})
FAINT = 0.6
RECENT = 1.5


def names(
    everybody: Crowd, portraits: Sequence[Portrait], taken: Collection[str] = (), inputs: Sequence[str] = ()
) -> list[str]:
    """One name a segment, unique among themselves and against `taken`; where only traits are known, of `inputs`."""
    if everybody.recorded:
        return unique_names(called(everybody.meta, portraits, inputs), taken)
    drafts = [_draft(everybody, own) for own in portraits]
    for _ in range(3):
        again = [draft for draft in dict.fromkeys(drafts) if drafts.count(draft) > 1]
        if not again:
            break
        for draft in again:
            places = [place for place, other in enumerate(drafts) if other == draft]
            group = [portraits[place] for place in places]
            apart = _lapse(everybody, group, draft) or [_joined(draft, words) for words in _contrast(group, draft)]
            for place, name in zip(places, apart, strict=True):
                drafts[place] = name
    return unique_names(drafts, taken)


def unique_names(wanted: Sequence[str], taken: Collection[str] = ()) -> list[str]:
    """The names, with a number after those that are taken already (compared without regard to case).

    >>> unique_names(["Loyal", "loyal", "New"], taken={"New"})
    ['Loyal', 'loyal 2', 'New 2']
    """
    used = {name.casefold() for name in taken}
    found = []
    for name in wanted:
        number, candidate = 1, name
        while candidate.casefold() in used:
            number += 1
            candidate = f"{name} {number}"
        used.add(candidate.casefold())
        found.append(candidate)
    return found


def apart(name: str, own: Portrait, other: Portrait | None, taken: Collection[str] = ()) -> str:
    """A name for a segment whose first one belongs to another: with the word in which they differ most, or a number.

    `taken` are names in any case that nobody may get; `other` is who has the name, None where no segment has.
    """
    words = _contrast([own, other], name)[0] if other is not None else ""
    return unique_names([_joined(name, words)], {name, *taken})[0]


def _draft(everybody: Crowd, own: Portrait) -> str:
    said = tags(everybody, own)
    buys = everybody.basis.people == "customers"
    noun = (BUYERS if buys else NOUNS).get(everybody.business or "", "people")
    stage = next((STAGES[tag] for tag in STAGES if tag in said), "")
    core = _commerce(said, noun) if buys else _activity(said, noun)
    if stage == "Active" and core.split()[0] in ("frequent", "regular", "big"):
        stage = ""
    time = next((part for part in TIMES if part in said), "")
    words = " ".join(word for word in (stage, time, core, _category(everybody, own, said)) if word)
    return words[:1].upper() + words[1:]


def _commerce(said: frozenset[str], noun: str) -> str:
    if "never" in said:
        return "cart fillers who have not bought" if "intent" in said else "browsers who have not bought"
    size = "big-ticket " if "large_orders" in said else "small-basket " if "small_orders" in said else ""
    if "once" in said:
        return f"{size}one-time {noun}"
    if "high_value" in said:
        return "frequent big spenders" if "frequent" in said else "big spenders"
    return f"{size}frequent {noun}" if "frequent" in said else f"{size}repeat {noun}"


def _activity(said: frozenset[str], noun: str) -> str:
    if "never" in said:
        return f"{noun} without activity"
    if "once" in said:
        return f"one-visit {noun}"
    return f"regular {noun}" if "frequent" in said else f"occasional {noun}"


def _category(everybody: Crowd, own: Portrait, said: frozenset[str]) -> str:
    """The one category that they lean to clearly, if any."""
    leans = [(effect, name) for name, effect in own.effects.items() if name.startswith("share_") and effect >= CATEGORY]
    if not leans:
        return ""
    label = everybody.meta[max(leans)[1]].label
    if not label.startswith("share of "):
        return label.removeprefix("share ").replace("by channel", "via").replace("by platform", "on")
    what = label.removeprefix("share of ")
    if "never" in said:
        return f"and look at {what}" if everybody.basis.people == "customers" else f"looking at {what}"
    verb = LEANS.get(everybody.business or "", "who buy" if everybody.basis.people == "customers" else "who look at")
    return f"{verb} {what}"


def _joined(name: str, words: str) -> str:
    """A name with more words; a second `who` becomes `and`."""
    if " who " in name and words.startswith("who "):
        words = f"and {words.removeprefix('who ')}"
    return f"{name} {words}".strip()


def _lapse(everybody: Crowd, group: Sequence[Portrait], draft: str) -> list[str]:
    """Lapsed segments told apart by how long ago, where that differs."""
    recency = everybody.basis.recency
    if recency is None or not draft.startswith("Lapsed"):
        return []
    ago = [own.medians[recency] for own in group]
    if not max(ago) >= 1.05 * min(ago):
        return []
    words = {max(ago): "Long-lapsed"}
    if everybody.rhythm is not None and min(ago) < RECENT * everybody.rhythm.lapsed:
        words[min(ago)] = "Recently lapsed"
    return [draft.replace("Lapsed", words.get(days, "Lapsed"), 1) for days in ago]


def _contrast(group: Sequence[Portrait], draft: str) -> list[str]:
    """Words that tell segments of one name apart, by the feature in which they differ most.

    A count within a window says when rather than how much, so it does not lend its words.
    """
    best, spread = "", 0.0
    for name in (name for name in group[0].ranks if _base(name) == "trend" or not split(name)[1]):
        words = CONTRASTS.get(_base(name), ("", ""))
        ranks = [own.ranks[name] for own in group]
        gap = (max(ranks) - min(ranks)) * (FAINT if _base(name) in FAINT_ONES else 1.0)
        if words[0] and not any(word in draft for word in words) and gap > spread + 1e-9:
            best, spread = name, gap
    if not best or spread < 0.05:
        return [""] * len(group)
    ranks = [own.ranks[best] for own in group]
    middle = (max(ranks) + min(ranks)) / 2
    high, low = CONTRASTS[_base(best)]
    return [high if rank > middle else low for rank in ranks]


def _base(name: str) -> str:
    return "trend" if "trend" in name else split(name)[0]

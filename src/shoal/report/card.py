"""A model card in words: what is predicted, of whom, how good it is, and on what that rests.

The terminal and the page both speak through these, so that a card says the same in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from shoal.report.numbers import NOT_KNOWN, count, days, decimal, fixed, instant, known, money, percent
from shoal.report.skills import brackets, chosen, metric, parts, reading, success, success_name, to_beat
from shoal.report.words import title
from shoal.summary import Bin, Interval, ModelCard, Result

SILENT = (
    "The last run predicted nothing. Name a `goal:`, such as retention, or `objectives:` in shoal.yaml and run again; "
    "docs/predictions.md says what there is."
)
STATUSES: dict[str, tuple[Result, str]] = {
    "used": ("pass", "in use"),
    "not used": ("fail", "not used"),
    "not enough data": ("not enough data", "not enough data"),
}
_FULLER = 12  # items of a list that are still worth reading
_ELSEWHERE = ("reach", "members", "total")  # drawn, or said elsewhere on the card
_QUESTIONS = {
    "churn": "Who will leave",
    "conversion": "Who will convert",
    "upsell": "Who will do more",
    "decline": "Who will do less",
    "cross_sell": "Who will take something new to them",
    "intent": "Who is about to act",
    "value": "What each person will be worth",
    "lookalike": "Who resembles the seed segment",
    "affinity": "What each person will want next",
}
_BUYERS_QUESTIONS = {
    "churn": "Who will stop buying",
    "purchase": "Who will buy",
    "upsell": "Who will spend more",
    "decline": "Who will spend less",
    "cross_sell": "Who will buy something new to them",
    "intent": "Who is about to buy",
}
_PAIRS = {
    "churn": ("a leaver", "a stayer"),
    "label": ("a yes", "a no"),
    "lookalike": ("a member held out of the seed", "anybody else"),
}
_BUYING = re.compile(r"order|purchas|buy|bought|basket|transaction|spend|revenue", re.IGNORECASE)
_FIRST = re.compile(r"first (.+) within .+")


def ordered(cards: Iterable[ModelCard]) -> list[ModelCard]:
    """Those in use first, then plain ways, those without enough data last; otherwise as the run has them."""
    return sorted(cards, key=lambda card: (list(STATUSES).index(card.status), card.stands_in))


def anchor(name: str) -> str:
    """A model's name as the place of its card on the page.

    >>> anchor("churn"), anchor("cross sell/<deli>")
    ('model-churn', 'model-cross-sell-deli')
    """
    return "model-" + (re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-") or "card")


def status(card: ModelCard) -> str:
    """Whether it is in use, in words."""
    return "plain way in use" if card.stands_in else STATUSES[card.status][1]


def result(card: ModelCard) -> Result:
    """The status as a check's result, by which it is marked."""
    return "warn" if card.stands_in else STATUSES[card.status][0]


def headline(card: ModelCard) -> str:
    """What is predicted, as the question that a marketer would ask.

    >>> headline(ModelCard(name="churn", kind="churn", status="used", horizon_days=90, label="no order in 90 days"))
    'Who will stop buying within 90 days'
    >>> headline(ModelCard(name="reply", kind="label", status="used", label="response is yes"))
    'Likely reply'
    """
    asked = _QUESTIONS.get(card.kind)
    if _BUYING.search(f"{card.label} {card.population}"):
        asked = _BUYERS_QUESTIONS.get(card.kind, asked)
    if card.kind == "cross_sell" and (first := _FIRST.fullmatch(card.label)):
        asked = f"Who will first take {first[1]}"
    if card.kind == "label":
        return f"Likely {_plain(card.name)}"
    if card.kind == "lookalike" and card.extra.get("segment"):
        return f"Who resembles {card.extra['segment']}"
    if asked is None:
        return f"For whom: {card.label}" if card.label else title(card.name)
    return f"{asked} within {days(card.horizon_days)}" if known(card.horizon_days) else asked


def _plain(name: str) -> str:
    return name.replace("_", " ").replace(".", " ").strip()


def verdict(card: ModelCard, currency: str | None = None) -> str:
    """How good it is in one sentence, with the baseline's figure beside it."""
    mine, plain = success(card, chosen(card)), success(card, to_beat(card))
    if mine is None or mine.value is None:
        return ""
    other = plain.value if plain else None
    told, figure = _told(card, mine.value, currency), reading(card.metric, mine.value, currency)
    limits = brackets(card.metric, mine, currency)
    base = parts(card.metric)[1]
    rival = _hundred(other) if told and base in ("auc", "recall") else reading(card.metric, other, currency)
    against = f"; {card.baseline}: {rival}" if other is not None else ""
    if not told:
        return f"{metric(card.metric)} {figure}{limits}{against}."
    inside = limits.strip() if figure in told else f"{figure}{limits}"
    name = success_name(card).lower() if figure in told else metric(card.metric)
    return f"{told} ({f'{name} {inside}'.strip()}){against}.{_total(card)}"


def _total(card: ModelCard) -> str:
    """How far a value model's sum over everybody was off, as a sentence."""
    mine, prefix = chosen(card), parts(card.metric)[0]
    name = f"{prefix}_total" if prefix else "total"
    found = mine.metrics.get(name) if mine and card.kind == "value" else None
    if found is None or found.value is None or not known(found.value):
        return ""
    side = "high" if found.value > 0 else "low"
    size = reading(name, abs(found.value)).removeprefix("+")
    return f" Over everybody it came out {size} too {side}{brackets(name, found, None)}."


def _told(card: ModelCard, value: float, currency: str | None) -> str:
    """What the success metric's value means, '' for those that have no short meaning."""
    prefix, base, _ = parts(card.metric)
    figure = reading(card.metric, value, currency)
    thing = figure if prefix else f"{figure} purchases" if card.kind == "value" else figure
    if base == "auc":
        above, below = _PAIRS.get(card.kind, ("someone who will", "someone who will not"))
        return f"Ranks {above} above {below} {_hundred(value)} times in 100"
    if base == "recall" and card.kind == "affinity":
        return f"Of what people go on to take, its first suggestions hold {_hundred(value)} in 100"
    if base == "recall" and card.kind == "lookalike":
        return f"Finds {_hundred(value)} in 100 of the seed's members that were held out"
    if base == "mae" and known(span := tested_days(card)):
        return f"Over the {decimal(span, 4)} days of the test it was off by {thing} a person on average"
    if base == "mae":
        return f"Is off by {thing} a person on average"
    if base == "rmse":
        return f"Is typically off by {thing} a person, large misses weighing most"
    return ""


def _hundred(share: float | None) -> str:
    """A chance as so many in 100, never rounded to certainty."""
    if share is None or not known(share):
        return NOT_KNOWN
    whole = round(share * 100)
    return "more than 99" if whole == 100 and share < 1 else "less than 1" if whole == 0 and share > 0 else str(whole)


def standing(card: ModelCard, currency: str | None = None) -> str:
    """How it came out against its baseline, '' where they were not compared."""
    gain = card.gain
    if gain is None or gain.value is None or not known(gain.value):
        return ""
    name, rival = card.metric, f"its baseline ({card.baseline})" if card.baseline else "its baseline"
    if gain.value < 0:  # said as a loss, so its interval is one of losses too
        gain = Interval(value=-gain.value, low=_less(gain.high), high=_less(gain.low))
        beats, better = "Loses to", "worse"
    else:
        beats, better = "Beats", "better"
    size = reading(name, gain.value, currency).removeprefix("+") + brackets(name, gain, currency)
    if gain.low is not None and gain.low > 0:
        return f"{beats} {rival} by {size}."
    doubt = "which includes zero" if known(gain.low) and known(gain.high) else "with no interval"
    return f"Cannot be told from {rival}: {better} by {size}, {doubt}."


def used_instead(card: ModelCard) -> str:
    """What gives the scores where the model that was tried does not beat its baseline, '' elsewhere."""
    if not card.stands_in:
        return ""
    return "So the model that was tried is not used: a plain logit gives the scores, see the notes."


def tested_days(card: ModelCard) -> float | None:
    """The length of the test in days; None where it is not known."""
    try:
        times = [datetime.fromisoformat(str(text)) for text in (card.tested_from, card.tested_until)]
        return round((times[1] - times[0]).total_seconds() / 86_400)
    except (ValueError, TypeError):
        return None


def _less(value: float | None) -> float | None:
    return None if value is None else -value


Unit = Literal["share", "money", "number"]


def unit(card: ModelCard) -> Unit:
    """What the model's calibration, deciles and spread are counted in."""
    if card.kind == "value":
        return "money" if card.metric.startswith("revenue") else "number"
    return "number" if card.kind == "affinity" else "share"


def quantity(card: ModelCard, value: float | None, currency: str | None = None) -> str:
    """A predicted or observed mean in the model's unit; shares with one place, as they stand in columns.

    >>> quantity(ModelCard(name="churn", kind="churn", status="used"), 0.1449)
    '14.5%'
    """
    counted = unit(card)
    if value is None or not known(value):
        return NOT_KNOWN
    if counted == "share":
        return percent(value) if 0 < abs(value) < 0.001 else f"{value * 100:.1f}%"
    if counted == "money":
        return money(round(value) if abs(value) >= 10 else value, currency)
    return fixed(value, 2)


def bin_words(card: ModelCard, one: Bin, currency: str | None = None) -> str:
    """What was predicted of people with scores alike, and what came true."""
    predicted, observed, low, high = (
        quantity(card, value, currency) for value in (one.predicted, one.observed, one.low, one.high)
    )
    return f"predicted {predicted}, came true {observed} [{low}, {high}], {count(one.people)} people"


def learned(card: ModelCard) -> str:
    """The rows and instants that it learned from, '' where nothing is known of them."""
    parts = [_rows(card, "train")] if card.rows.get("train") else []
    if card.trained_from and card.cutoffs:
        at = f"{card.cutoffs} cut-offs from" if card.cutoffs > 1 else "one cut-off,"
        parts.append(f"{at} {instant(card.trained_from)}")
    if card.trained_until:
        parts.append(f"outcomes until {instant(card.trained_until)}")
    return "; ".join(parts)


def tested(card: ModelCard) -> str:
    """The rows and the time that it was judged on."""
    parts = [_rows(card, "test")] if card.rows.get("test") else []
    if not card.out_of_time:
        parts.append("people whom it had not seen, at no later time")
    elif card.tested_from:
        until = f" to {instant(card.tested_until)}" if card.tested_until else ""
        parts.append(f"{instant(card.tested_from)}{until}, later than anything it learned from")
    return "; ".join(parts)


def _rows(card: ModelCard, part: str) -> str:
    rows, positives = card.rows.get(part, 0), card.rows.get(f"{part}_positives")
    share = f", {percent(positives / rows)} of them yes" if positives is not None and rows else ""
    return f"{count(rows)} rows{share}"


def spread(card: ModelCard, currency: str | None = None) -> str:
    """How the scores given lie, '' where that is not known."""
    low, middle, high = (card.spread.get(name) for name in ("q10", "q50", "q90"))
    if low is None or middle is None or high is None:
        return ""
    low_words, middle_words, high_words = (quantity(card, value, currency) for value in (low, middle, high))
    return f"half of the people below {middle_words}, a tenth below {low_words}, a tenth above {high_words}"


def about(card: ModelCard, currency: str | None = None) -> dict[str, str]:
    """What a card says of itself, line by line; lines without content are left out."""
    scored, given = card.rows.get("scored"), spread(card, currency)
    people = f"{count(scored)} people" if scored is not None else ""
    lines = {
        "Purpose": card.purpose,
        "Owner": card.owner or "nobody is named",
        "Predicts": card.label,
        "Of whom": card.population,
        "Horizon": days(card.horizon_days) if known(card.horizon_days) else "",
        "Success": f"{success_name(card)}, fixed before the fit" if card.metric else "",
        "Way": card.algorithm,
        "Learned from": learned(card),
        "Judged on": tested(card),
        "Scores": ", ".join(card.scores),
        "Scored": ": ".join(part for part in (people, given) if part),
        "Version": card.version or "",
        **facts(card),
    }
    return {name: line for name, line in lines.items() if line}


def facts(card: ModelCard) -> dict[str, str]:
    """What only this kind of model has, in words; curves are drawn instead."""
    told = {title(name): worded(value) for name, value in card.extra.items() if name not in _ELSEWHERE}
    totals = card.extra.get("total")
    if isinstance(totals, Mapping):
        told["Total of everybody"] = _totals(totals)
    return {name: words for name, words in told.items() if words}


def _totals(found: Mapping[str, Any]) -> str:
    """Between which multiples of what was predicted the sum over everybody is expected."""
    ends = {name: (one.get("low"), one.get("high")) for name, one in found.items() if isinstance(one, Mapping)}
    return "; ".join(
        f"{name.replace('_', ' ')}: {decimal(low)} to {decimal(high)} times what is predicted"
        for name, (low, high) in ends.items()
        if known(low) and known(high)
    )


def left_out(card: ModelCard) -> dict[str, str]:
    """Why features were left out, each reason once, with the features that it holds for.

    >>> left_out(ModelCard(name="m", kind="churn", status="used", dropped={"a_b": "empty", "c": "empty"}))
    {'empty': 'a b, c'}
    """
    found: dict[str, list[str]] = {}
    for name, why in card.dropped.items():
        found.setdefault(why, []).append(_plain(name))
    return {
        why: ", ".join(names[:_FULLER]) + (f" and {len(names) - _FULLER} more" if len(names) > _FULLER else "")
        for why, names in found.items()
    }


def worded(value: Any) -> str:
    """A value of any shape as people read it.

    >>> worded({"r": 0.24321, "a": [1, 2]}), worded({"Gamma-Gamma": {"p": 6.25, "q": 3.74}}), worded(list(range(99)))
    ('r 0.243, a 1, 2', 'Gamma-Gamma: p 6.25, q 3.74', '99 values')
    """
    if value is None or isinstance(value, bool):
        return "" if value is None else "yes" if value else "no"
    if isinstance(value, int | float):
        return decimal(value)
    if isinstance(value, Mapping):
        had = {str(key).replace("_", " "): item for key, item in value.items() if item not in (None, "", {}, [])}
        nested = any(isinstance(item, Mapping) for item in had.values())
        joined = (f"{key}: {worded(item)}" if nested else f"{key} {worded(item)}" for key, item in had.items())
        return ("; " if nested else ", ").join(joined)
    if isinstance(value, list | tuple):
        return ", ".join(worded(item) for item in value) if len(value) <= _FULLER else f"{count(len(value))} values"
    return str(value)


def reach(card: ModelCard, most: int | None = None) -> list[dict[str, float]]:
    """A lookalike's audiences: `size`, `similarity` and `recall` of each, smallest first; malformed ones left out.

    With `most`, so many of them at even steps, the first and the last among them.
    """
    found = card.extra.get("reach")
    rows = [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []
    sizes = [{str(k): float(v) for k, v in row.items() if isinstance(v, int | float) and known(v)} for row in rows]
    whole = sorted((row for row in sizes if row.get("size", 0) >= 1), key=lambda row: row["size"])
    if most is None or len(whole) <= most:
        return whole
    return [whole[round(step * (len(whole) - 1) / (most - 1))] for step in range(most)]

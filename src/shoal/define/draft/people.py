"""Words for kinds of people: stages of their life as customers, how often, how much, what they will do."""

from __future__ import annotations

import re

from shoal.define.draft.answer import Answer, Cannot, Found, Other, Window, measure_of, topic_of, vague
from shoal.define.draft.known import Known, Spoken
from shoal.define.draft.text import plain
from shoal.define.draft.topics import SCORES, STAGES
from shoal.define.types import Type
from shoal.define.words import number_text, quoted

_MONEY = re.compile(r"revenue|spen[dt]|charge|amount|sales|turnover|value|paid|bill|price|balance")


def stage(word: str, window: Window | None, known: Known) -> Found:
    """A stage of life, by the data's rhythm, or by the days that were named."""
    recency, tenure, rhythm = known.has("recency_days"), known.has("tenure_days"), known.rhythm
    if word == "new" and window is not None and tenure:
        return Answer(f"tenure_days <= {number_text(window.days)}", "first seen within that time, as asked")
    if recency and window is not None and word in ("active", "inactive", "lapsed"):
        op = "<=" if word == "active" else ">"
        return Answer(f"recency_days {op} {number_text(window.days)}", "the last time, as asked")
    if rhythm is None or recency is None:
        return Cannot(
            f"nothing tells when people were last seen, so nobody is known to be {word}", _by_tenure(word, known)
        )
    engaged, lapsed, new = (number_text(days) for days in (rhythm.engaged, rhythm.lapsed, rhythm.new))
    recent = f"recency_days < {engaged}"
    if word == "loyal":
        return _loyal(known, recent)
    if word == "new":
        rule = f"{recent} and tenure_days < {new}" if tenure else recent
        return Answer(rule, f"first seen within {new} days, {rhythm.says}")
    if word == "active":
        return Answer(recent, f"seen within {engaged} days, {rhythm.says}")
    if word == "inactive":
        return Answer(
            f"recency_days >= {engaged}",
            f"not seen for {engaged} days, {rhythm.says}",
            others=(Other(f"recency_days >= {engaged} or recency_days is null", "with those who were never active"),),
        )
    if word == "at risk":
        why = f"longer unseen than is usual ({engaged} days), not yet lapsed ({lapsed} days), {rhythm.says}"
        return Answer(f"recency_days >= {engaged} and recency_days < {lapsed}", why)
    return Answer(f"recency_days >= {lapsed}", f"not seen for {lapsed} days, {rhythm.says}")


def _loyal(known: Known, recent: str) -> Found:
    rhythm, often = known.rhythm, known.has(known.main, "active_days", "events")
    if rhythm is None or often is None:
        return Cannot("nothing tells how often people come, so nobody is known to be loyal", _by_tenure("loyal", known))
    enough = number_text(rhythm.frequent)
    standing = f" and tenure_days >= {number_text(rhythm.new)}" if known.has("tenure_days") else ""
    why = (
        f"{often.label} at least {enough}, the upper quarter of those who came back; seen within "
        f"{number_text(rhythm.engaged)} days, {rhythm.says}"
    )
    loose = f"{quoted(often.name)} >= {enough}{standing}"
    return Answer(
        f"{recent} and {loose}", why, others=(Other(loose, "however long ago they were last seen"),), loose=loose
    )


def _by_tenure(word: str, known: Known) -> Answer | None:
    """Where only traits are known: how long they have been customers."""
    tenure = next((one for one in known.columns.values() if one.type is Type.NUMBER and "tenure" in one.name), None)
    if tenure is None or word not in ("new", "loyal"):
        return None
    found = vague(tenure, -20 if word == "new" else 80, "how long")
    return found if isinstance(found, Answer) else None


def often(word: str, window: Window | None, known: Known) -> Found:
    """Once, repeat, frequent, seldom or never, by what the rhythm is about."""
    measure = measure_of(topic_of("main", known), known)
    if measure is None:
        return Cannot("nothing tells how often people come")
    column = next(
        (one for days, one in measure.columns.items() if window and days == window.days),
        measure.columns.get(0, measure.first),
    )
    name = quoted(column.name)
    enough = number_text(known.rhythm.frequent) if known.rhythm else number_text(column.at(75))
    rules = {
        "once": (f"{name} = 1", "exactly one"),
        "repeat": (f"{name} >= 2", "more than one"),
        "frequent": (
            f"{name} >= {enough}",
            f"how often was left open: the upper quarter of those who came back have at least {enough}",
        ),
        "seldom": (
            f"{name} >= 1 and {name} < {enough}",
            f"some, and fewer than the upper quarter of those who came back ({enough})",
        ),
        "never": (f"{name} = 0", "none yet"),
    }
    rule, why = rules[word]
    return Answer(rule, f"{column.label}: {why}")


def money(known: Known) -> Spoken | None:
    """What tells how much people are worth, as far as the data go."""
    found = known.has("revenue", "revenue_365d", "total_charges")
    if found is not None:
        return found
    traits = [
        one
        for one in known.columns.values()
        if one.type is Type.NUMBER and not one.kind and (one.unit == "money" or _MONEY.search(one.name))
    ]
    return next(iter(sorted(traits, key=lambda one: ("total" not in one.name, one.name))), None)


def worth(percentile: float, window: Window | None, known: Known) -> Found:
    """How much they spend; how much they do where nothing is spent."""
    column = money(known)
    windowed = known.columns.get(f"revenue_{window.days:g}d") if window else None
    column = windowed or column
    if column is None:
        column = known.has("events", "active_days", "sessions")
        if column is None:
            return Cannot("nothing tells what people spend or do")
        found = vague(column, percentile, "how much")
        near = found if isinstance(found, Answer) else None
        return Cannot(f"the data have no money; {column.label} come nearest", near)
    found = vague(column, percentile, "how much")
    clv = known.has("clv_12m")
    if isinstance(found, Answer) and clv and percentile > 0:
        more = Other(f"clv_12m in top {100 - percentile:g}%", f"by {clv.label}, the future rather than the past")
        return Answer(found.rule, found.why, others=(*found.others, more))
    return found


def likely(word: str, item: str, known: Known, *, high: bool = True) -> Found:
    """What a model says they will do."""
    kinds, _, wanted = SCORES[word]
    scores = [one for one in known.columns.values() if one.kind]
    if item:
        found = [one for one in scores if one.kind == "cross_sell" and plain(one.label).find(item) >= 0]
        if not found:
            return Cannot(
                f"no model predicts who buys {item}; an objective of kind `cross_sell` would (docs/predictions.md)"
            )
    else:
        found = sorted((one for one in scores if one.kind in kinds), key=lambda one: kinds.index(one.kind))
    if found:
        return vague(found[0], 80 if high else -20, "how likely")
    near = stage("at risk", None, known) if word == "leave" and high else None
    return Cannot(
        f"no model in use predicts it; an objective of kind `{wanted}` would (docs/predictions.md)",
        near if isinstance(near, Answer) else None,
    )


def stage_words() -> str:
    """Every word for a stage, for a pattern."""
    return "|".join(STAGES.values())

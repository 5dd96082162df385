"""What scores are called in rules and briefs, and why a score that a rule asks for is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shoal.model.meta import FeatureMeta
from shoal.summary import ModelCard

THEME = "prediction"
# What a kind's score is a probability of; the others are said by their label.
_EVENTS = {
    "churn": "churn",
    "decline": "a decline",
    "purchase": "a purchase",
    "conversion": "conversion",
}
_VALUES = {
    "purchases": ("expected purchases", "count"),
    "revenue": ("expected revenue", "money"),
    "alive": ("probability of still being a customer", "share"),
}


@dataclass(frozen=True)
class ScoreMeta(FeatureMeta):
    """A score column: whose it is, and of which kind.

    `kind` is the objective's; `part` what of a value model it is: purchases, revenue, alive, clv_12m, else empty.
    """

    model: str = ""
    kind: str = ""
    part: str = ""


def score_meta(columns: Mapping[str, str], models: Sequence[ModelCard]) -> dict[str, ScoreMeta]:
    """Label and unit of every score column, of those that no card speaks of too.

    >>> card = ModelCard(name="churn", kind="churn", status="used", scores=["churn"], horizon_days=90)
    >>> score_meta({"churn": "churn"}, [card])["churn"].label
    'probability of churn within 90 days'
    """
    found = {column: _meta(column, model, owner(model, models)) for column, model in columns.items()}
    labels = [(one.label, one.model) for one in dict.fromkeys(found.values())]
    shared = {label for label, model in labels if any(label == other and model != own for other, own in labels)}
    return {
        column: _renamed(one, f"{one.label} ({one.model})") if one.label in shared else one
        for column, one in found.items()
    }


def owner(model: str, models: Sequence[ModelCard]) -> ModelCard | None:
    """The card of the model that gave a score."""
    listed = (card for card in models if model == card.name or model in card.scores)
    return next(listed, None) or next((card for card in models if model.startswith(f"{card.name}.")), None)


def absence(column: str, models: Sequence[ModelCard]) -> str:
    """Why there is no score column of that name, where a model would have given it; else empty.

    >>> card = ModelCard(name="churn", kind="churn", status="not used", notes=["AUC 0.61 against 0.62 of recency"])
    >>> absence("churn", [card])
    " Model 'churn' is not used: AUC 0.61 against 0.62 of recency."
    """
    for card in models:
        names = {re.sub(r"\W", "_", name).casefold() for name in (card.name, *card.scores)}
        mine = column.casefold() in names or column.casefold().startswith(
            f"{re.sub(r'[^a-z0-9]', '_', card.name.casefold())}_"
        )
        worth = card.kind == "value" and re.fullmatch(r"clv_\d+m", column.casefold())
        if (mine or worth) and card.status != "used":
            said = "is not used" if card.status == "not used" else "has not enough data"
            return f" Model '{card.name}' {said}: {_reason(card)}."
    return ""


def unreadable(columns: Mapping[str, str], models: Sequence[ModelCard]) -> list[str]:
    """Notes on the scores that no rule can read, since something else has their name.

    >>> unreadable({}, [ModelCard(name="orders", kind="label", status="used", scores=["orders"])])
    ["rules cannot read the score 'orders': a feature or another score is called so. Rename the objective"]
    """
    scores = [score for card in models if card.status == "used" for score in card.scores if card.kind != "affinity"]
    return [
        f"rules cannot read the score '{score}': a feature or another score is called so. Rename the objective"
        for score in scores
        if score not in columns.values()
    ]


def _reason(card: ModelCard) -> str:
    told = next(iter(card.notes), "") or (card.contest.words if card.contest else "")
    plain = f"it does not beat {card.baseline or 'its plain baseline'}" if card.status == "not used" else "see its card"
    return (told or plain).rstrip(".")


def _meta(column: str, model: str, card: ModelCard | None) -> ScoreMeta:
    part = model.removeprefix(f"{card.name}.") if card and model != card.name else ""
    label, unit = _said(model, part, card)
    kind = card.kind if card else ""
    return ScoreMeta(column, label, unit, THEME, model=model, kind=kind, part=part)


def _said(model: str, part: str, card: ModelCard | None) -> tuple[str, str]:
    """Label and unit of a score."""
    if card is None:
        return f"score of {model.replace('_', ' ')}", ""
    if card.kind == "value":
        return _worth(part or model, card)
    if card.kind == "lookalike":
        return card.label or f"likeness to {card.name}", "share"
    if card.kind == "cross_sell":
        return f"probability of buying {level(card, part)}{_within(card)}", "share"
    of = _event(card)
    return f"probability of {of}{_within(card)}", "share"


def named(card: ModelCard) -> str:
    """What a labelled objective predicts, by the objective's name in words.

    >>> named(ModelCard(name="replied_late", kind="label", status="used", label="y = 'yes'"))
    'replied late'
    """
    return card.name.replace("_", " ").replace(".", " ").strip()


def level(card: ModelCard, part: str = "") -> str:
    """What a cross-selling model is about, as the data spell it.

    >>> level(ModelCard(name="next.deli", kind="cross_sell", status="used", label="first DELI within 28 days"))
    'DELI'
    """
    first = re.fullmatch(r"first (.+) within .+", card.label)
    return first[1] if first else (part or card.name.rpartition(".")[2]).replace("_", " ")


def _event(card: ModelCard) -> str:
    """What a kind's score is a probability of; where nothing is bought, growth is no upgrade."""
    if card.kind == "upsell":
        return "doing more" if card.label.startswith("does ") else "spending more"
    if card.kind == "intent":
        return "a purchase" if card.horizon_days else "a purchase soon"
    return _EVENTS.get(card.kind) or named(card)


def _worth(part: str, card: ModelCard) -> tuple[str, str]:
    months = re.fullmatch(r"(?:.*\.)?clv_(\d+)m", part)
    if months:
        return f"lifetime value in {months[1]} months", "money"
    said, unit = _VALUES.get(part, (part.replace("_", " "), ""))
    return (said if part == "alive" else f"{said}{_within(card)}"), unit


def _within(card: ModelCard) -> str:
    days = card.horizon_days
    return f" within {days:g} {'day' if days == 1 else 'days'}" if days and card.kind != "label" else ""


def _renamed(one: ScoreMeta, label: str) -> ScoreMeta:
    return replace(one, label=label)

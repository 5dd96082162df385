"""What scores are called in rules and briefs, and why a score that a rule asks for is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shoal.model.meta import FeatureMeta
from shoal.summary import ModelCard

THEME = "prediction"
# What a kind's score is a probability of; the others are said by their label.
_EVENTS = {
    "churn": "churn",
    "decline": "a decline",
    "purchase": "a purchase",
    "conversion": "conversion",
    "upsell": "an upgrade",
    "intent": "a purchase soon",
}
_VALUES = {
    "purchases": ("expected purchases", "count"),
    "revenue": ("expected revenue", "money"),
    "alive": ("probability of still being a customer", "share"),
}
LONGEST = 80  # characters of a label that names and rules can carry


@dataclass(frozen=True)
class ScoreMeta(FeatureMeta):
    """A score column: whose it is, and of which kind.

    `kind` is the objective's; `part` what of a value model it is: purchases, revenue, alive, clv_12m, else empty.
    """

    model: str = ""
    kind: str = ""
    part: str = ""

    @property
    def probability(self) -> bool:
        return self.unit == "share"


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


def _reason(card: ModelCard) -> str:
    told = next(iter(card.notes), "") or (card.contest.words if card.contest else "")
    plain = f"it does not beat {card.baseline or 'its plain baseline'}" if card.status == "not used" else "see its card"
    return (told or plain).rstrip(".")


def _meta(column: str, model: str, card: ModelCard | None) -> ScoreMeta:
    part = model.removeprefix(f"{card.name}.") if card and model != card.name else ""
    if card is None:
        return ScoreMeta(column, f"score of {model.replace('_', ' ')}", "", THEME, model)
    if card.kind == "value":
        return ScoreMeta(column, *_worth(part or model, card), THEME, model, card.kind, part)
    if card.kind == "lookalike":
        return ScoreMeta(column, card.label or f"likeness to {card.name}", "share", THEME, model, card.kind, part)
    of = f"buying {part.replace('_', ' ')}" if part else _EVENTS.get(card.kind) or event(card)
    return ScoreMeta(column, f"probability of {of}{_within(card)}", "share", THEME, model, card.kind, part)


def event(card: ModelCard) -> str:
    """What a labelled objective predicts, short enough to be part of a name.

    >>> event(ModelCard(name="response", kind="label", status="used", label="y = 'yes'"))
    "y = 'yes'"
    """
    return card.label if 0 < len(card.label) <= LONGEST else card.name.replace("_", " ")


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
    from dataclasses import replace

    return replace(one, label=label)

"""What an objective comes to: questions over events, a label over traits, or nothing that the data can answer."""

from __future__ import annotations

from shoal.define.parse import names_in
from shoal.errors import ExpressionError
from shoal.predict import sentence
from shoal.predict.found import Found
from shoal.predict.known import Known
from shoal.predict.objective import Task, Unfit, tasks
from shoal.predict.propensity import purpose
from shoal.settings import Objective
from shoal.summary import ModelCard


def asked(one: Objective, known: Known) -> list[tuple[Objective, Task]]:
    """The yes-or-no questions over events that an objective comes to; none for the other kinds."""
    if one.kind in ("value", "affinity", "lookalike") or over_traits(one, known):
        return []
    if known.past is None:
        raise Unfit("needs events: this workspace has customers only; remedy: a `label` over their traits")
    return [(one, task) for task in tasks(one, known.catalogue, known.days, known.past.plan.features)]


def over_traits(one: Objective, known: Known) -> bool:
    """Whether a label is a predicate over what is known without a time."""
    if one.kind != "label":
        return False
    if known.past is None:
        return sentence.read(str(one.label)) is None
    try:
        read = names_in(str(one.label))
    except ExpressionError:
        return False
    return bool(read) and one.horizon is None and read <= set(known.features.column_names) - set(known.past.plan.names)


def unfit(one: Objective, words: str) -> Found:
    """An objective that the data cannot answer: a card that says why, and what would be needed."""
    return Found(
        ModelCard(
            name=one.name,
            kind=one.kind,
            status="not enough data",
            purpose=one.purpose or purpose(one.kind),
            owner=one.owner,
            label=str(one.label or ""),
            notes=[words],
        )
    )


def nothing(goal: str | None) -> str:
    """Why nothing is predicted, in words."""
    if goal is None:
        return "nothing is predicted: name a `goal` or `objectives` in shoal.yaml"
    return (
        f"nothing is predicted: the data cannot answer what the goal `{goal}` asks, which needs events that it is "
        "about; name `objectives` in shoal.yaml, such as a `label` over the traits"
    )

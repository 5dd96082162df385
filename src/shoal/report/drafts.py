"""A draft in the terminal: what `shoal draft` prints, from the plain dictionary that `--json` prints too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from shoal.report import numbers
from shoal.report.console import grid, heading, say

Fields = Mapping[str, Any]


def proposal(told: Fields, *, saving: bool = False) -> RenderableType:
    """A proposal: the rule, whom it selects, why each clause is so, what is missing, and the model's rule beside it."""
    parts: list[RenderableType] = []
    if told.get("rule"):
        parts += _rule(told, told.get("people"))
        if not told.get("complete"):
            parts.append(say("Incomplete: part of what you said is not in the rule, see below.", "yellow"))
        parts += [heading("Why"), _clauses(told.get("clauses", ()))]
    else:
        parts.append(say("Nothing in it could be made a rule.", "yellow"))
    parts += _missing(told)
    parts += _others(told.get("clauses", ()))
    parts += _lines("Notes", told.get("notes", ()))
    parts += _model(told)
    if not told.get("rule"):
        parts += _lines("What can be said", told.get("can_say", ()))
    if told.get("rule") and not saving:
        parts.append(say("\nNothing is saved. To keep it: the same again with --save NAME", "dim"))
    return Group(*parts)


def saved(path: str) -> RenderableType:
    """Where a draft was written."""
    return Text.assemble("\nWrote ", say(path, "bold cyan"), ". It takes part in the next `shoal run`.")


def _rule(told: Fields, people: object) -> list[RenderableType]:
    size = f"{numbers.count(told.get('size'))} people ({numbers.percent(told.get('share'))}"
    of = f" of {numbers.count(people)})" if isinstance(people, int) else ")"
    found: list[RenderableType] = [say(told.get("rule"), "bold"), say(told.get("words") or ""), say(size + of)]
    if told.get("published"):
        found.append(say(f"as of now: {told['published']}", "dim"))
    if told.get("examples"):
        found.append(say(f"such as {', '.join(told['examples'])}", "dim"))
    return found


def _clauses(clauses: Sequence[Fields]) -> RenderableType:
    table = grid("fold", "fold", "right", header=["You said", "Rule, and why", "People"])
    for one in clauses:
        why = f"{'' if one.get('exact', True) else 'not exactly: '}{one.get('why', '')}"
        style = "dim" if one.get("exact", True) else "yellow"
        clause = Text.assemble(say(one.get("rule", "")), "\n", say(why, style))
        table.add_row(say(one.get("phrase", ""), "bold"), clause, numbers.count(one.get("size")))
    return table


def _missing(told: Fields) -> list[RenderableType]:
    """What the data cannot answer, with the nearest that they can, and what was not understood."""
    found: list[RenderableType] = []
    if told.get("missing"):
        found.append(heading("What the data cannot say"))
        for one in told["missing"]:
            found.append(Text.assemble("- ", say(one.get("phrase", ""), "bold"), ": ", say(one.get("why", ""))))
            if one.get("near"):
                near = f"  nearest: {one['near']} ({numbers.count(one.get('size'))} people)"
                found.append(say(near, "dim"))
    if told.get("unknown"):
        listed = ", ".join(f"'{word}'" for word in told["unknown"])
        found += [heading("Not understood"), say(f"- {listed}", "yellow")]
    return found


def _others(clauses: Sequence[Fields]) -> list[RenderableType]:
    lines = [
        f"{one.get('phrase', '')}: {other.get('says', '')}: {other.get('rule', '')}"
        for one in clauses
        for other in one.get("alternatives", ())
    ]
    return _lines("You may have meant", lines)


def _model(told: Fields) -> list[RenderableType]:
    """The language model's rule, which the same parser has read, or why there is none."""
    model = told.get("model")
    if not model:
        return []
    found: list[RenderableType] = [heading(f"By the language model ({model.get('by', '')})")]
    if not model.get("rule"):
        return [*found, say(f"No rule: {model.get('fault') or 'none was given'}", "yellow")]
    found += _rule(model, told.get("people"))
    for name, label in (("why", "it says"), ("left_out", "it left out")):
        if model.get(name):
            found.append(say(f"{label}: {model[name]}", "dim"))
    return found


def _lines(title: str, lines: Sequence[str]) -> list[RenderableType]:
    return [heading(title), *(say(f"- {line}") for line in lines)] if lines else []

"""The short lines of `shoal run` on the contest, the subgroups and what changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from shoal.report import numbers, words
from shoal.report.console import grid, heading, say
from shoal.report.contest import Contest, against
from shoal.report.subgroup import NAMES, short
from shoal.report.view import View
from shoal.summary import Change, Subgroups

CHANGES = 6  # a run


def contest(view: View) -> list[RenderableType]:
    """Who won and by how much, how far the first holds, and micro-segments against traditional cells."""
    parts: list[RenderableType] = [heading("Why these segments"), say(view.outcome)]
    parts += [say(line, "dim") for line in (_standing(view.contest), against(view.many)) if line]
    return parts


def _standing(contest: Contest) -> str:
    """How far the first contender holds, '' where that was not measured."""
    first = contest.won or next(iter(contest.contenders), None)
    if first is None:
        return ""
    facts = []
    if first.stability and numbers.known(first.stability.value):
        least = f" (least {numbers.fixed(first.least)})" if numbers.known(first.least) else ""
        facts.append(f"refitted stability {numbers.fixed(first.stability.value)}{least}")
    if first.persistence and numbers.known(first.persistence.value):
        facts.append(f"a period later {numbers.fixed(first.persistence.value)}")
    if numbers.known(first.fidelity):
        facts.append(f"rule agrees {numbers.percent(first.fidelity)}")
    if not facts:
        return ""
    told = ", ".join(facts)
    return f"{told[:1].upper()}{told[1:]}." if contest.won else f"{first.name}: {told}."


def subgroups(found: Sequence[Subgroups]) -> list[RenderableType]:
    """A line a target, with what is claimed first."""
    if not found:
        return []
    table = grid("left", "fold")
    for target in found:
        told = NAMES.get(target.target, words.title(target.target))
        claims = [group.claim or group.words or group.rule for group in target.found if group.confirmed]
        if claims:
            said = Text.assemble(say(f"{short(target)}: "), say(claims[0], "green"))
        else:
            said = say(short(target), "dim")
        table.add_row(say(told, "bold"), said)
    return [heading("Groups that stand out"), table]


def changes(view: View) -> list[RenderableType]:
    """What kind of change befell which segment since the last release; the sentences are in the report."""
    found: Sequence[Change] = view.run.changes
    if not found:
        return []
    since = f" since {numbers.instant(view.since)}" if view.since else ""
    told = Text("; ").join(Text.assemble(say(f"{c.kind} ", "yellow"), say(c.segment)) for c in found[:CHANGES])
    if len(found) > CHANGES:
        told.append(f"; and {len(found) - CHANGES} more")
    return [heading(f"Changed{since}"), told]

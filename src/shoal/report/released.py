"""Releases in the terminal: what is about to be approved, what was decided, what stands."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from shoal.report import numbers, words
from shoal.report.console import STYLES, grid, heading, say
from shoal.summary import Release, Segment, Verdict


def proposal(segment: Segment, verdicts: Sequence[Verdict], now: Segment | None = None) -> RenderableType:
    """What `shoal approve` shows first: the rule in words, its size, what did not pass, and what it would replace."""
    told: list[RenderableType] = [
        Text.assemble(
            say(segment.name, "bold"), say(f"  {words.kind(segment.kind)}, {segment.status}, v{segment.version}", "dim")
        ),
        say(segment.words or segment.rule),
        say(segment.rule, "dim"),
        say(f"{_people(segment.size)}, {numbers.percent(segment.share)} of all"),
    ]
    if now is not None and now.version != segment.version:
        told.append(say(f"It replaces v{now.version}, {_people(now.size)}: {now.words or now.rule}", "yellow"))
    if not verdicts:
        told.append(say("Not validated: no check has looked at it.", "yellow"))
    open_ones = [one for one in verdicts if one.result != "pass"]
    if open_ones:
        told += [heading("Checks that are not passed"), _verdicts(open_ones)]
    elif verdicts:
        told.append(say(f"{words.plural(len(verdicts), 'check')}, all passed.", "green"))
    return Group(*told)


def decision(release: Release) -> RenderableType:
    """What `shoal approve` and `shoal retire` print in the end."""
    done = "released" if release.decision == "approved" else "retired"
    parts: list[RenderableType] = [
        Text.assemble(
            say(f"{release.segment} v{release.version}", "bold"),
            say(f" {done} by {release.by}, {_people(release.size)}"),
        )
    ]
    parts += [say(text) for text in (release.answer, release.note) if text]
    after = (
        "Its rule stays as it is in every later run, until another version is approved."
        if release.decision == "approved"
        else "Its memberships end with the next run."
    )
    return Group(*parts, say(after, "dim"))


def history(releases: Sequence[Release]) -> RenderableType:
    """What `shoal releases` prints: every decision, the newest first."""
    if not releases:
        return say("Nothing was released yet. See: shoal approve SEGMENT", "yellow")
    table = grid("left", "fold", "right", "left", "fold", header=["When", "Segment", "People", "Decision", "Why"])
    for one in reversed(releases):
        style = "green" if one.decision == "approved" else "yellow"
        table.add_row(
            say(one.at[:10]),
            Text.assemble(say(one.segment, "bold"), say(f" v{one.version}", "dim")),
            numbers.count(one.size),
            say(f"{one.decision} by {one.by}", style),
            say("; ".join(text for text in (one.answer, one.note) if text)),
        )
    return table


def standing(segments: Sequence[Segment]) -> list[RenderableType]:
    """The released segments of a run; nothing where there are none."""
    found = [one for one in segments if one.status == "released"]
    if not found:
        return []
    table = grid("fold", "right", "right", "fold", header=["Segment", "People", "Share", "Rule"])
    for one in found:
        table.add_row(
            Text.assemble(say(one.name, "bold"), say(f" v{one.version}", "dim")),
            numbers.count(one.size),
            numbers.percent(one.share),
            say(one.words or one.rule),
        )
    return [heading("Released"), table]


def count(segments: Sequence[Segment]) -> list[RenderableType]:
    """How many segments are released, in a line; nothing where there are none."""
    found = [one for one in segments if one.status == "released"]
    said = f"{words.plural(len(found), 'segment')} released. See: shoal segments, shoal releases"
    return [say(said, "dim")] if found else []


def _verdicts(verdicts: Sequence[Verdict]) -> Table:
    table = grid("left", "fold")
    for one in sorted(verdicts, key=lambda verdict: words.RESULTS.index(verdict.result), reverse=True):
        number = "" if one.value is None else f" {one.value:.3g}"
        why = f" ({one.note or one.rule})" if one.note or one.rule else ""
        table.add_row(
            say(one.result, STYLES[one.result]),
            Text.assemble(say(f"{words.title(one.check).lower()}{number}"), say(why, "dim")),
        )
    return table


def _people(size: int) -> str:
    return words.plural(size, "person", "people")

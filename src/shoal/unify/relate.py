"""What files have to do with each other: the same layout, the same people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shoal.unify.draft import Draft
from shoal.unify.sample import Sample
from shoal.unify.values import Column
from shoal.unify.vocabulary import event_name

LINKED = 0.3


def alike(samples: Sequence[Sample]) -> list[tuple[str, list[Sample]]]:
    """Files of one layout whose names share a pattern, together; the others alone. Each with its path or glob."""
    groups: dict[tuple[object, ...], list[Sample]] = {}
    for sample in samples:
        suffixes = "".join(sample.path.suffixes)
        topic = event_name(sample.path.name.split(".")[0])
        key = (sample.path.parent, suffixes, sample.format, sample.dialect, topic, tuple(sample.names))
        groups.setdefault(key, []).append(sample)
    found = []
    for group in groups.values():
        pattern = _pattern([sample.path for sample in group]) if len(group) > 1 else None
        if pattern:
            found.append((pattern, group))
        else:
            found.extend((str(sample.path), [sample]) for sample in group)
    return found


def _pattern(paths: list[Path]) -> str | None:
    """A glob that matches exactly these files."""
    names = [path.name for path in paths]
    start = _shared(names)
    end = _shared([name[len(start) :][::-1] for name in names])[::-1]
    if len(start) + len(end) < 5 or any(char in start + end for char in "*?["):
        return None
    if len(start.strip("0123456789_-. ")) < 3:
        return None
    folder = paths[0].parent
    matched = set(folder.glob(f"{start}*{end}"))
    return str(folder / f"{start}*{end}") if matched == set(paths) else None


def _shared(names: list[str]) -> str:
    """The longest start that all names share."""
    first, last = min(names), max(names)
    return first[: next((place for place, char in enumerate(first) if char != last[place : place + 1]), len(first))]


def link(drafts: Sequence[Draft]) -> list[str]:
    """Gives the key of a profile file the identifier type under which events know the same values; says what it did."""
    said = []
    for profile in (draft for draft in drafts if draft.kind == "profiles" and draft.identifiers):
        kind = next(iter(profile.identifiers))
        key = _column(profile, kind)
        if key is None or kind in ("email", "phone"):
            continue
        best = _best_match(key, kind, [draft for draft in drafts if draft.kind == "events"])
        if best is None:
            continue
        share, other, source = best
        if other != kind and other not in profile.identifiers:
            lines = {other: profile.identifiers.pop(kind), **profile.identifiers}
            profile.identifiers = lines
        said.append(
            f"{profile.name}.{key.name} and the {other} of {source} are the same people ({share:.0%} of the sample)"
        )
    return said


def _best_match(key: Column, kind: str, events: Sequence[Draft]) -> tuple[float, str, str] | None:
    ours = {_plain(value) for value in key.counts}
    best = None
    for draft in events:
        for other in draft.identifiers:
            column = _column(draft, other)
            if column is None or other in ("email", "phone"):
                continue
            theirs = {_plain(value) for value in column.counts}
            share = len(ours & theirs) / max(1, min(len(ours), len(theirs)))
            rank = (share + (0.2 if other == kind else 0), other)
            if share >= LINKED and (best is None or rank > best[0]):
                best = (rank, (share, other, draft.name))
    return best[1] if best else None


def _column(draft: Draft, kind: str) -> Column | None:
    text = draft.identifiers[kind].text.strip('"').replace('""', '"')
    return next((column for column in draft.table.sample if draft.called(column) == text), None)


def _plain(value: str) -> str:
    return value.removesuffix(".0").strip().lower()

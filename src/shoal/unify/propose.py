"""A look at raw files, turned into a commented `shoal.yaml` that runs as it is."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shoal import settings
from shoal.errors import SettingsError, SourceError, StorageError, UsageError
from shoal.unify.aim import Aim, goal, objective
from shoal.unify.draft import Draft, Line
from shoal.unify.guess import guess
from shoal.unify.outline import outline
from shoal.unify.person import NOBODY
from shoal.unify.relate import alike, link
from shoal.unify.sample import Sample
from shoal.unify.sniff import sniff
from shoal.unify.vocabulary import country_code, event_roles, slug
from shoal.unify.write import settings_text


@dataclass(frozen=True)
class Proposal:
    """A proposed `shoal.yaml`: its text, what it asks, and what was noticed."""

    settings_text: str
    questions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def propose(files: Sequence[Path], base: Path) -> Proposal:
    """Looks at the files and proposes settings for a workspace in the folder `base`.

    A file that cannot be read becomes a note and costs the others nothing.
    Raises SourceError when no file can be read at all.
    """
    samples, notes = _look(files)
    drafts: list[Draft] = []
    for path, group in alike(samples):
        sample = max(group, key=lambda one: one.rows)
        name = _name(path, {draft.name for draft in drafts})
        notes += [f"{sample.path.name}: {note}" for note in sample.notes]
        drafts.append(outline(name, _relative(path, base), guess(sample)))
        if len(group) > 1:
            notes.append(f"{name}: {len(group)} files of one layout, read together as {Path(path).name}")
    drafts.sort(key=lambda draft: draft.kind)
    notes += link(drafts)
    _nobody_else(drafts)
    _check(drafts, notes)
    ready = [draft for draft in drafts if not draft.held]
    aims = [aim] if not any(draft.kind == "events" for draft in ready) and (aim := objective(ready)) else []
    text = _text(drafts, aims, base, notes)
    questions = [f"sources.{draft.name}.{setting}: {asked}" for draft in drafts for setting, asked in draft.questions]
    questions += [f"objectives.{aim.name}.label: {asked}" for aim in aims for asked in aim.questions]
    return Proposal(text, questions, notes)


def write(files: Sequence[Path], folder: Path, *, force: bool = False) -> Proposal:
    """Proposes settings and writes them to `folder`/shoal.yaml, whole or not at all.

    Raises UsageError when there is one already and `force` is not given, StorageError when it cannot be written.
    """
    target = folder / settings.FILE
    if target.exists() and not force:
        raise UsageError(
            f"{target} is there already and was not touched. Remedy: edit it, or pass --force to replace it"
        )
    if not files:
        raise UsageError("no file was named. Remedy: shoal init FILE..., such as `shoal init orders.csv`")
    proposal = propose(files, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, prefix=".shoal-", delete=False) as file:
            file.write(proposal.settings_text)
        Path(file.name).chmod(0o644)
        Path(file.name).replace(target)
    except OSError as error:
        raise StorageError(
            f"cannot write {target}: {error.strerror}. Remedy: choose a folder you may write to"
        ) from None
    return proposal


def _look(files: Sequence[Path]) -> tuple[list[Sample], list[str]]:
    samples, notes = [], []
    for path in dict.fromkeys(files):
        try:
            sample = sniff(path)
        except SourceError as error:
            notes.append(f"left out: {error}")
            continue
        if sample.rows:
            samples.append(sample)
        else:
            why = " ".join(sample.notes) or "has a header and no rows"
            notes.append(f"left out: {path}: {why}. Remedy: export it again, or leave it out")
    if not samples:
        raise SourceError("no file could be read:\n" + "\n".join(f"  {note}" for note in notes))
    return samples, notes


def _relative(path: str, base: Path) -> str:
    return Path(os.path.relpath(Path(path).absolute(), base.absolute())).as_posix()


def _name(path: str, taken: set[str]) -> str:
    stem = slug(Path(path).name.split(".")[0].replace("*", ""))[:40].rstrip("_")
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    return name


def _nobody_else(drafts: Sequence[Draft]) -> None:
    """Holds back tables whose rows nothing names, beside sources that do name people: theirs would be strangers."""
    ready = [draft for draft in drafts if not draft.held]
    if any(draft.identifiers for draft in ready):
        for draft in (draft for draft in ready if not draft.identifiers):
            draft.identifiers["customer_id"] = Line("id", "put the column here")
            draft.hold("identifiers", NOBODY)


def _check(drafts: list[Draft], notes: list[str]) -> None:
    """Holds back a source that settings or rule language refuse, so that one odd file does not cost the others."""
    from shoal.unify.check import columns_of, faults

    for draft in (draft for draft in drafts if not draft.held):
        try:
            source = settings.parse(settings_text({}, [draft], {}, [])).sources[draft.name]
            wrong = [f"{setting}: {what}" for setting, what in faults(source, columns_of(draft.table.sample, source))]
        except SettingsError as error:
            wrong = [fault.what for fault in error.faults]
        if wrong:
            draft.hold("path", f"no mapping could be made ({wrong[0]})")
            notes.append(f"{draft.name}: no mapping could be made ({wrong[0]})")


def _text(drafts: list[Draft], aims: Sequence[Aim], base: Path, notes: list[str]) -> str:
    ready = [draft for draft in drafts if not draft.held]
    names = list(dict.fromkeys(name for draft in ready for name in draft.events()))
    roles = event_roles(names)
    head = _head(ready, base)
    if line := goal(ready, roles):
        head["goal"] = line
    text = settings_text(head, drafts, roles, notes, aims)
    settings.parse(text)
    return text


def _head(drafts: list[Draft], base: Path) -> dict[str, Line]:
    head = {
        "name": Line(base.absolute().name or "shop"),
        "time_zone": Line("UTC", "zone of hours and days, and of times written without one, such as Europe/Berlin"),
    }
    codes = {draft.currency.text for draft in drafts if draft.currency}
    if len(codes) == 1 and (code := next(iter(codes))).isupper() and len(code) == 3:
        head["currency"] = Line(code)
    country = _country(drafts)
    if country and any("phone" in draft.identifiers for draft in drafts):
        head["country"] = Line(country, "for phone numbers written without a country code")
    return head


def _country(drafts: list[Draft]) -> str | None:
    """The country that nearly all people are in."""
    for draft in drafts:
        for column in draft.table.having("country"):
            value, count = column.counts.most_common(1)[0]
            if count >= 0.8 * column.counts.total():
                return country_code(value)
    return None

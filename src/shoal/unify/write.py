"""The text of a proposed `shoal.yaml`, with its comments and questions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import wrap

import yaml

from shoal.unify.aim import Aim
from shoal.unify.draft import Draft, Line, one_line

ASKS = "# ? "
PLAIN = re.compile(r"[A-Za-z_/.][\w ./*()<>=+-]*")
SINGLE = re.compile(r"[,'$]")


def scalar(value: str) -> str:
    """A text as YAML, plain where that reads back as the same text.

    >>> scalar("Quantity * UnitPrice"), scalar('"session ID"'), scalar("no")
    ('Quantity * UnitPrice', '\\'"session ID"\\'', "'no'")
    """
    plain = PLAIN.fullmatch(SINGLE.sub("", value)) and not SINGLE.match(value) and value == value.strip()
    if plain and value.isprintable() and yaml.safe_load(f"a: {value}") == {"a": value}:
        return value
    if not value.isprintable():
        return str(yaml.safe_dump(value, default_style='"', allow_unicode=False, width=100_000)).strip()
    return "'" + value.replace("'", "''") + "'"


def line(indent: int, key: str, value: str | None, why: str = "") -> str:
    """One line of settings with its reason behind it."""
    bare = re.fullmatch(r"[A-Za-z_]\w*", key) and yaml.safe_load(key) == key
    text = " " * indent + (key if bare else scalar(key)) + ":"
    if value is not None:
        text += f" {value}"
    return f"{text}  # {one_line(why)}" if why else text


def settings_text(
    head: Mapping[str, Line],
    drafts: Sequence[Draft],
    roles: Mapping[str, Sequence[str]],
    notes: Iterable[str],
    aims: Sequence[Aim] = (),
) -> str:
    """The whole file."""
    lines = [
        "# Written by `shoal init` from a look at the files. Edit it freely; `shoal run` does the rest.",
        "# Lines that begin with `# ?` ask what the files did not tell. `shoal doctor` repeats them:",
        "# correct the line below, or just delete the question when the guess is right.",
        *(f"# Note: {one_line(note)}" for note in notes),
        "",
    ]
    for key, value in head.items():
        lines.append(line(0, key, scalar(value.text), value.why))
    held = [draft for draft in drafts if draft.held]
    ready = [draft for draft in drafts if not draft.held]
    lines += ["", "sources:" if ready else "sources: {}"]
    for draft in ready:
        lines += [*_source(draft), ""]
    if aims:
        lines += ["objectives:  # what to predict; rows without the outcome are scored"]
        lines += [line for aim in aims for line in _objective(aim)]
    if roles:
        lines += ["events:  # which events play a role"]
        lines += [line(2, role, f"[{', '.join(map(_item, names))}]") for role, names in roles.items()]
    for draft in held:
        lines += ["", "# Left out until the question is answered; take the `# ` away and put it under `sources:`"]
        lines += [text if text.startswith(ASKS) else f"# {text}" for text in _source(draft)]
    return "\n".join(lines).rstrip() + "\n"


def _objective(aim: Aim) -> list[str]:
    lines = [f"{ASKS}objectives.{aim.name}.label: {one_line(asked)}" for asked in aim.questions]
    lines += [f"  - name: {scalar(aim.name)}", line(4, "kind", "label"), line(4, "label", scalar(aim.label), aim.why)]
    if aim.exclude:
        listed = f"[{', '.join(map(_item, aim.exclude))}]"
        lines.append(line(4, "exclude", listed, "the same outcome, written once more"))
    return lines


def _item(name: str) -> str:
    return (
        scalar(name) if re.fullmatch(r"[\w -]+", name) and scalar(name) == name else "'" + name.replace("'", "''") + "'"
    )


def _source(draft: Draft) -> list[str]:
    """The lines of one source; questions stand at the margin above the setting they are about."""
    asked: dict[str, list[str]] = {}
    for setting, question in draft.questions:
        asked.setdefault(setting.split(".")[0], []).append(f"{ASKS}sources.{draft.name}.{setting}: {question}")
    lines = [line(2, draft.name, None, _summary(draft))]
    for setting, written in _settings(draft):
        lines += asked.pop(setting, [])
        lines += written
    left = [question for questions in asked.values() for question in questions]
    lines[1:1] = left
    return [*lines, *_unused(draft)]


def _summary(draft: Draft) -> str:
    sample = draft.table.sample
    rows = f"{sample.rows:,} rows" if sample.whole else f"more than {sample.rows:,} rows, of which these were looked at"
    return f"{rows}, {len(sample.columns):,} columns"


def _settings(draft: Draft) -> list[tuple[str, list[str]]]:
    pairs: list[tuple[str, list[str]]] = [("path", [line(4, "path", scalar(draft.path))])]
    if draft.kind == "profiles":
        why = "a row is a customer" if draft.identifiers else "a row is a customer; no id: they are row:1, row:2, ..."
        pairs.append(("kind", [line(4, "kind", "profiles", why)]))
    pairs.append(("csv", _layout(draft)))
    pairs.append(("event", _event(draft)))
    for key, one in (("at", draft.at), ("value", draft.value), ("currency", draft.currency), ("where", draft.where)):
        if one is not None:
            pairs.append((key, [line(4, key, scalar(one.text), one.why)]))
        elif key in {setting for setting, _ in draft.questions}:
            pairs.append((key, []))
        if key == "at":
            pairs.append(("at_format", [line(4, "at_format", scalar(draft.at_format))] if draft.at_format else []))
            pairs.append(("identifiers", _block("identifiers", draft.identifiers)))
    if draft.returns:
        inner = [line(6, "when", scalar(draft.returns.text), draft.returns.why), line(6, "event", draft.returned)]
        pairs.append(("returns", [line(4, "returns", None), *inner]))
    if draft.keep:
        pairs.append(("duplicates", [line(4, "duplicates", "keep", draft.keep)]))
    pairs += [("properties", _block("properties", draft.properties)), ("traits", _block("traits", draft.traits))]
    return pairs


def _layout(draft: Draft) -> list[str]:
    """Only what differs from a comma-separated UTF-8 file with a header."""
    sample = draft.table.sample
    told = [line(4, "format", sample.format)] if sample.format != _by_suffix(sample.path) else []
    if sample.format != "csv":
        return told
    dialect, parts = sample.dialect, {}
    if dialect.delimiter != ",":
        parts["delimiter"] = {"\t": '"\\t"', "whitespace": "whitespace"}.get(
            dialect.delimiter, f"'{dialect.delimiter}'"
        )
    if not dialect.header:
        parts["header"] = "false"
        parts["columns"] = f"[{', '.join(draft.columns.get(name, name) for name in sample.names)}]"
    if dialect.encoding not in ("utf-8", "ascii"):
        parts["encoding"] = dialect.encoding
    if dialect.quote != '"':
        parts["quote"] = '"\'"'
    if dialect.decimal != ".":
        parts["decimal"] = f"'{dialect.decimal}'"
    return [*told, *([line(4, "csv", None)] if parts else []), *(line(6, key, value) for key, value in parts.items())]


def _by_suffix(path: Path) -> str:
    """The format that the run takes a file for when none is named."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    known = {".json": "json", ".jsonl": "json", ".ndjson": "json", ".parquet": "parquet", ".pq": "parquet"}
    return known.get(suffixes[-1], "csv") if suffixes else "csv"


def _event(draft: Draft) -> list[str]:
    if draft.event_column is None:
        return [line(4, "event", scalar(draft.event.text), draft.event.why)] if draft.event else []
    column = line(6, "column", scalar(draft.event_column.text), draft.event_column.why)
    lines = [line(4, "event", None), column]
    if draft.event_names:
        lines += [line(6, "names", None), *(line(8, raw, scalar(name)) for raw, name in draft.event_names.items())]
    return lines


def _block(key: str, entries: Mapping[str, Line]) -> list[str]:
    if not entries:
        return []
    return [line(4, key, None), *(line(6, name, scalar(one.text), one.why) for name, one in entries.items())]


def _unused(draft: Draft) -> list[str]:
    if not draft.unused and len(draft.table.sample.columns) <= len(draft.table.guesses):
        return []
    shown = list(draft.unused.items())[:12]
    parts = [f"{one_line(draft.columns.get(name, name))[:40]} ({why})" for name, why in shown]
    known = len(draft.unused) - len(shown) + max(0, len(draft.table.sample.columns) - len(draft.table.guesses))
    if known > 0:
        parts.append(f"and {known:,} more")
    return [f"    # {text}" for text in wrap(f"not used: {'; '.join(parts)}", 110, subsequent_indent="  ")]

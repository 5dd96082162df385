"""Drafts of segments from plain language: what is known, the proposal with its reach, the file it becomes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from shoal.define.draft.asked import Suggestion, suggest
from shoal.define.draft.known import Known, survey
from shoal.define.draft.propose import Draft, Reach, propose, reach, sized
from shoal.define.segment import load_segments
from shoal.errors import ShoalError, StorageError, UsageError
from shoal.language import connect
from shoal.model.lifecycle import rhythm
from shoal.model.run import model_cards
from shoal.model.scores import score_meta
from shoal.settings import Language
from shoal.store.runs import Run, storage, write_text
from shoal.unify.countries import country_names

LONGEST = 1_000
EXAMPLES = (
    "at least 3 orders in the last 90 days",
    "not seen for 60 days",
    "big spenders",
    "loyal customers who buy less than before",
    "top 10% by revenue",
    "likely to churn",
    "one-time buyers at weekends",
)
_NAME = re.compile(r"[^\W_][\w .()+-]{0,78}")


def known_of(run: Run) -> tuple[pa.Table, Known]:
    """The people's table of a run, and what drafts can speak of in it."""
    table, part = run.people(), run.read_part("features")
    scores = score_meta(run.score_columns(), model_cards(run))
    described = {name: dict(one) for name, one in part["meta"].items()}
    described |= {name: {"label": one.label, "unit": one.unit, "theme": one.theme} for name, one in scores.items()}
    segments = {one["name"]: one["rule"] for one in (run.read_part("run") or {}).get("segments", [])}
    known = survey(
        table,
        described,
        catalogue=part["catalogue"],
        scores={name: (one.kind, one.part) for name, one in scores.items()},
        rhythm=rhythm(table) if part["catalogue"]["events"] else None,
        segments=segments,
        traits=run.table("profiles"),
        synonyms=country_names(),
    )
    return table, known


def draft(run: Run, text: str, language: Language | None = None) -> dict[str, Any]:
    """A proposal for a sentence, by the grammar and, where `language` names one, by a language model.

    Nothing is saved or run. `examples` are profile ids, for this machine's eyes; the model never sees them.

    Raises UsageError for an empty or endless text.
    """
    if not text.strip() or len(text) > LONGEST:
        raise UsageError(f"a draft needs 1 to {LONGEST:,} characters of text. Remedy: such as '{EXAMPLES[3]}'")
    table, known = known_of(run)
    made = propose(text, known)
    told = _told(made, table, known)
    return {
        "text": text,
        "as_of": run.read_part("features")["as_of_text"],
        "people": table.num_rows,
        **told,
        "understood": bool(made.rule),
        "can_say": list(EXAMPLES),
        "model": _by_model(text, known, table, language) if language else None,
    }


def _told(made: Draft, table: pa.Table, known: Known) -> dict[str, Any]:
    """The grammar's proposal as plain values, each clause with the people that it selects on its own."""
    found = reach(made.rule, table, known) if made.rule else None
    sizes = sized([one.rule for one in made.clauses], table, known)
    near = sized([one.near or "false" for one in made.missing], table, known)
    return {
        **_reached(made.rule, found),
        "complete": made.complete and bool(made.rule),
        "clauses": [
            {
                "phrase": one.phrase,
                "rule": one.rule,
                "why": one.why,
                "exact": one.exact,
                "size": size,
                "alternatives": [{"rule": rule, "says": says} for rule, says in one.others],
            }
            for one, size in zip(made.clauses, sizes, strict=True)
        ],
        "missing": [
            {"phrase": one.phrase, "why": one.why, "near": one.near or None, "size": size if one.near else None}
            for one, size in zip(made.missing, near, strict=True)
        ],
        "unknown": list(made.unknown),
        "notes": [*made.notes, *(found.notes if found else ()), *_empty(found, sizes)],
    }


def _reached(rule: str, found: Reach | None) -> dict[str, Any]:
    return {
        "rule": rule or None,
        "published": found.rule if found and found.rule != rule else None,
        "words": found.words if found else None,
        "size": found.size if found else None,
        "share": found.share if found else None,
        "examples": list(found.examples) if found else [],
    }


def _empty(found: Reach | None, sizes: list[int | None]) -> list[str]:
    """Why nobody is in it, where nobody is."""
    if found is None or found.size:
        return []
    if len(sizes) > 1 and all(sizes):
        return ["each clause selects people, but nobody meets all of them"]
    return ["nobody as of now"]


def _by_model(text: str, known: Known, table: pa.Table, language: Language) -> dict[str, Any]:
    """The model's suggestion, or why there is none: without a model the grammar's stands alone."""
    try:
        found = suggest(text, known, table, connect(**language.model_dump()).ask)
    except ShoalError as error:
        found = Suggestion(fault=str(error))
    told = {"by": language.model, **_reached(found.rule, found.reach), "why": found.why, "left_out": found.left_out}
    return {**told, "fault": found.fault or None}


def save(folder: Path, name: str, told: Mapping[str, Any], *, of_model: bool = False) -> Path:
    """Writes a draft as `segments/NAME.yaml`; it takes part from the next run on.

    Raises UsageError when there is nothing to write, the name is none, or a segment has it already.
    """
    chosen = told["model"] if of_model else told
    if not chosen or not chosen["rule"]:
        raise UsageError(f"there is no rule to save{' by the language model' if of_model else ''}; nothing was written")
    name = " ".join(name.split())
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise UsageError(
            f"'{name}' is no name for a segment: letters, digits, blanks and .-+() , at most 79. Nothing was written"
        )
    taken = {one.name.casefold() for one in load_segments(folder)}
    path = folder / "segments" / f"{re.sub(r'[^a-z0-9]+', '-', name.casefold()).strip('-') or 'segment'}.yaml"
    if name.casefold() in taken or path.exists() or path.with_suffix(".yml").exists():
        raise UsageError(
            f"a segment '{name}' is there already ({path.name}); nothing was written. Remedy: another name"
        )
    left = [*(one["phrase"] for one in told["missing"]), *told["unknown"]] if not of_model else []
    comment = "".join(f"# Not in the rule: {' '.join(str(one).split())}\n" for one in left)
    content = yaml.safe_dump(
        {"name": name, "rule": chosen["rule"], "description": told["text"].strip()},
        sort_keys=False,
        allow_unicode=True,
        width=120,
    )
    with storage(folder):
        path.parent.mkdir(exist_ok=True)
        if path.exists():
            raise StorageError(f"{path}: appeared meanwhile; nothing was written. Remedy: another name")
        write_text(path, comment + content)
    return path

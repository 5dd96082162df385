"""Answers about one person: who they are, what they did, and why they are in a segment or not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from shoal import summary, tables
from shoal.define.words import Label
from shoal.errors import NotFound
from shoal.model.rules import explain as clauses_of
from shoal.model.run import model_cards
from shoal.model.scores import score_meta
from shoal.store.runs import Run

RECENT = 20
ONLY_NOW = "not known: scores are kept as of the run only"


def profile(run: Run, id: str) -> dict[str, Any]:  # noqa: A002
    """One person: identifiers, traits, features, scores with reasons, affinities, memberships and the last events.

    `id` is a profile id, an identifier's value, or `type:value`.

    Raises NotFound when nobody has it, or when several people do.
    """
    who = find(run, id)
    mine = pc.field("profile_id") == who
    traits = _rows(run, "profiles", mine)[0]
    features = next(iter(_rows(run, "features", mine)), {})
    part = run.read_part("features")
    for row, others in ((traits, ()), (features, (*part["hidden"], *part.get("traits", ())))):
        for name in ("person", "profile_id", *others):
            row.pop(name, None)
    stays = _rows(run, "memberships", mine)
    return {
        "profile_id": who,
        "first_seen": traits.pop("first_seen"),
        "last_seen": traits.pop("last_seen"),
        "identifiers": _rows(run, "identifiers", mine),
        "traits": traits,
        "as_of": features.pop("as_of", None),
        "features": features,
        "labels": {name: one["label"] for name, one in part["meta"].items() if name in features},
        "scores": scores(run, who),
        "affinities": affinities(run, who),
        "memberships": [{key: value for key, value in stay.items() if key != "profile_id"} for stay in stays],
        "consents": [],
        "timeline": timeline(run, who),
    }


def scores(run: Run, who: str) -> list[dict[str, Any]]:
    """What the models say of a person: each score with its label, unit, interval, version and reasons."""
    rows = _scores_of(run, who).to_pylist() if run.files("scores") else []
    known = score_meta({row["model"]: row["model"] for row in rows}, model_cards(run))
    names = ("model", "score", "low", "high", "version")
    return [
        {
            **{name: row[name] for name in names},
            "label": known[row["model"]].label,
            "unit": known[row["model"]].unit,
            "reasons": row.get("reasons") or [],
        }
        for row in rows
    ]


def affinities(run: Run, who: str) -> list[dict[str, Any]]:
    """What a person is drawn to: the best items by model and rank, `new` those that they never had."""
    rows = _rows(run, "affinities", pc.field("profile_id") == who) if run.files("affinities") else []
    ordered = sorted(rows, key=lambda row: (row["model"], row["rank"]))
    return [
        {name: row[name] for name in ("model", "rank", "item", "score", "new")} | {"name": row.get("name")}
        for row in ordered
    ]


def find(run: Run, id: str) -> str:  # noqa: A002
    """The profile id that an id or identifier stands for.

    Raises NotFound when nobody has it, or when several people do.
    """
    identifiers = ds.dataset(run.files("identifiers"))
    kind, _, value = id.partition(":")
    wanted = (pc.field("profile_id") == id) | (pc.field("value") == id)
    if value:
        wanted = wanted | ((pc.field("type") == kind) & (pc.field("value") == value))
    found = identifiers.to_table(columns=["profile_id", "type"], filter=wanted).to_pylist()
    if not found:
        folded = identifiers.to_table(
            columns=["profile_id", "type"], filter=pc.utf8_lower(pc.field("value")) == id.lower()
        )
        found = folded.to_pylist()
    people: list[str] = sorted({row["profile_id"] for row in found})
    if not people:
        raise NotFound(
            f"nobody has the id '{id}' as of the last run. Rule: a profile id, or an identifier as the tables hold it "
            "(e-mails in small letters, phones as +49...). Remedy: look in `ws.table('identifiers')`"
        )
    if len(people) > 1:
        kinds = sorted({f"{row['type']}:{id}" for row in found})
        raise NotFound(f"'{id}' stands for {len(people)} people. Remedy: name its type, one of {', '.join(kinds)}")
    return people[0]


def timeline(run: Run, who: str, limit: int = RECENT) -> list[dict[str, Any]]:
    """The person's last events, latest first."""
    table = _events(run, who).sort_by([("at", "descending"), ("event_id", "descending")]).slice(0, limit)
    return [
        {
            "at": _plain_time(row["at"]),
            "event": row["event"],
            "value": row["value"],
            "source": row["source"],
            "properties": {
                name: _plain_time(value) for name, value in (row["properties"] or {}).items() if value is not None
            },
        }
        for row in table.to_pylist()
    ]


def explain(run: Run, segment: summary.Segment, id: str, *, at: int | None = None) -> dict[str, Any]:  # noqa: A002
    """Why a person is or is not in a segment, clause by clause, as of the run or of another instant.

    Raises NotFound when there is no such person, or when they had done nothing by then.
    """
    who = find(run, id)
    part = run.read_part("features")
    columns = run.score_columns()
    labels = {name: Label(one["label"], one["unit"] or None) for name, one in part["meta"].items()}
    labels |= {name: one.spoken for name, one in score_meta(columns, model_cards(run)).items()}
    then = at is not None and at != part["as_of"]
    row = _with_scores(run, _row_at(run, who, part, at) if then and at is not None else _row(run, who), columns, then)
    told = (run.read_part("model") or {}).get("phrases") or {}
    phrases = None if segment.carried else told.get(segment.name)  # they are those of today's rule
    clauses = clauses_of(segment.rule, row, labels, phrases, dict.fromkeys(columns, ONLY_NOW) if then else None)
    return {
        "segment": segment.name,
        "version": segment.version,
        "profile_id": who,
        "at": _plain_time(row["as_of"][0].as_py()),
        "member": all(clause.holds is True for clause in clauses),
        "rule": segment.rule,
        "words": segment.words,
        "clauses": [clause.to_dict() for clause in clauses],
    }


def _row(run: Run, who: str) -> pa.Table:
    return ds.dataset(run.files("features")).to_table(filter=pc.field("profile_id") == who)


def _with_scores(run: Run, row: pa.Table, columns: Mapping[str, str], then: bool) -> pa.Table:
    """The row with its score columns: as the run scored the person, or empty at another instant."""
    if not columns:
        return row
    if then:
        for column in columns:
            row = row.append_column(column, pa.nulls(row.num_rows, pa.float64()))
        return row
    names = ["profile_id", "model", "score"]
    mine = _scores_of(run, row["profile_id"][0].as_py(), names)
    return tables.with_scores(row, mine, columns)


def _scores_of(run: Run, who: str, names: list[str] | None = None) -> pa.Table:
    """A person's rows of `scores`, by their number where the table has it: it is sorted by it, so few rows are read."""
    table = ds.dataset(run.files("scores"))
    mine = pc.field("person") == tables.person(who) if "person" in table.schema.names else pc.field("profile_id") == who
    return table.to_table(columns=names, filter=mine)


def _row_at(run: Run, who: str, part: dict[str, Any], at: int) -> pa.Table:
    """The person's features as of another instant, by the very same plan over their own events.

    Traits are those of the run.
    """
    from shoal.define.kernel import Plan
    from shoal.model.derived import derive

    plan = Plan.from_dict(part["plan"])
    events = _flat(_events(run, who), plan.event_columns)
    rows = list(plan.run(events.to_batches(), [at]))
    if not rows or not sum(batch.num_rows for batch in rows):
        then = tables.iso(at)
        if not events.num_rows:
            raise NotFound(f"{who} has no event, so nothing is known of {then}. Remedy: leave out `--at`")
        since = f"did something first at {_plain_time(events['at'][0].as_py())}"
        raise NotFound(f"{who} had done nothing by {then}. Rule: one event at least; {since}. Remedy: a later `--at`")
    found, now = derive(pa.Table.from_batches(rows), part["derived"]), _row(run, who)
    for name in part.get("traits", ()):
        found = found.append_column(now.schema.field(name), now[name])
    return found


def _events(run: Run, who: str) -> pa.Table:
    """A person's events, from the bucket files whose range of people holds them."""
    table = ds.dataset(run.files("events")).to_table(filter=pc.field("person") == tables.person(who))
    return table.sort_by([("at", "ascending"), ("event_id", "ascending")])


def _flat(events: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    struct = events["properties"].combine_chunks() if events.num_rows else None
    found = {}
    for name in dict.fromkeys(("person", "at", *columns)):
        if name in events.column_names:
            found[name] = events[name]
        elif struct is not None:
            found[name] = pc.struct_field(struct, name)
    return pa.table(found)


def _rows(run: Run, table: str, wanted: pc.Expression) -> list[dict[str, Any]]:
    files: list[Path] = run.files(table)
    found = ds.dataset(files).to_table(filter=wanted).to_pylist() if files else []
    return [{key: _plain_time(value) for key, value in row.items()} for row in found]


def _plain_time(value: Any) -> Any:
    """Instants as ISO 8601, as everywhere in a summary."""
    return value.isoformat() if isinstance(value, datetime) else value

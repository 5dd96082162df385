"""The validate stage: the segments held against the people drawn again, and against the next period.

Its story is `validate`. What it needs of other stages is handed to it: the recipe to refit. `jury` is what it lends to
the model stage, where recipes compete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shoal import summary, tables
from shoal.define.evaluate import Frame
from shoal.define.select import first_of, read, reads
from shoal.define.words import Label
from shoal.settings import Settings
from shoal.store.runs import Run
from shoal.summary import Verdict
from shoal.validate.actionability import action_verdicts, channels, reach, reach_verdicts
from shoal.validate.confirm import confirmed, confirmed_verdicts
from shoal.validate.difference import contrast_verdicts, next_period
from shoal.validate.fairness import audit
from shoal.validate.gate import gated
from shoal.validate.jury import Jury
from shoal.validate.outcome import Outcome, behaviour_outcome, value_outcomes
from shoal.validate.persistence import migration, persistence_verdicts
from shoal.validate.quality import quality_verdicts, separation, size_verdicts
from shoal.validate.stability import bootstrap, stability_verdicts
from shoal.validate.verdict import judge

Codes = NDArray[np.int64]
Refit = Callable[[Codes, int], Callable[[Codes], Codes]]
Tell = Callable[[str, float | None], None]
DISCOVERED = "discovered"
UNKNOWN = "nothing is known of a next period: that takes events over eight days or more"


def validate(
    settings: Settings,
    run: Run,
    *,
    refit: Callable[[Run, Settings], tuple[Any, Refit]],
    derive: Callable[[pa.Table, dict[str, str]], pa.Table],
    tell: Tell,
) -> None:
    """Writes `verdicts` and judges every segment of the run.

    `refit` gives the design matrix and the whole recipe on drawn people; `derive` adds the features that follow from
    everybody's.
    """
    segments = [summary.Segment.model_validate(one) for one in run.read_part("model")["segments"]]
    found = [one for one in segments if one.kind == DISCOVERED and not one.carried]
    now = run.people()
    ours = [one for one in segments if one.kind in (DISCOVERED, "predictive", "rule") and not one.carried]
    profiles = pq.read_table(run.path("profiles"))
    segments, told = _reached(segments, ours, run, now, profiles)
    verdicts = [*action_verdicts(ours), *told, *_sizes(segments, now.num_rows, settings)]
    fairness, told = audit(segments, now, _beside(now, profiles), _labels(run))
    verdicts += told
    if found:
        agreement = run.read_part("model")["discovery"]["fidelity"]
        verdicts.append(judge("set fidelity", f"set:{DISCOVERED}", agreement))
    tell("validate: stability", 0.85)
    codes = _codes(found, now)
    if len(found) > 1:
        verdicts += _stability(found, codes, *refit(run, settings))
    tell("validate: next period", 0.9)
    verdicts += [Verdict.model_validate(one) for one in run.read_part("model")["verdicts"]]
    if run.files("features_before"):
        before = derive(run.people("features_before"), run.read_part("features")["derived"])
        since = _only_since(now, before) | unknown_then(before, run.score_columns())
        happened = outcomes(run)
        segments = [
            one if since & reads(one.rule, now) else _with_next_period(one, before, happened) for one in segments
        ]
        if len(found) > 1:
            names = [one.name for one in found]
            then = _codes(found, before)
            verdicts += contrast_verdicts(then, happened, names)
            verdicts += confirmed_verdicts(confirmed(then, happened, k=len(found), seed=1), happened, names)
            verdicts += persistence_verdicts(migration(then, _later(codes, now, before), k=len(found)), names)
    elif len(found) > 1:
        verdicts += unjudged([one.name for one in found], DISCOVERED)
    segments = gated(segments, verdicts)
    _write(run, verdicts)
    run.write_part(
        "validate",
        {
            "segments": [one.model_dump(mode="json") for one in segments],
            "verdicts": [one.model_dump(mode="json") for one in verdicts],
            "fairness": fairness.model_dump(mode="json"),
            "rows": {"verdicts": len(verdicts)},
            "notes": [],
        },
    )


def unjudged(names: Sequence[str], kind: str) -> list[Verdict]:
    """The checks on the next period where nothing is known of any.

    >>> {verdict.result for verdict in unjudged(["Loyal"], "discovered")}
    {'not enough data'}
    """
    checks = [
        ("difference", f"set:{kind}"),
        ("persistence", f"set:{kind}"),
        *(("contrast", name) for name in names),
    ]
    return [judge(check, subject, None, note=UNKNOWN) for check, subject in checks]


def _only_since(now: pa.Table, before: pa.Table) -> set[str]:
    """The columns of today that were not known one period ago: traits that are times."""
    return set(now.column_names) - set(before.column_names)


def outcomes(run: Run) -> list[Outcome]:
    """What the people of one period ago did in it: value, and behaviour where they did anything."""
    table = run.table("outcomes")
    active = table["active"].to_numpy()
    revenue = table["revenue"].to_numpy() if "revenue" in table.column_names else None
    value = value_outcomes(revenue, active > 0, activity=active)
    standing = {"profile_id", "person", "as_of", "active", "revenue"}
    part = run.read_part("features")
    parts = set(part["hidden"]) | {"orders"}
    names = [name for name in table.column_names if name not in standing | parts]
    return [*value, *(_behaviour(table, name, part["meta"]) for name in names if _told(table, name))]


def _behaviour(table: pa.Table, name: str, meta: dict[str, Any]) -> Outcome:
    words = meta[name]["label"] if name in meta else name.replace("_", " ")
    column = pc.fill_null(table[name].cast(pa.float64()), np.nan).to_numpy()
    return behaviour_outcome(name, np.where(table["active"].to_numpy() > 0, column, np.nan), words)


def _told(table: pa.Table, name: str) -> bool:
    """Whether a behaviour differs between people at all."""
    kind = table[name].type
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return bool(number and pc.count_distinct(table[name].drop_null()).as_py() > 1)


def jury(run: Run) -> Jury:
    """Who judges the ways of cutting the people of one period ago, by what they did in the period since."""
    part = run.read_part("features")
    return Jury(tuple(outcomes(run)), part["before_text"], part["as_of_text"], float(part["horizon_days"]))


def _stability(found: Sequence[summary.Segment], codes: Codes, matrix: Any, again: Refit) -> list[Verdict]:
    """Bootstrap of the whole recipe and separation, on the people of the design matrix."""
    names = [one.name for one in found]
    drawn = codes[matrix.rows]
    apart = separation(matrix.values, drawn, k=len(found), seed=1)
    steady = bootstrap(drawn, again, k=len(found), seed=1)
    return [*stability_verdicts(steady, names), *quality_verdicts(apart, names, DISCOVERED)]


def _sizes(segments: Sequence[summary.Segment], people: int, settings: Settings) -> list[Verdict]:
    return size_verdicts(
        [one.size for one in segments], [one.subject for one in segments], people, floor=settings.segments.floor
    )


def _codes(segments: Sequence[summary.Segment], table: pa.Table) -> Codes:
    """The position of the segment whose rule holds for each person; -1 where none does."""
    return first_of([segment.rule for segment in segments], table)


def unknown_then(before: pa.Table, columns: Iterable[str]) -> frozenset[str]:
    """The scores that nobody had one period ago: whom a rule over them would have selected is not known."""
    return frozenset(name for name in columns if before[name].null_count == before.num_rows)


def _with_next_period(segment: summary.Segment, before: pa.Table, happened: Sequence[Outcome]) -> summary.Segment:
    """What the people for whom the rule held one period ago did next."""
    value = [one for one in happened if one.kind == "value"]
    member = np.where(_codes([segment], before) == 0, 0, -1)
    found = next_period(member, value, k=1)
    return segment.model_copy(update={"next_period": found[0] if (member == 0).any() else {}})


def _later(codes: Codes, now: pa.Table, before: pa.Table) -> Codes:
    """Today's segment of the people of one period ago; both tables are sorted by person."""
    later: Codes = codes[np.searchsorted(now["person"].to_numpy(), before["person"].to_numpy())]
    return later


def _reached(
    segments: Sequence[summary.Segment],
    judged: Sequence[summary.Segment],
    run: Run,
    now: pa.Table,
    profiles: pa.Table,
) -> tuple[list[summary.Segment], list[Verdict]]:
    """Every segment with the share of its people that each channel leads to, and the verdicts on those `judged`."""
    known = pq.read_table(run.path("identifiers"), columns=["person", "type"])
    leads = channels(now["person"].to_numpy(), known, profiles)
    frame = Frame(now, now.num_rows)
    members = {one.subject: frame.mask(read(one.rule, now)) for one in segments}
    told = [one.model_copy(update={"reach": reach(members[one.subject], leads)}) for one in segments]
    return told, reach_verdicts({one.subject: members[one.subject] for one in judged}, leads)


def _beside(now: pa.Table, profiles: pa.Table) -> pa.Table:
    """The profiles of the people of `now`, row by row."""
    return profiles.take(pc.index_in(now["person"], profiles["person"].combine_chunks()))


def _labels(run: Run) -> dict[str, Label]:
    """How rules speak of features."""
    meta = run.read_part("features")["meta"]
    return {name: Label(one["label"], one["unit"] or None) for name, one in meta.items()}


def _write(run: Run, verdicts: Sequence[Verdict]) -> None:
    rows = [{**one.model_dump(), "note": one.note} for one in verdicts]
    schema = tables.VERDICTS.append(pa.field("note", pa.string()))
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), run.path("verdicts"), compression="zstd")

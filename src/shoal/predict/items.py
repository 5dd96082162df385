"""Objectives about items and about likeness: their results as cards, scores and tables."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shoal import tables
from shoal.define.packs import main_events
from shoal.define.parse import names_in
from shoal.define.select import first_of
from shoal.errors import ExpressionError, Fault, SettingsError, suggest
from shoal.predict.baskets import gather
from shoal.predict.encoding import Encoding
from shoal.predict.found import Found, Scores
from shoal.predict.known import Known
from shoal.predict.likeness import Likeness
from shoal.predict.lookalike import lookalikes
from shoal.predict.objective import DAY, Unfit, properties_for
from shoal.predict.past import Past
from shoal.predict.propensity import MOST_IMPORTANT
from shoal.predict.ratios import PARTS
from shoal.predict.recommend import affinities
from shoal.predict.similar import fold_of
from shoal.predict.use import Use
from shoal.predict.vault import version_of
from shoal.settings import FILE, Objective
from shoal.summary import Importance, ModelCard

TOP = 10
LISTED = tables.AFFINITIES.append(pa.field("name", pa.string()))  # the item in words, where events have them
SEED = 1


def affinity(known: Known, one: Objective, past: Past) -> Found:
    """What each person is drawn to: the best items, and the best of those that they never had."""
    item = known.catalogue.has(*properties_for(one))
    if item is None:
        wished = " or ".join(f"`{name}`" for name in properties_for(one))
        what = f"no event has {wished}.{suggest(one.property or '', known.catalogue.properties)}"
        raise SettingsError(
            [Fault(FILE, None, f"objectives.{one.name}.property", what, "name one that the events have")]
        )
    if known.days is None:
        raise Unfit("needs at least eight days of events to be judged on later ones")
    events = [one.event] if isinstance(one.event, str) else one.event
    events = events or known.catalogue.role("purchase") or known.catalogue.role("view") or main_events(known.catalogue)
    stream = past.read(list(past.files), ["person", "at", "event", item])
    everything = gather(stream, item, events, known.as_of)
    found = affinities(everything, *everything.split(known.days), top=TOP, seed=SEED)
    card = ModelCard(
        name=one.name,
        kind=one.kind,
        status=found.status,
        scores=[],
        purpose=one.purpose or "offer people what they are drawn to",
        owner=one.owner,
        label=f"what each person takes next (`{item}`)",
        population=f"people who took something so far (events with `{item}`)",
        metric="recall",
        horizon_days=float(known.days),
        algorithm=found.model.algorithm if found.model is not None else "",
        tested_from=tables.iso(known.as_of - known.days * DAY),
        tested_until=tables.iso(known.as_of),
        trained_until=tables.iso(known.as_of - known.days * DAY),
        rows={**found.rows, "people": known.people},
        skills=found.skills,
        baseline="most popular",
        gain=found.gain,
        notes=[*([found.reason] if found.reason else []), *found.notes],
        extra={"chosen": found.chosen, "property": item},
    )
    if found.model is None or found.status != "used":
        return Found(card)
    files = found.model.to_files()
    version = version_of(files)
    return Found(
        card.model_copy(update={"version": version}),
        files={version: files},
        affinities=_listed(found.table, one.name, known.as_of, _names(known, past, item, found.table["item"])),
    )


def _names(known: Known, past: Past, item: str, wanted: pa.ChunkedArray) -> dict[str, str]:
    """What the items are called, where an id stands for them: the last name of each in alphabetical order."""
    if item != "item_id" or known.catalogue.has("item") is None:
        return {}
    names: dict[str, str] = {}
    asked = pc.unique(wanted.cast(pa.string()))
    for batch in past.read(list(past.files), ["item_id", "item"]):
        table = pa.table({name: batch.column(name).cast(pa.string()) for name in ("item_id", "item")})
        mine = table.filter(pc.is_in(table["item_id"], asked))
        pairs = mine.group_by(["item_id", "item"]).aggregate([])
        for one, name in zip(pairs["item_id"].to_pylist(), pairs["item"].to_pylist(), strict=True):
            if name is not None:
                names[one] = max(names.get(one, ""), name)
    return names


def _listed(found: pa.Table, model: str, as_of: int, names: Mapping[str, str]) -> pa.Table:
    count = found.num_rows
    columns = {
        "profile_id": tables.profile_ids(found["person"].to_numpy()),
        "as_of": pa.array(np.full(count, as_of), pa.timestamp("us", "UTC")).cast(tables.INSTANT),
        "model": pa.repeat(model, count),
        **{name: found[name].cast(tables.AFFINITIES.field(name).type) for name in ("rank", "item", "score", "new")},
        "name": pa.array([names.get(one) for one in found["item"].to_pylist()], pa.string()),
    }
    return pa.table(columns, schema=LISTED)


def lookalike(known: Known, one: Objective, seeds: Mapping[str, str]) -> Found:
    """How like the people of a segment everybody else is; what the segment's own rule reads is left out."""
    name = next((name for name in seeds if name.casefold() == str(one.segment).casefold()), None)
    if name is None:
        what = f"there is no segment '{one.segment}'.{suggest(str(one.segment), seeds)}"
        remedy = "name one of segments/, a traditional one, or one of the last run"
        raise SettingsError([Fault(FILE, None, f"objectives.{one.name}.segment", what, remedy)])
    rule, table = seeds[name], known.features
    try:
        seed = first_of([rule], table) == 0
    except ExpressionError as error:
        needed = "a segment over features and traits; scores are not known yet when likeness is learned"
        raise Unfit(
            f"the rule of segment '{name}' cannot be read over the features: {error}. Needed: {needed}"
        ) from None
    encoding = Encoding.fit(table.select(known.inputs), allow=one.allow, exclude=one.exclude)
    found = lookalikes(
        encoding.encode(table),
        seed,
        encoding.names,
        rule_columns=_akin(names_in(rule), known),
        categories=encoding.categories,
        draw=SEED,
        fold=fold_of(table["person"].to_numpy()),
    )
    card = ModelCard(
        name=one.name,
        kind=one.kind,
        status=found.status,
        purpose=one.purpose or f"find people who are like those of '{name}'",
        owner=one.owner,
        label=f"likeness to {name}",
        population=f"everybody outside '{name}', whose {int(seed.sum()):,} people are the measure",
        metric="auc",
        algorithm=found.algorithm,
        out_of_time=False,
        rows={**found.rows, "scored": int((~seed).sum()) if found.status == "used" else 0},
        skills=found.skills,
        baseline=found.baseline,
        gain=found.gain,
        importances=[_spoken(one, known) for one in found.importances[:MOST_IMPORTANT]],
        dropped={**encoding.dropped, **found.dropped},
        notes=[*([found.reason] if found.reason else []), *found.notes],
        extra={
            "segment": name,
            "reach": [{"size": at.people, "similarity": at.similarity, "recall": at.recall} for at in found.curve],
        },
    )
    if found.similarity is None or found.score is None or found.status != "used":
        return Found(card)
    files = Likeness.of(encoding, found.folds, found.score[seed]).to_files()
    version = version_of(files)
    nothing = np.full(int((~seed).sum()), np.nan)
    person, similarity = table["person"].to_numpy()[~seed], found.similarity[~seed]
    scores = Scores(one.name, person, similarity, nothing, nothing, version)
    card = card.model_copy(update={"scores": [one.name], "version": version})
    return Found(card, (scores,), files={version: files}, use=Use(one.name, "lookalike", version, rule))


def _spoken(one: Importance, known: Known) -> Importance:
    label = known.labels.get(one.feature)
    return one.model_copy(update={"words": label.text}) if label else one


def _akin(read: Collection[str], known: Known) -> list[str]:
    """The inputs that say again what a rule reads: the same over other windows, and what is computed of them."""

    def base(name: str) -> str:
        return str(re.sub(r"_\d+d$", "", name))

    bases = {base(name) for name in read}
    formulas = (
        {one.name: names_in(str(one.formula)) for one in known.past.plan.features if one.formula} if known.past else {}
    )
    made_of = {**formulas, **PARTS}
    return [
        name
        for name in known.inputs
        if base(name) in bases or any(base(part) in bases for part in made_of.get(name, ()))
    ]


@dataclass(frozen=True)
class Favourite:
    """A column of items, one a person, and what it is called."""

    label: str
    values: pa.ChunkedArray


def favourites(liked: pa.Table, people: pa.ChunkedArray) -> dict[str, Favourite]:
    """The first item of each person's list, and the first that they never had, by column; null for those without.

    `people` are the profile ids to give them to; items go by their names where they have any.
    """
    found = {}
    for model in pc.unique(liked["model"]).to_pylist():
        mine = liked.filter(pc.equal(liked["model"], model))
        fresh = mine.filter(mine["new"])
        found[f"{model}_best"] = Favourite(f"best item ({model})", _firsts(mine, people))
        found[f"{model}_next"] = Favourite(f"best new item ({model})", _firsts(fresh, people))
    return found


def _firsts(listed: pa.Table, people: pa.ChunkedArray) -> pa.ChunkedArray:
    """The first row's item for each of `people`; a person's rows lie together, the best first."""
    whose = listed["profile_id"].combine_chunks()
    names = pc.coalesce(listed["name"], listed["item"]).combine_chunks()
    if not len(whose):
        return pa.chunked_array([pa.nulls(len(people), pa.string())])
    first = pc.fill_null(pc.not_equal(whose, pa.concat_arrays([pa.nulls(1, whose.type), whose[:-1]])), True)
    return pa.chunked_array([names.filter(first).take(pc.index_in(people.combine_chunks(), whose.filter(first)))])

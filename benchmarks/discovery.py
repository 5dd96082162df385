"""Discovery beside the traditional ways and peers: what segments made as of a day explain of the half year after.

python benchmarks/discovery.py                     every data set that is present
python benchmarks/discovery.py --peer PYTHON       the interpreter that has segmtree and pycaret, if not this one
python benchmarks/discovery.py --only retail       some of: retail, grocery, others, cost

Segments are made by `shoal run --as-of DAY`, which sees nothing later, and by the peers on the same inputs. They are
judged on the 26 weeks after that day: value (capped and log revenue, retention) and behaviour, half and half; R2 with
segment means learned on one half of the people and scored on the other.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from measure import HERE, ROOT, run, shoal

DATA = Path(os.environ.get("SHOAL_DATA", ROOT.parent / "shared" / "data"))
DAY = 86_400_000_000
WEEKS = 26
TARGETS = {"retail": (0.182, 0.603), "grocery": (0.233, 0.703)}


def workspace(base: Path, name: str) -> Path | None:
    """A workspace of a data set, made by the commands; None where the data are not present."""
    folder = base / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if name == "grocery":
        from shoal.demo import journey

        journey.write(folder)
    else:
        files = {
            "retail": ["online_retail/online_retail.csv.gz"],
            "cdnow": ["cdnow_sample/CDNOW_sample.txt"],
            "relax": ["relax_saas/takehome_user_engagement.csv.gz", "relax_saas/takehome_users.csv"],
            "clicks": ["retentioneering_ecom_synthetic/ecom.csv.gz"],
            "shoppers": ["online_shoppers/online_shoppers_intention_dev.csv"],
            "telco": ["telco_churn/*.csv"],
        }[name]
        paths = [path for part in files for path in sorted(DATA.glob(part))]
        if len(paths) < len(files):
            return None
        run(shoal("init", *paths, "-w", folder, "--json"))
    settings = folder / "shoal.yaml"
    text = settings.read_text(encoding="utf-8")
    lines = text.splitlines()
    settings.write_text("\n".join(line for line in lines if not line.startswith("goal:")) + "\n", encoding="utf-8")
    return folder


def after(folder: Path, at: int) -> tuple[pa.Table, list[Any]]:
    """Who was there at an instant, and what they did in the 26 weeks after: by a run that sees everything."""
    from shoal.define.kernel import Plan, compile_plan
    from shoal.define.packs import Catalogue
    from shoal.model.features import outcomes
    from shoal.store.runs import Runs
    from shoal.unify.events import batches
    from shoal.validate.outcome import behaviour_outcome, value_outcomes

    seen = Runs(folder).current()
    part = seen.read_part("features")
    plan = Plan.from_dict(part["plan"])
    known = Catalogue(**part["catalogue"])
    then = compile_plan(outcomes(known, WEEKS * 7), known.columns, time_zone=plan.time_zone)
    parts = []
    for file in seen.files("events"):
        read = list(batches([file], sorted({*then.event_columns, "person"})))
        parts += list(then.run(read, [at, at + WEEKS * 7 * DAY]))
    table = pa.Table.from_batches(parts, schema=then.schema)
    instant = table["as_of"].cast(pa.int64()).to_numpy()
    there = table.filter(pa.array(instant == at)).sort_by("person")["person"]
    done = table.filter(pa.array(instant > at)).sort_by("person")
    done = done.take(pa.array(np.searchsorted(done["person"].to_numpy(), there.to_numpy())))
    active = done["active"].to_numpy()
    revenue = np.nan_to_num(done["revenue"].to_numpy()) if "revenue" in done.column_names else None
    skip = {"person", "as_of", "active", "revenue", "orders", *part["hidden"]}
    found = value_outcomes(revenue, active > 0, activity=active)
    told = [name for name in done.column_names if name not in skip and pa.types.is_floating(done[name].type)]
    behaviour = {name: np.where(active > 0, done[name].to_numpy(), np.nan) for name in told}
    found += [behaviour_outcome(name, values) for name, values in behaviour.items() if np.nanstd(values) > 0]
    ids = seen.table("profiles")
    people = ids.filter(pa.array(np.isin(ids["person"].to_numpy(), there.to_numpy()))).sort_by("person")
    return people.select(["profile_id", "person"]), found


def explained(codes: np.ndarray, found: list[Any]) -> dict[str, float]:
    """1 - SSE / SST on the half that the segment means were not learned from, mean of 10 splits both ways."""
    scores: dict[str, list[float]] = {"value": [], "behaviour": []}
    told = {}
    for one in found:
        if not one.counts:
            continue
        halves = [np.random.default_rng(split).permutation(len(codes)) % 2 for split in range(10)]
        r2 = [_r2(codes, one.values, half == side) for half in halves for side in (0, 1)]
        told[one.name] = float(np.mean(r2))
        scores[one.kind].append(told[one.name])
    value, behaviour = (float(np.mean(scores[kind])) if scores[kind] else float("nan") for kind in scores)
    capped = next((score for name, score in told.items() if name.startswith("capped")), float("nan"))
    return {"value": value, "behaviour": behaviour, "overall": (value + behaviour) / 2, "capped": capped}


def _r2(codes: np.ndarray, values: np.ndarray, learn: np.ndarray) -> float:
    known = np.isfinite(values)
    mine, test = learn & known, ~learn & known
    count = int(codes.max()) + 1
    sums = np.bincount(codes[mine], weights=values[mine], minlength=count)
    sizes = np.bincount(codes[mine], minlength=count)
    mean = values[mine].mean()
    means = np.where(sizes > 0, sums / np.maximum(sizes, 1), mean)
    wrong = ((values[test] - means[codes[test]]) ** 2).sum()
    return float(1 - wrong / ((values[test] - mean) ** 2).sum())


def judged(folder: Path, day: str, peer: str) -> list[str]:
    """The table of one data set: our segments and micro-segments, the traditional ways, the peers."""
    run(shoal("run", "-w", folder, "--json"))
    from shoal.pipeline import instant
    from shoal.settings import load

    at = instant(day, load(folder).time_zone)
    people, found = after(folder, at)
    made = run(shoal("run", "-w", folder, "--as-of", day, "--json"))
    told = made.told
    ways = ours(folder, told, people) | six(folder, people) | traditional(folder, people) | peers(folder, people, peer)
    rows = [
        "| way | segments | value | behaviour | overall | capped revenue | seconds |",
        "| --- | --: | --: | --: | --: | --: | --: |",
    ]
    for name, (codes, seconds) in ways.items():
        if codes is None:
            rows.append(f"| {name} | | | | {seconds} | | |")
            continue
        s = explained(np.unique(codes, return_inverse=True)[1], found)
        took = f"{seconds:.1f}" if seconds else ""
        rows.append(
            f"| {name} | {len(np.unique(codes))} | {s['value']:.3f} | {s['behaviour']:.3f} | {s['overall']:.3f} "
            f"| {s['capped']:.3f} | {took} |"
        )
    stable = {v["subject"]: v["value"] for v in told["verdicts"] if v["check"] == "stability"}
    mean = float(np.mean([one for one in stable.values() if one is not None])) if stable else float("nan")
    least = min((one for one in stable.values() if one is not None), default=float("nan"))
    by = f"Discovered by {told['discovery']['recipe']}: refitted Jaccard mean {mean:.2f}, least {least:.2f}"
    by += f"; rule fidelity {told['discovery']['fidelity']:.2f}."
    return [
        *rows,
        "",
        f"{by} {len(people):,} people, {sum(one.counts for one in found)} outcomes.",
        "",
        "The run's own contest, as of one period before that day:",
        "",
        *table(told["comparison"]),
    ]


def ours(folder: Path, told: dict[str, Any], people: pa.Table) -> dict[str, tuple[np.ndarray | None, float]]:
    """Memberships of the discovered segments and of the micro-segments, as the tables have them."""
    import pyarrow.dataset as ds

    from shoal.store.runs import Runs

    stays = ds.dataset(Runs(folder).current().path("memberships")).to_table()
    stays = stays.filter(pc.is_null(stays["left_at"]))
    kinds = {(one["name"], one["version"]): one for one in told["segments"]}
    where = {profile: place for place, profile in enumerate(people["profile_id"].to_pylist())}
    found = {}
    for kind, name in (("discovered", "Shoal: discovered segments"), ("micro", "Shoal: micro-segments")):
        codes = np.full(len(people), -1)
        # People of a segment that does not open are in no micro-segment: they keep their segment.
        for wanted in dict.fromkeys(("discovered", kind)):
            numbers = {key: at for at, (key, one) in enumerate(kinds.items()) if one["kind"] == wanted}
            columns = (stays[name].to_pylist() for name in ("segment", "version", "profile_id"))
            for segment, version, profile in zip(*columns, strict=True):
                if (segment, version) in numbers and profile in where:
                    codes[where[profile]] = numbers[(segment, version)]
        found[name] = (codes, 0.0)
    return found


def six(folder: Path, people: pa.Table) -> dict[str, tuple[np.ndarray | None, float]]:
    """Every outcome-informed recipe at six segments as of the day, stable or not: their rules on everybody."""
    from shoal.model.contest import recipes
    from shoal.model.rules import Cut, assign
    from shoal.model.run import Features, _arena
    from shoal.settings import load
    from shoal.store.runs import Runs

    seen, settings = Runs(folder).current(), load(folder)
    known = Features.read(seen, settings)
    arena = _arena(seen, settings, known)
    rows = np.searchsorted(known.table["person"].to_numpy(), people["person"].to_numpy())
    entries = {recipe.name: (recipe, 6) for recipe in recipes().values() if getattr(recipe, "needs_outlook", False)}
    steady = arena.stability(entries, 10, 1)
    found: dict[str, tuple[np.ndarray | None, float]] = {}
    for name, (recipe, k) in entries.items():
        made = arena.distilled(recipe, k, 1)
        cuts = [Cut(str(group), "discovered", rule) for group, rule in zip(made.groups, made.rules, strict=True)]
        each = np.nanmean(steady[name], axis=0)
        steadily = f"Jaccard {np.nanmean(each):.2f}, least {np.nanmin(each):.2f}, fidelity {made.fidelity:.2f}"
        found[f"Shoal: {name}, 6 ({steadily})"] = (assign(cuts, known.table)[rows], 0.0)
    return found


def traditional(folder: Path, people: pa.Table) -> dict[str, tuple[np.ndarray | None, float]]:
    """RFM groups, value tiers, lifecycle stages, RFM cells as of the day."""
    from shoal.model import lifecycle, rfm, tiers
    from shoal.model.rules import assign
    from shoal.model.run import Features
    from shoal.settings import load
    from shoal.store.runs import Runs

    seen = Features.read(Runs(folder).current(), load(folder))
    rows = pa.array(np.searchsorted(seen.table["person"].to_numpy(), people["person"].to_numpy()))
    table, whole = seen.behaviour.take(rows), seen.table.take(rows)
    cells = rfm.cells(table, seen.meta)
    return {
        "RFM score, 6 groups": (assign(rfm.grouped(table, 6, seen.meta), whole), 0.0),
        "Value tiers, 6": (assign(tiers.split(table, 6, seen.meta), whole), 0.0),
        "Lifecycle stages": (assign(lifecycle.lifecycle(table, seen.meta), whole), 0.0),
        "RFM cells": (None if cells is None else cells, 0.0),
        "Value tiers, 27": (assign(tiers.split(table, 27, seen.meta), whole), 0.0),
    }


def peers(folder: Path, people: pa.Table, peer: str) -> dict[str, tuple[Any, Any]]:
    """segmtree and pycaret on the same inputs, six segments, each in a process of its own."""
    from shoal.model.matrix import build
    from shoal.model.run import Features
    from shoal.settings import load
    from shoal.store.runs import Runs

    seen = Features.read(Runs(folder).current(), load(folder))
    rows = pa.array(np.searchsorted(seen.table["person"].to_numpy(), people["person"].to_numpy()))
    matrix = build(seen.inputs.take(rows), seen.meta, seed=1)
    found: dict[str, tuple[Any, Any]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "inputs.npy"
        np.save(source, matrix.raw, allow_pickle=False)
        for name in ("segmtree", "pycaret"):
            target = Path(scratch) / f"{name}.npy"
            done = run([peer, HERE / "peer_segments.py", name, source, target], one_thread=True)
            ok = not done.error and target.exists()
            found[name] = (
                (np.load(target), done.told.get("seconds", done.wall)) if ok else (None, f"failed: {done.error[:80]}")
            )
    return found


def table(comparison: dict[str, Any] | None) -> list[str]:
    """A run's own contest as Markdown."""
    if comparison is None:
        return ["There is no next period to judge by."]
    rows = [
        "| contender | segments | value | behaviour | overall | Jaccard mean, least | later | fidelity | smallest |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for one in [*comparison["contenders"], *comparison["micro"]]:
        cells = [_span(one["scores"].get(metric)) for metric in ("value", "behaviour", "overall")]
        steady = "" if one["stability"] is None else f"{one['stability']['value']:.2f}, {one['least']:.2f}"
        later = (
            ""
            if not one["persistence"] or one["persistence"]["value"] is None
            else f"{one['persistence']['value']:.2f}"
        )
        rest = ["" if one[key] is None else f"{one[key]:.2f}" for key in ("fidelity", "smallest")]
        rows.append(
            f"| {one['name']} | {one['segments']} | {' | '.join(cells)} | {steady} | {later} | {' | '.join(rest)} |"
        )
    return [*rows, "", f"Winner: {comparison['winner']}. Proposed: {comparison['proposed']}. {comparison['words']}"]


def _span(score: dict[str, Any] | None) -> str:
    if not score or score["value"] is None:
        return ""
    ends = f" [{score['low']:.3f}, {score['high']:.3f}]" if score["low"] is not None else ""
    return f"{score['value']:.3f}{ends}"


def others(base: Path) -> list[str]:
    """The contest on every other data set at hand, wins and losses alike."""
    lines = []
    for name in ("retail", "grocery", "cdnow", "relax", "clicks", "shoppers", "telco"):
        folder = workspace(base, name)
        lines += ["", f"### {name}: the contest of the last period", ""]
        if folder is None:
            lines.append("Not measured: the data are not present.")
            continue
        done = run(shoal("run", "-w", folder, "--json"))
        lines += [done.error] if done.error else table(done.told["comparison"])
    return lines


def cost(base: Path) -> list[str]:
    """The full contest on a million people."""
    big = run([sys.executable, HERE / "generate.py", base, "--people", "1000000"])
    first = run(shoal("run", "-w", base, "--json"))
    model = run(shoal("run", "-w", base, "--only", "model", "--json"))
    told = first.told
    inputs = len((told.get("discovery") or {}).get("inputs", []))
    rows = [
        ("whole `shoal run`, 1,000,000 people", first),
        (f"of it the model stage: full contest, nested and subgroups ({inputs} inputs)", model),
    ]
    return [
        "| what | wall s | CPU s | peak MB |",
        "| --- | --: | --: | --: |",
        *(f"| {name} | {cost.wall:.0f} | {cost.cpu:.0f} | {cost.peak} |" for name, cost in rows),
        "",
        "Recipes see 10,000 people and are drawn again from them; every rule is judged on 100,000 of all.",
        f"Seconds by step: {json.dumps(told.get('timings'))}. {big.error}{first.error}",
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default=sys.executable)
    parser.add_argument("--only", default="retail,grocery,others")
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    began = perf_counter()
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="shoal-bench-") as scratch:
        base = asked.folder or Path(scratch)
        for name in asked.only.split(","):
            if name in TARGETS:
                folder = workspace(base, name)
                r2, capped = TARGETS[name]
                day = "2011-06-01" if name == "retail" else "2017-07-02"
                lines += ["", f"### {name}: segments made as of {day}, judged on the 26 weeks after", ""]
                lines += [f"Targets: overall {r2}, 27 micro-segments capped revenue {capped}.", ""]
                lines += judged(folder, day, asked.peer) if folder else ["Not measured: the data are not present."]
            else:
                lines += {"others": others, "cost": cost}[name](base)
            print(f"{name}: {perf_counter() - began:.0f} s", file=sys.stderr)
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())

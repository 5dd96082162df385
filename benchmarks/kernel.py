"""Shoal's kernel alone: the features of `definitions.py` over sorted events, one thread.

python benchmarks/kernel.py EVENTS OUT T...   T in microseconds since 1970
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter

import pyarrow as pa
import pyarrow.parquet as pq

from definitions import definitions
from shoal.define.feature import features_from_yaml
from shoal.define.kernel import compile_plan
from shoal.define.types import Type
from shoal.unify.events import batches

COLUMNS = {
    "event_id": Type.TEXT, "at": Type.TIME, "event": Type.TEXT, "value": Type.NUMBER, "order_id": Type.TEXT,
    "item_id": Type.TEXT, "category": Type.TEXT, "quantity": Type.NUMBER, "price": Type.NUMBER, "channel": Type.TEXT,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("cutoffs", type=int, nargs="+")
    asked = parser.parse_args()
    pa.set_cpu_count(1)
    began = perf_counter()
    features = features_from_yaml({name: definition for name, definition, _ in definitions()})
    plan = compile_plan(features, COLUMNS, time_zone="UTC")
    writer = None
    for batch in plan.run(batches(asked.events, plan.event_columns), asked.cutoffs):
        writer = writer or pq.ParquetWriter(asked.out, batch.schema)
        writer.write_batch(batch)
    if writer:
        writer.close()
    json.dump({"features": len(features), "seconds": perf_counter() - began}, sys.stdout)


if __name__ == "__main__":
    main()

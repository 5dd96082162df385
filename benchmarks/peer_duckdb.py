"""DuckDB as a peer: merely scanning the same Parquet, and one-pass SQL of the same features, written by hand.

python benchmarks/peer_duckdb.py scan DATA
python benchmarks/peer_duckdb.py sort DATA EVENTS           events sorted by person, as `shoal run` leaves them
python benchmarks/peer_duckdb.py features EVENTS OUT T...   T in microseconds since 1970
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter

import duckdb

from definitions import definitions


def scan(data: Path) -> dict[str, float]:
    """Reads every value of every column once."""
    files = f"read_parquet('{data}/*.parquet')"
    columns = duckdb.sql(f"describe select * from {files}").fetchall()
    parts = [
        f'sum("{name}")' if kind in ("DOUBLE", "BIGINT") else f'max("{name}"), count("{name}")'
        for name, kind, *_ in columns
    ]
    duckdb.sql(f"select count(*), {', '.join(parts)} from {files}").to_arrow_table()
    return {"rows": duckdb.sql(f"select count(*) from {files}").fetchone()[0]}


def sort(data: Path, events: Path) -> dict[str, float]:
    """Events in Shoal's form without Shoal: for the features' benchmark alone. Only rows with an account."""
    events.mkdir(parents=True, exist_ok=True)
    properties = "order_id, item_id, category, quantity, price, channel"
    packed = ", ".join(f"{name} := {name}" for name in properties.split(", "))
    duckdb.sql("set timezone = 'UTC'")
    duckdb.sql(
        f"""copy (
            select event_id, "at", event, value, struct_pack({packed}) as properties,
                   (hash(user_id) >> 1)::bigint as person
            from read_parquet('{data}/*.parquet')
            where user_id is not null
            order by person, "at", event_id
        ) to '{events}/bucket=000.parquet' (format parquet, compression zstd)"""
    )
    return {}


def features(events: Path, out: Path, cutoffs: list[int]) -> dict[str, float]:
    """All features of everybody at every cut-off, in one pass."""
    duckdb.sql("set timezone = 'UTC'; set preserve_insertion_order = false")
    columns = []
    for number, cutoff in enumerate(cutoffs):
        instant = f"make_timestamptz({cutoff})"
        columns += [f'{sql.replace("{T}", instant)} as "{name}__{number}"' for name, _, sql in definitions()]
        columns.append(f'count(*) filter ("at" <= {instant}) as "rows__{number}"')
    source = f"read_parquet('{events}/*.parquet', hive_partitioning = false)"
    query = f"select person, {', '.join(columns)} from {source} group by person"
    began = perf_counter()
    duckdb.sql(f"copy ({query}) to '{out}' (format parquet)")
    return {"features": len(definitions()), "seconds": perf_counter() - began}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, names in (("scan", ["data"]), ("sort", ["data", "events"]), ("features", ["events", "out"])):
        one = verbs.add_parser(verb)
        for name in names:
            one.add_argument(name, type=Path)
        if verb == "features":
            one.add_argument("cutoffs", type=int, nargs="+")
    asked = vars(parser.parse_args())
    json.dump({"scan": scan, "sort": sort, "features": features}[asked.pop("verb")](**asked), sys.stdout)


if __name__ == "__main__":
    main()

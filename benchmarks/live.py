"""The live side measured: taking events, from event to membership, reads, kills, a day of events, peers.

python benchmarks/live.py PART [--people N] [--seconds S] [--folder DIR]

PART is one or more of ingest, singles, endtoend, latency, reads, kill, soak, peers; `all`; or `page`, which prints the
section of docs/benchmarks.md from what the parts left in the results folder (`--write` puts it there). Each part prints
a table, the target beside what was measured, with the machine's load before and after, and writes it there as JSON.

`endtoend`, `latency`, `reads` need a state of that many people: it is made once, in `--folder`, and kept there; without
`--folder` in a temporary one. `peers` needs an interpreter that has them:

    python -m venv /tmp/peers && /tmp/peers/bin/pip install river bytewax pathway
    python benchmarks/live.py peers --peer /tmp/peers/bin/python
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from live_tell import Found, Row, found, keep, kept, lines, load_now, per_second
from measure import ROOT, python, run

RESULTS = ROOT / "build" / "live"
EVENTS = 100_000  # that peers get


@dataclass(frozen=True)
class Asked:
    """What to measure, and where. `seconds` is of each row; of simulated time for `soak`."""

    base: Path
    results: Path
    people: int | None
    seconds: float | None
    kills: int
    peer: str | None


def ingest(asked: Asked) -> list[Row]:
    """Batches of 100."""
    import live_ingest

    return live_ingest.ingest(asked.base, asked.seconds or 10.0)


def singles(asked: Asked) -> list[Row]:
    """One event a request."""
    import live_ingest

    return live_ingest.singles(asked.base, asked.seconds or 10.0)


def endtoend(asked: Asked) -> list[Row]:
    """The worker alone."""
    import live_state

    return live_state.endtoend(_ready(asked), asked.people or 1_000_000, asked.seconds or 20.0)


def latency(asked: Asked) -> list[Row]:
    """The whole server."""
    import live_state

    return live_state.latency(_ready(asked), asked.people or 1_000_000, asked.seconds or 60.0)


def reads(asked: Asked) -> list[Row]:
    """Profiles over HTTP."""
    import live_state

    return live_state.reads(_ready(asked), asked.people or 1_000_000, asked.seconds or 20.0)


def kill(asked: Asked) -> list[Row]:
    """Random kills."""
    import live_last

    return live_last.kill(asked.base, asked.people or 20_000, asked.kills)


def soak(asked: Asked) -> list[Row]:
    """A day."""
    import live_last

    return live_last.soak(asked.base, asked.people or 20_001, asked.seconds or live_last.DAY)


def peers(asked: Asked) -> list[Row]:
    """Each peer in a process of its own, over the same events as Shoal's worker."""
    from live_peers import PEERS
    from live_state import BATCH, endtoend

    mine = endtoend(asked.base, asked.people or 100_000, asked.seconds or 10.0)[-1]
    rate = 1e6 / mine.told["us_event"]
    said = "JSON decoding, identity, every feature, the score, 50 segments, changes, kept in LMDB"
    rows = [Row("Shoal's worker", "", f"{per_second(rate)} CPU s", said, None, mine.told)]
    if asked.peer is None:
        return [*rows, Row("peers", "", "not measured", "give `--peer PYTHON`, an interpreter that has them")]
    path = asked.base / "events.jsonl"
    _events(path, asked.people or 100_000, EVENTS // BATCH)
    for name, (_, _, words) in PEERS.items():
        done = run([asked.peer, python("live_peers.py")[1], name, path], one_thread=True)
        if done.error or not done.told:
            rows.append(Row(words, "", "did not run", (done.error or "it told nothing")[:120]))
            continue
        theirs = done.told["events"] / done.told["cpu"]
        more = f"a subset; {rate / theirs:.2f} of its rate is what Shoal reaches"
        rows.append(Row(words, "", f"{per_second(theirs)} CPU s", more, None, done.told))
    path.unlink()
    return rows


def _events(path: Path, people: int, batches: int) -> None:
    """The events as peers take them: decoded to four fields, in the order of time."""
    from live_events import Bodies

    bodies, now = Bodies(100, people, seed=5), time.time()
    with path.open("w", encoding="utf-8") as file:
        for number in range(batches):
            at = now - 86_400 + number
            for one in json.loads(bodies.entry(at)[0])["body"]["batch"]:
                told = {"user": one["userId"], "event": one["event"], "value": one["properties"].get("total"), "at": at}
                file.write(json.dumps(told) + "\n")


def _ready(asked: Asked) -> Path:
    """The folder, with the state made in a process of its own: its memory is not of the measurement."""
    people = asked.people or 1_000_000
    done = run(python("live_data.py", asked.base, "--people", people), one_thread=True)
    if done.error:
        raise RuntimeError(f"the state could not be made: {done.error}")
    told = done.told
    print(
        f"{told['people']:,} people, {told['features']} features, {told['scores']} score, {told['segments']} segments; "
        f"state {told['state_mb']:,.0f} MB, filled in {told['seed_s']:.0f} s, evaluated in {told['evaluate_s']:.0f} s",
        flush=True,
    )
    return asked.base


PARTS: dict[str, tuple[str, Callable[[Asked], list[Row]], tuple[str, ...]]] = {
    "ingest": (
        "Taking events: batches of 100",
        ingest,
        (
            "The whole `shoal serve`, 630 bytes an event, acknowledged after the fsync; the load generator runs on the",
            "same cores. The live worker is held still but for the row that says so. Open loop: requests come when",
            "they come (Poisson), and wait for a connection at the sender's cost.",
        ),
    ),
    "singles": ("Taking events: one a request", singles, ()),
    "endtoend": (
        "From event to membership: the worker alone",
        endtoend,
        ("The log's entries wait; cleaning, identity, features, score, segments, changes and state are counted.",),
    ),
    "latency": (
        "From event to membership: the whole server",
        latency,
        ("Measured: from the event's arrival to the commit of its memberships, by the worker's own histogram.",),
    ),
    "reads": ("Reading a profile", reads, ()),
    "kill": ("Killed at random moments", kill, ("`tests/server/chaos.py`, with `shoal serve` over a filled state.",)),
    "soak": ("A day of events", soak, ()),
    "peers": (
        "Peers",
        peers,
        (
            "Events per CPU second. Peers get events that are decoded already, keep a few numbers in memory, and",
            "evaluate no rule, no model and no person to whom nothing happened: each does a subset.",
        ),
    ),
}


def measure(part: str, asked: Asked) -> Found:
    """Runs one part, prints and keeps what it found."""
    title, job, notes = PARTS[part]
    before = load_now()
    one = found(part, title, job(asked), notes, before)
    keep(asked.results, one)
    print("", *lines(one), sep="\n", flush=True)
    return one


def page(results: Path) -> list[str]:
    """The section of docs/benchmarks.md, from what the parts left."""
    body: list[str] = []
    for part in PARTS:
        one = kept(results, part)
        if one is not None:
            body += ["", *lines(one)]
    return body[1:] or ["Not measured."]


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=[*PARTS, "all", "page"], metavar="PART")
    parser.add_argument("--people", type=int, help="profiles in the state")
    parser.add_argument("--seconds", type=float, help="seconds of each row; of simulated time for soak")
    parser.add_argument("--kills", type=int, default=150)
    parser.add_argument("--folder", type=Path, help="where to work, and leave the prepared states")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the parts leave their JSON")
    parser.add_argument("--peer", default=os.environ.get("SHOAL_PEERS"), help="an interpreter that has the peers")
    parser.add_argument("--write", action="store_true", help="with page: write the section of docs/benchmarks.md")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    told = _asked(arguments)
    if told.parts == ["page"]:
        body = page(told.results)
        print("\n".join(body))
        if told.write:
            import run as benchmarks

            benchmarks.write([("Live", body)], benchmarks.machine())
        return 0
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print(f"load {load_now()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="shoal-live-") as scratch:
        base = told.folder or Path(scratch)
        base.mkdir(parents=True, exist_ok=True)
        asked = Asked(base, told.results, told.people, told.seconds, told.kills, told.peer)
        for part in PARTS if "all" in told.parts else told.parts:
            measure(part, asked)
    return 0


if __name__ == "__main__":
    sys.exit(main())

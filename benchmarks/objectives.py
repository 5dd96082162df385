"""Objectives over events, through the commands, against RFM score, recency and past rate, out of time.

python benchmarks/objectives.py                    every data set that is present, as Markdown
python benchmarks/objectives.py --only relax       one or more of: relax, retail, grocery

Each row is a card that `shoal run --as-of T` wrote: learned from stacked cut-offs whose outcomes were over one horizon
before T, judged on the horizon before T. Complete Journey's T is chosen so that the judged window begins after week 44.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

DATA = Path(os.environ.get("SHOAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
Row = dict[str, Any]


def shoal(*arguments: str | Path) -> str:
    """What a command prints; its complaint is shown when it fails."""
    command = [sys.executable, "-m", "shoal", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def judged(folder: Path, name: str, objectives: list[Row], as_of: str | None = None) -> list[Row]:
    """The cards of a workspace's run with these objectives."""
    path = folder / "shoal.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings.pop("goal", None)
    path.write_text(yaml.safe_dump({**settings, "objectives": objectives}), encoding="utf-8")
    shoal("run", "-w", folder, *(["--as-of", as_of] if as_of else []))
    return [{"data": name, **card} for card in json.loads(shoal("models", "-w", folder, "--json"))]


def relax(base: Path) -> list[Row]:
    """A SaaS product's sign-ins: who leaves, and who will be a regular user four weeks from now."""
    files = sorted((DATA / "relax_saas").glob("takehome*"))
    shoal("init", *files, "-w", base)
    objectives = [
        {"name": "churn", "kind": "churn"},
        {"name": "adoption", "label": "active_days_7d >= 3", "horizon": "28d"},
        {"name": "adoption_by_others", "label": "active_days_7d >= 3", "horizon": "28d", "among": "active_days_7d < 3"},
    ]
    # Sign-ins thin out in the last weeks of the file, for nobody was collected any more: they end before that.
    return judged(base, "relax_saas", objectives, "2014-05-18")


def retail(base: Path) -> list[Row]:
    """An online retailer's invoices: who buys again, who leaves, who spends more."""
    shoal("init", DATA / "online_retail" / "online_retail.csv.gz", "-w", base)
    objectives = [
        {"name": "repurchase_90d", "kind": "purchase", "horizon": "90d"},
        {"name": "repurchase_13w", "kind": "purchase", "horizon": "13w"},
        {"name": "churn", "kind": "churn"},
        {"name": "upsell", "kind": "upsell"},
    ]
    return judged(base, "Online Retail", objectives)


def grocery(base: Path) -> list[Row]:
    """Households of a grocer: who stays away, who spends less, who buys from a department."""
    shoal("demo", base)
    short = [
        {"name": "churn_4w", "kind": "churn", "horizon": "4w", "active_within": "8w"},
        *(
            {"name": f"buys_{name}", "kind": "purchase", "event": "Order Completed", "where": where, "horizon": "4w"}
            for name, where in (
                ("nutrition", "category = 'NUTRITION'"),
                ("deli", "category = 'DELI'"),
                ("cosmetics", "category = 'COSMETICS'"),
            )
        ),
    ]
    long = [
        {"name": "churn_8w", "kind": "churn", "horizon": "8w", "active_within": "16w"},
        {"name": "decline_8w", "kind": "decline", "horizon": "8w"},
    ]
    found = judged(base, "Complete Journey", short, "2017-12-03")
    return found + judged(base, "Complete Journey", long, "2017-12-31")


SETS = {"relax": relax, "retail": retail, "grocery": grocery}


def shown(cards: list[Row]) -> list[str]:
    """The cards as a Markdown table."""
    lines = [
        "| data | question | people | yes | AUC | best plain way | gain | AP | ECE | way |",
        "| --- | --- | --: | --: | --: | --- | --: | --: | --: | --- |",
    ]
    for card in cards:
        if not card["skills"]:
            lines.append(
                f"| {card['data']} | {card['name']} | {card['status']}: {'; '.join(card['notes'])} |" + " |" * 7
            )
            continue
        model = card["skills"][0]["metrics"]
        plain = next(one for one in card["skills"] if one["name"] == card["baseline"])["metrics"]["auc"]
        rows = card["rows"]
        lines.append(
            f"| {card['data']} | {card['name']}: {card['label']} | {rows['test']:,} | "
            f"{rows['test_positives'] / rows['test']:.0%} | {span(model['auc'])} | "
            f"{card['baseline']} {plain['value']:.3f} | {span(card['gain'], signed=True)} | "
            f"{model['ap']['value']:.3f} | {model['ece']['value']:.3f} | {card['algorithm']} |"
        )
    return lines


def span(one: Row, signed: bool = False) -> str:
    """An estimate with its 95 % interval."""
    sign = "+" if signed else ""
    if one["low"] is None:
        return f"{one['value']:{sign}.3f}"
    return f"{one['value']:{sign}.3f} [{one['low']:{sign}.3f}, {one['high']:{sign}.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SETS), help="data sets, separated by commas")
    cards: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="shoal-bench-") as scratch:
        for name in parser.parse_args().only.split(","):
            if name != "grocery" and not DATA.is_dir():
                print(f"{name}: not measured, the data is not present", file=sys.stderr)
                continue
            cards += SETS[name](Path(scratch) / name)
    print("\n".join(shown(cards)))


if __name__ == "__main__":
    main()

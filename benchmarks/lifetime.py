"""Measures lifetime value against `lifetimes`, `clvkit` and the past rate: the same splits, time and error.

python benchmarks/lifetime.py                real data; rows as Markdown
python benchmarks/lifetime.py --people 1000000   and a million drawn customers, timed
python benchmarks/lifetime.py --json         rows as JSON lines

A split ends at the end of a day; nothing later is known to any row. Online Retail's are the last 26 and 13 weeks before
the end of 2011-12-06, where MBG/NBD has the errors of earlier studies; and before the data's end, 2011-12-09, with one
order of 168,470 on its last day, cancelled within the hour.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, replace
from io import StringIO
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray

from lifetime_data import Shop, apparel, cdnow, day_number, drawn, retail
from shoal.predict.ledger import Future, Ledger
from shoal.predict.lifetime import fit_forecaster, forecast
from shoal.predict.lifetime.base import Base, Buyers, often, past_rate, worth
from shoal.predict.lifetime.members import Members

Floats = NDArray[np.float64]
Said = tuple[Floats, Floats]
DAY = 86_400_000_000
SPLITS = (
    ("CDNOW 1/10, 39+39 weeks", cdnow, "1997-09-30", 273, {"mae": 0.783, "total": 0.15}),
    ("Online Retail, 26 weeks", retail, "2011-06-07", 182, {"mae": 1.447, "rmse": 2.218, "revenue_rmse": 3346.0}),
    ("Online Retail, 13 weeks", retail, "2011-09-06", 91, {"revenue_rmse": 2563.0}),
    ("Online Retail, last 26 weeks", retail, "2011-06-10", 182, {}),
    ("Online Retail, last 13 weeks", retail, "2011-09-09", 91, {}),
    ("apparel, 104 weeks, all after", apparel, "2006-12-31", 1_450, {"mae": 2.12}),
)


@dataclass(frozen=True)
class Row:
    """One way of predicting on one split; `total` is predicted over actual, minus 1."""

    split: str
    name: str
    seconds: float
    mae: float
    rmse: float
    total: float
    revenue_mae: float
    revenue_rmse: float
    revenue_total: float


def ours(shop: Shop, ledger: Ledger, day: int, days: int) -> tuple[str, Said]:
    """The champion, chosen inside the calibration."""
    del ledger
    found = forecast(shop.ledger, (day + 1) * DAY - 1, days, snapshots=shop.snapshots)
    if found.revenue is None:
        raise ValueError("no revenue")
    chosen = f"Shoal: {found.card.chosen['purchases']}"
    return chosen, (found.purchases.value, found.revenue.value)


def ours_btyd(shop: Shop, ledger: Ledger, day: int, days: int) -> tuple[str, Said]:
    """Without features: BTYD only."""
    del shop
    found = forecast(ledger, (day + 1) * DAY - 1, days)
    if found.revenue is None:
        raise ValueError("no revenue")
    return f"Shoal without features: {found.card.chosen['purchases']}", (found.purchases.value, found.revenue.value)


def rate(_shop: Shop, ledger: Ledger, day: int, days: int) -> tuple[str, Said]:
    """Everybody goes on as before."""
    return "past rate", past_rate(Buyers.on(ledger, day), days)


def peer_lifetimes(_shop: Shop, ledger: Ledger, day: int, days: int) -> tuple[str, Said]:
    """`lifetimes`: MBG/NBD x Gamma-Gamma; a penalty where the plain fit does not converge."""
    from lifetimes import GammaGammaFitter, ModifiedBetaGeoFitter

    known = ledger.history(day)
    x, t_x, watched = known.x, known.t_x / 7, known.T / 7
    for penalty in (0.0, 0.001, 0.01):
        try:
            with redirect_stdout(StringIO()):  # it prints what went wrong
                model = ModifiedBetaGeoFitter(penalizer_coef=penalty).fit(x, t_x, watched)
            break
        except Exception:  # noqa: BLE001  the fit of a degenerate model fails in its own way
            continue
    else:
        raise ValueError("lifetimes: no fit converges")
    count = np.asarray(model.conditional_expected_number_of_purchases_up_to_time(days / 7, x, t_x, watched))
    some = (x > 0) & (known.m > 0)
    spend = GammaGammaFitter().fit(x[some], known.m[some])
    money = np.asarray(spend.conditional_expected_average_profit(np.where(some, x, 0), np.where(some, known.m, 0.0)))
    name = "lifetimes: MBG/NBD x Gamma-Gamma" + (f" (penalty {penalty})" if penalty else "")
    return name, (count, count * money)


def peer_clvkit(_shop: Shop, ledger: Ledger, day: int, days: int) -> tuple[str, Said]:
    """`clvkit`: MBG/NBD x Gamma-Gamma."""
    import pandas as pd
    from clvkit import CustomerBase
    from clvkit.clv import MBGNBD, GammaGamma

    known = ledger.until(day)
    at = known.day.astype("datetime64[D]").astype("datetime64[ns]")
    log = pd.DataFrame({"customer_id": known.person, "date": at, "amount": np.nan_to_num(known.value)})
    end = pd.Timestamp(np.datetime64(day, "D"))
    base = CustomerBase.from_transactions(log, time_unit="W", collapse="D", observation_period_end=end)
    order = base.to_pandas().index
    count = pd.Series(np.asarray(MBGNBD().fit(base).predict(days / 7).to_pandas().iloc[:, -1]), index=order)
    money = pd.Series(np.asarray(GammaGamma().fit(base).predict().to_pandas().iloc[:, -1]), index=order)
    people = ledger.history(day).person
    found = count.reindex(people).to_numpy(float)
    return "clvkit: MBG/NBD x Gamma-Gamma", (found, found * money.reindex(people).to_numpy(float))


WAYS: tuple[Callable[[Shop, Ledger, int, int], tuple[str, Said]], ...] = (
    ours,
    ours_btyd,
    peer_lifetimes,
    peer_clvkit,
    rate,
)


def measure(split: str, shop: Shop, cut: str, days: int) -> list[Row]:
    """Every way on one split."""
    day = day_number(cut)
    happened, known = shop.ledger.future(day, days), shop.ledger.until(day)
    rows = []
    for way in WAYS:
        began = perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                name, said = way(shop, known, day, days)
        except Exception as error:  # noqa: BLE001  a peer that fails is a result
            print(f"{split}: {way.__name__} failed: {str(error).splitlines()[0][:150]}", file=sys.stderr)
            continue
        rows.append(Row(split, name, perf_counter() - began, *errors(said, happened)))
    return rows


def errors(said: Said, happened: Future) -> tuple[float, ...]:
    """mae, rmse and total of purchases, then of revenue."""
    found: list[float] = []
    for predicted, actual in zip(said, (happened.purchases, happened.revenue), strict=True):
        off = predicted - actual
        found += [
            float(np.abs(off).mean()),
            float(np.sqrt((off**2).mean())),
            float(predicted.sum() / actual.sum() - 1),
        ]
    return tuple(found)


def timed(people: int) -> list[tuple[str, float]]:
    """Seconds for so many drawn customers, from the ledger to every score."""
    ledger = drawn(people, seed=1)
    day = int(ledger.day.max())
    instant = (day + 1) * DAY - 1
    known = ledger.history(day)
    rows: list[tuple[str, float]] = [(f"{len(known):,} customers, {len(ledger):,} purchase days", 0.0)]

    def clock(name: str, job: Callable[[], object]) -> None:
        began, cpu = perf_counter(), process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            job()
        rows.append((f"{name} ({process_time() - cpu:.1f} s CPU)", perf_counter() - began))

    clock("Shoal: compare three models, fit, score, intervals, CLV", lambda: forecast(ledger, instant, 90))
    fitted = fit_forecaster(ledger, instant, 90)

    def plain() -> None:
        buyers = Buyers.on(ledger, day)
        base = Base(often("Pareto/NBD", buyers), worth(buyers, True), True)
        replace(fitted, members=Members(base, None), purchases=base.name, revenue=f"{base.name} x mean spend").score(
            ledger, instant
        )

    clock("Shoal: fit Pareto/NBD x Gamma-Gamma and score, without the tests", plain)
    clock(
        "Shoal: score alone (purchases, revenue, alive, three CLVs, intervals)", lambda: fitted.score(ledger, instant)
    )

    def peer() -> None:
        from lifetimes import BetaGeoFitter, GammaGammaFitter

        x, t_x, watched = known.x, known.t_x / 7, known.T / 7
        model = BetaGeoFitter(penalizer_coef=0.001).fit(x, t_x, watched)
        model.conditional_expected_number_of_purchases_up_to_time(13, x, t_x, watched)
        some = (x > 0) & (known.m > 0)
        spend = GammaGammaFitter().fit(x[some], known.m[some])
        spend.conditional_expected_average_profit(x, np.nan_to_num(known.m))

    clock("lifetimes: BG/NBD x Gamma-Gamma, fit and 13 weeks ahead, from x, t_x, T", peer)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=0, help="time so many drawn customers too")
    parser.add_argument("--json", action="store_true", help="JSON lines")
    parser.add_argument("--only", default="", help="splits whose name contains this")
    asked = parser.parse_args()
    shops: dict[str, Shop] = {}
    for split, make, cut, days, targets in SPLITS:
        if asked.only.lower() not in split.lower() or asked.only == "none":
            continue
        shop = shops.setdefault(make.__name__, make())
        rows = measure(split, shop, cut, days)
        print("\n".join(_json(rows) if asked.json else _markdown(split, rows, targets)), flush=True)
    if asked.people:
        if not asked.json:
            print(f"\n{asked.people:,} drawn customers:\n\n| what | wall s |\n| --- | --: |")
        for name, seconds in timed(asked.people):
            print(json.dumps({"name": name, "seconds": seconds}) if asked.json else f"| {name} | {seconds:.2f} |")
    return 0


def _json(rows: list[Row]) -> list[str]:
    return [json.dumps(asdict(row)) for row in rows]


def _markdown(split: str, rows: list[Row], targets: dict[str, float]) -> list[str]:
    head = "| " + split + " | s | MAE | RMSE | total | revenue MAE | revenue RMSE | revenue total |"
    aims = ", ".join(f"{name} {value:g}" for name, value in targets.items())
    lines = ["", f"Targets: {aims}." if aims else "No target.", "", head, "| --- |" + " --: |" * 7]
    for row in rows:
        lines.append(  # noqa: PERF401
            f"| {row.name} | {row.seconds:.2f} | {row.mae:.3f} | {row.rmse:.3f} | {row.total:+.1%} | "
            f"{row.revenue_mae:.1f} | {row.revenue_rmse:.1f} | {row.revenue_total:+.1%} |"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())

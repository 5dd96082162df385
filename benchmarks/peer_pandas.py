"""The peer: the pandas + scikit-learn script that an analyst would write for the same outputs.

python benchmarks/peer_pandas.py WORKSPACE OUT             the generated shop (WORKSPACE/data/*.parquet)
python benchmarks/peer_pandas.py --retail FILE OUT         UCI Online Retail's CSV

Reads, cleans, removes duplicates, joins identities, computes about 50 features at two cut-offs (now and a
period earlier), scales, clusters (k = 4 to 6, bootstrap stability, silhouette), distils a tree into rules,
adds RFM, compares both on the next period, writes CSV and an HTML table. Prints seconds by step as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, roc_auc_score, silhouette_score
from sklearn.preprocessing import QuantileTransformer
from sklearn.tree import DecisionTreeClassifier, export_text

WINDOWS = (7, 30, 90, 365)
PERIOD = pd.Timedelta(days=90)
ORDER, REFUND = "Order Completed", "Order Refunded"
TIMINGS: dict[str, float] = {}


def read_shop(folder: Path) -> pd.DataFrame:
    events = pd.read_parquet(folder / "data")
    for column in ("event", "category", "channel", "item_id"):
        events[column] = events[column].astype("category")
    return events


def read_retail(path: Path) -> pd.DataFrame:
    raw = pd.read_csv(path, dtype={"InvoiceNo": str, "StockCode": str, "CustomerID": str})
    raw = raw.drop_duplicates()
    raw = raw[(raw["UnitPrice"] > 0) & raw["Quantity"].ne(0)]
    cancelled = raw["InvoiceNo"].str.startswith("C") | (raw["Quantity"] < 0)
    return pd.DataFrame(
        {
            "event_id": np.arange(len(raw)).astype(str),
            "user_id": raw["CustomerID"].str.removesuffix(".0"),
            "email": None,
            "at": pd.to_datetime(raw["InvoiceDate"], utc=True, format="mixed"),
            "event": np.where(cancelled, REFUND, ORDER),
            "category": raw["StockCode"].str[:2],
            "item_id": raw["StockCode"],
            "order_id": raw["InvoiceNo"],
            "quantity": raw["Quantity"].abs(),
            "price": raw["UnitPrice"],
            "value": (raw["Quantity"] * raw["UnitPrice"]).abs(),
            "channel": "shop",
        }
    )


def clean(events: pd.DataFrame) -> pd.DataFrame:
    events = events.drop_duplicates("event_id")
    events = events[events["at"].notna() & (events["at"] <= pd.Timestamp.now("UTC"))]
    events = events[events["user_id"].notna() | events["email"].notna()]
    return events[events["value"].isna() | (events["value"] >= 0)]


def identify(events: pd.DataFrame) -> pd.DataFrame:
    """One person for all accounts that share an e-mail address, by merging until nothing changes."""
    events = events.copy()
    events["email"] = events["email"].str.strip().str.lower()
    pairs = events.loc[events["user_id"].notna() & events["email"].notna(), ["user_id", "email"]].drop_duplicates()
    crowded = pairs.groupby("email")["user_id"].transform("nunique") > 10
    pairs = pairs[~crowded]
    pairs["person"] = pairs["user_id"]
    while True:
        before = pairs["person"]
        pairs["person"] = pairs.groupby("email")["person"].transform("min")
        pairs["person"] = pairs.groupby("user_id")["person"].transform("min")
        if pairs["person"].equals(before):
            break
    by_user = pairs.drop_duplicates("user_id").set_index("user_id")["person"]
    by_email = pairs.drop_duplicates("email").set_index("email")["person"]
    person = events["user_id"].map(by_user).fillna(events["user_id"])
    person = person.fillna(events["email"].map(by_email)).fillna(events["email"])
    events["person"] = pd.factorize(person)[0]
    return events.drop(columns=["user_id", "email", "event_id"])


def features(events: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """About 50 features of everybody seen by `cutoff`, using nothing later."""
    seen = events[events["at"] <= cutoff]
    orders = seen[seen["event"] == ORDER]
    out = pd.DataFrame(index=pd.Index(np.sort(seen["person"].unique()), name="person"))
    for days in WINDOWS:
        since = cutoff - pd.Timedelta(days=days)
        recent, bought = seen[seen["at"] > since], orders[orders["at"] > since]
        counts = recent.groupby(["person", "event"], observed=True).size().unstack(fill_value=0)
        for event in ("Product Viewed", "Product Added", "Email Opened"):
            if event in counts:
                out[f"{event.lower().replace(' ', '_')}_{days}d"] = counts[event]
        out[f"events_{days}d"] = counts.sum(axis=1)
        grouped = bought.groupby("person")
        out[f"orders_{days}d"] = grouped["order_id"].nunique()
        out[f"revenue_{days}d"] = grouped["value"].sum()
    lines = orders.groupby("person")
    out["orders"] = lines["order_id"].nunique()
    out["revenue"] = lines["value"].sum()
    out["line_mean"], out["line_std"], out["line_max"] = (
        lines["value"].mean(),
        lines["value"].std(),
        lines["value"].max(),
    )
    out["quantity_mean"] = lines["quantity"].mean()
    out["aov"] = out["revenue"] / out["orders"]
    out["items"] = lines["item_id"].nunique()
    refunds = seen[seen["event"] == REFUND].groupby("person")["value"].sum()
    out["refunded"] = refunds
    out["refund_share"] = refunds.reindex(out.index).fillna(0) / out["revenue"]
    out["recency_days"] = (cutoff - lines["at"].max()).dt.total_seconds() / 86_400
    everything = seen.groupby("person")["at"]
    out["seen_days"] = (cutoff - everything.max()).dt.total_seconds() / 86_400
    out["tenure_days"] = (cutoff - everything.min()).dt.total_seconds() / 86_400
    days = (
        orders.assign(day=orders["at"].dt.floor("D"))[["person", "day"]]
        .drop_duplicates()
        .sort_values(["person", "day"])
    )
    gaps = days.groupby("person")["day"].diff().dt.days.groupby(days["person"])
    out["gap_mean"], out["gap_std"] = gaps.mean(), gaps.std()
    active = pd.DataFrame({"person": seen["person"], "day": seen["at"].dt.floor("D")}).drop_duplicates()
    out["active_days"] = active.groupby("person").size()
    previous = orders[(orders["at"] > cutoff - 2 * PERIOD) & (orders["at"] <= cutoff - PERIOD)]
    before = previous.groupby("person")["order_id"].nunique().reindex(out.index).fillna(0)
    now = out["orders_90d"].fillna(0)
    out["trend_90d"] = (now - before) / (now + before)
    out["breadth"] = seen.groupby("person")["category"].nunique()
    hour, person = seen["at"].dt.hour, seen["person"]
    out["evening_share"] = (hour >= 18).groupby(person).mean()
    out["morning_share"] = (hour < 12).groupby(person).mean()
    out["weekend_share"] = (seen["at"].dt.dayofweek >= 5).groupby(person).mean()
    top = orders["category"].value_counts().index[:8]
    share = orders[orders["category"].isin(top)].pivot_table("value", "person", "category", "sum", observed=True)
    share = share.div(out["revenue"], axis=0)
    return out.join(share.add_prefix("share_")).fillna(0).replace([np.inf, -np.inf], 0)


def discover(table: pd.DataFrame) -> tuple[pd.Series, DecisionTreeClassifier, list[dict[str, float]]]:
    """k-means on quantile-scaled features; k by bootstrap stability; a depth-4 tree whose leaves are the segments."""
    kept = table.loc[:, table.std() > 1e-9]
    scaled = QuantileTransformer(n_quantiles=500, subsample=100_000, random_state=0).fit_transform(kept)
    rng = np.random.default_rng(0)
    sample = scaled[rng.choice(len(scaled), min(len(scaled), 50_000), replace=False)]
    tried, models = [], {}
    for k in (4, 5, 6):
        models[k] = KMeans(k, n_init=3, random_state=0).fit(scaled)
        base = models[k].predict(sample)
        agreement = []
        for turn in range(20):
            again = sample[rng.integers(0, len(sample), len(sample))]
            other = KMeans(k, n_init=1, random_state=turn).fit(again)
            agreement.append(adjusted_rand_score(base, other.predict(sample)))
        silhouette = silhouette_score(sample[:10_000], base[:10_000])
        tried.append({"k": k, "stability": float(np.mean(agreement)), "silhouette": float(silhouette)})
    best = models[int(max(tried, key=lambda one: one["stability"])["k"])]
    labels = best.labels_
    tree = DecisionTreeClassifier(max_depth=4, min_samples_leaf=0.02, random_state=0).fit(table, labels)
    return pd.Series(tree.predict(table), index=table.index, name="segment"), tree, tried


def rfm(table: pd.DataFrame) -> pd.Series:
    """Quintiles of recency, frequency and value, gathered into the usual names."""

    def quintile(column: pd.Series) -> pd.Series:
        return np.ceil(column.rank(pct=True) * 5).clip(1, 5)

    r, f = 6 - quintile(table["recency_days"]), quintile(table["orders"])
    names = np.select(
        [(r >= 4) & (f >= 4), (r >= 3) & (f >= 3), (r >= 4), (r <= 2) & (f >= 4), (r <= 2) & (f <= 2)],
        ["Champions", "Loyal", "New", "At risk", "Lost"],
        "Others",
    )
    return pd.Series(names, index=table.index)


def compare(cuts: dict[str, pd.Series], events: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """How much of the next period each way of cutting explains, out of sample, with intervals."""
    later = events[(events["at"] > cutoff) & (events["at"] <= cutoff + PERIOD) & (events["event"] == ORDER)]
    index = next(iter(cuts.values())).index
    revenue = np.log1p(later.groupby("person")["value"].sum().reindex(index).fillna(0))
    bought = (revenue > 0).astype(int)
    rng = np.random.default_rng(0)
    half = rng.random(len(index)) < 0.5
    rows = []
    for name, cut in cuts.items():
        guess = cut[~half].map(revenue[half].groupby(cut[half]).mean()).fillna(revenue[half].mean())
        chance = cut[~half].map(bought[half].groupby(cut[half]).mean()).fillna(bought[half].mean())
        truth, kept = revenue[~half].to_numpy(), bought[~half].to_numpy()
        miss, spread = (truth - guess.to_numpy()) ** 2, (truth - truth.mean()) ** 2
        draws = []
        for _ in range(100):
            pick = rng.integers(0, len(truth), len(truth))
            draws.append(1 - miss[pick].sum() / spread[pick].sum())
        low, high = np.percentile(draws, [2.5, 97.5])
        auc = roc_auc_score(kept, chance) if 0 < kept.mean() < 1 else float("nan")
        rows.append((name, cut.nunique(), 1 - miss.sum() / spread.sum(), low, high, auc))
    return pd.DataFrame(rows, columns=["cut", "segments", "r2", "low", "high", "auc"])


def timed(name: str, began: float) -> float:
    TIMINGS[name] = round(perf_counter() - began, 3)
    return perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--retail", action="store_true")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    clock = perf_counter()
    events = read_retail(asked.source) if asked.retail else read_shop(asked.source)
    clock = timed("read", clock)
    events = identify(clean(events))
    clock = timed("unify", clock)
    now = events["at"].max()
    table, earlier = features(events, now), features(events, now - PERIOD)
    clock = timed("features", clock)
    segment, tree, tried = discover(table)
    clock = timed("discover", clock)
    past = pd.Series(tree.predict(earlier.reindex(columns=table.columns, fill_value=0)), index=earlier.index)
    tiers = (earlier["revenue"].rank(pct=True) * 5).astype(int)
    comparison = compare({"discovered": past, "rfm": rfm(earlier), "tiers": tiers}, events, now - PERIOD)
    clock = timed("validate", clock)
    table["segment"], table["rfm"] = segment, rfm(table)
    summary = table.groupby("segment").mean(numeric_only=True).assign(size=segment.value_counts())
    table.to_parquet(asked.out / "features.parquet")
    table[["segment", "rfm"]].to_csv(asked.out / "segments.csv")
    rules = export_text(tree, feature_names=list(tree.feature_names_in_))
    (asked.out / "report.html").write_text(
        f"<h1>Segments</h1>{summary.to_html()}{comparison.to_html()}{pd.DataFrame(tried).to_html()}<pre>{rules}</pre>"
    )
    timed("report", clock)
    json.dump({"timings": TIMINGS, "people": len(table), "features": table.shape[1] - 2}, sys.stdout)


if __name__ == "__main__":
    main()

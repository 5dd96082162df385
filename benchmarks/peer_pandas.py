"""The peer: the pandas + scikit-learn script that an analyst would write for the same outputs.

python benchmarks/peer_pandas.py WORKSPACE OUT             the generated shop (WORKSPACE/data/*.parquet)
python benchmarks/peer_pandas.py --retail FILE OUT         UCI Online Retail's CSV

What `shoal run` leaves, in pandas: column quality and a quarantine; events sorted by person, profiles and
identifiers as Parquet; about 50 features at two cut-offs (now and a period earlier); k-means (k = 4 to 6, bootstrap
stability, silhouette) distilled into a tree's rules, Jaccard stability of every segment, the same found again a period
earlier; RFM, value tiers and lifecycle stages; all compared on the next period; memberships and an HTML report.
k-means is fitted to everybody, as `KMeans.fit` invites; silhouette and bootstrap see 10,000 people, as Shoal's do.
Prints seconds by step as JSON.
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
SAMPLE = 10_000  # people that silhouette and bootstrap see
ROUNDS = 20
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


def quality(events: pd.DataFrame) -> pd.DataFrame:
    """Completeness and distinct values of every column."""
    return pd.DataFrame({"completeness": events.notna().mean(), "distinct": events.nunique()})


def clean(events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The good rows, and the refused ones with their reason."""
    reason = pd.Series(pd.NA, index=events.index, dtype="string")
    reason[events["value"] < 0] = "negative_value"
    reason[events["at"].isna() | (events["at"] > pd.Timestamp.now("UTC"))] = "bad_time"
    reason[events["user_id"].isna() & events["email"].isna()] = "no_identifier"
    reason[events.duplicated("event_id")] = "duplicate"
    bad = reason.notna()
    return events[~bad], events[bad].assign(reason=reason[bad])


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
    return events.sort_values(["person", "at", "event_id"])


def keep(events: pd.DataFrame, refused: pd.DataFrame, out: Path) -> pd.DataFrame:
    """Writes events, profiles, identifiers and the quarantine; gives the events without what is not needed again."""
    events.to_parquet(out / "events.parquet", compression="zstd")
    seen = events.groupby("person")["at"].agg(first_seen="min", last_seen="max")
    seen.to_parquet(out / "profiles.parquet")
    known = [
        events.dropna(subset=[kind])
        .groupby(["person", kind])["at"]
        .agg(first_seen="min", last_seen="max")
        .reset_index()
        .rename(columns={kind: "value"})
        .assign(type=kind)
        for kind in ("user_id", "email")
    ]
    pd.concat(known).to_parquet(out / "identifiers.parquet")
    refused.to_parquet(out / "quarantine.parquet")
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


def scale(table: pd.DataFrame) -> np.ndarray:
    """Every feature that differs, as quantiles."""
    kept = table.loc[:, table.std() > 1e-9]
    return QuantileTransformer(n_quantiles=500, subsample=100_000, random_state=0).fit_transform(kept)


def draw(count: int) -> np.ndarray:
    """At most `SAMPLE` of so many rows."""
    return np.random.default_rng(0).choice(count, min(count, SAMPLE), replace=False)


def grow(table: pd.DataFrame, labels: np.ndarray) -> DecisionTreeClassifier:
    """The tree whose leaves are the segments."""
    return DecisionTreeClassifier(max_depth=4, min_samples_leaf=0.02, random_state=0).fit(table, labels)


def discover(table: pd.DataFrame) -> tuple[pd.Series, DecisionTreeClassifier, list[dict[str, float]]]:
    """k-means on quantile-scaled features; k by bootstrap stability; a depth-4 tree whose leaves are the segments."""
    scaled = scale(table)
    rng = np.random.default_rng(0)
    sample = scaled[draw(len(scaled))]
    tried, models = [], {}
    for k in (4, 5, 6):
        models[k] = KMeans(k, n_init=3, random_state=0).fit(scaled)
        base = models[k].predict(sample)
        agreement = []
        for turn in range(ROUNDS):
            again = sample[rng.integers(0, len(sample), len(sample))]
            other = KMeans(k, n_init=1, random_state=turn).fit(again)
            agreement.append(adjusted_rand_score(base, other.predict(sample)))
        silhouette = silhouette_score(sample, base)
        tried.append({"k": k, "stability": float(np.mean(agreement)), "silhouette": float(silhouette)})
    best = models[int(max(tried, key=lambda one: one["stability"])["k"])]
    tree = grow(table, best.labels_)
    return pd.Series(tree.predict(table), index=table.index, name="segment"), tree, tried


def stability(table: pd.DataFrame, segment: pd.Series) -> pd.Series:
    """Of every segment, the mean best Jaccard overlap with those found on people drawn again (Hennig 2007)."""
    rows = draw(len(table))
    people, labels = table.iloc[rows], segment.iloc[rows].to_numpy()
    scaled = scale(people)
    rng = np.random.default_rng(1)
    rounds = []
    for turn in range(ROUNDS):
        pick = rng.integers(0, len(people), len(people))
        model = KMeans(segment.nunique(), n_init=3, random_state=turn).fit(scaled[pick])
        found = grow(people.iloc[pick], model.labels_).predict(people)
        both = pd.crosstab(labels, found)
        either = np.add.outer(both.sum(axis=1).to_numpy(), both.sum(axis=0).to_numpy()) - both.to_numpy()
        rounds.append(pd.Series((both.to_numpy() / either).max(axis=1), index=both.index))
    return pd.concat(rounds, axis=1).mean(axis=1)


def again(table: pd.DataFrame, k: int) -> pd.Series:
    """The recipe with as many segments, on another day's features."""
    labels = KMeans(k, n_init=3, random_state=0).fit(scale(table)).labels_
    return pd.Series(grow(table, labels).predict(table), index=table.index)


def lifecycle(table: pd.DataFrame) -> pd.Series:
    """Stages by the days since the last order."""
    recency = table["recency_days"].where(table["orders"] > 0)
    names = ["new", "active", "at risk", "lapsed"]
    tests = [table["tenure_days"] < 30, recency < 60, recency < 180, recency >= 180]
    return pd.Series(np.select(tests, names, "not bought yet"), index=table.index)


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


def ahead(cuts: dict[str, pd.Series], events: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """What every segment of every cut did in the next period: mean revenue and retention, with 95 % intervals."""
    later = events[(events["at"] > cutoff) & (events["event"] == ORDER)].groupby("person")["value"].sum()
    rows = []
    for name, cut in cuts.items():
        revenue = later.reindex(cut.index).fillna(0)
        both = pd.DataFrame({"revenue": revenue, "retained": (revenue > 0).astype(float)})
        found = both.groupby(cut).agg(["mean", "sem", "size"])
        found.index = [f"{name}: {one}" for one in found.index]
        rows.append(found)
    return pd.concat(rows)


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
    columns = quality(events)
    good, refused = clean(events)
    del events
    events = keep(identify(good), refused, asked.out)
    clock = timed("unify", clock)
    now = events["at"].max()
    table, earlier = features(events, now), features(events, now - PERIOD)
    table.to_parquet(asked.out / "features.parquet")
    earlier.to_parquet(asked.out / "features_before.parquet")
    clock = timed("features", clock)
    segment, tree, tried = discover(table)
    clock = timed("discover", clock)
    jaccard = stability(table, segment)
    tiers = (earlier["revenue"].rank(pct=True) * 5).astype(int)
    past = {
        "discovered": again(earlier, segment.nunique()),
        "rfm": rfm(earlier),
        "tiers": tiers,
        "lifecycle": lifecycle(earlier),
    }
    comparison = compare(past, events, now - PERIOD)
    period = ahead(past, events, now - PERIOD)
    clock = timed("validate", clock)
    cuts = {
        "segment": segment,
        "rfm": rfm(table),
        "tier": (table["revenue"].rank(pct=True) * 5).astype(int),
        "stage": lifecycle(table),
    }
    summary = table.groupby(segment).mean().assign(size=segment.value_counts(), jaccard=jaccard)
    pd.DataFrame({name: cut.astype(str) for name, cut in cuts.items()}).melt(
        var_name="cut", value_name="member", ignore_index=False
    ).to_parquet(asked.out / "memberships.parquet")
    rules = export_text(tree, feature_names=list(tree.feature_names_in_))
    parts = [summary, comparison, period, pd.DataFrame(tried), columns]
    (asked.out / "report.html").write_text(
        f"<h1>Segments</h1>{''.join(part.to_html() for part in parts)}<pre>{rules}</pre>"
    )
    timed("report", clock)
    json.dump({"timings": TIMINGS, "people": len(table), "features": table.shape[1]}, sys.stdout)


if __name__ == "__main__":
    main()

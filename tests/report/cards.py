"""Fabricated model cards of every kind and every outcome."""

from __future__ import annotations

from shoal.summary import Backtest, Bin, Contest, Decile, Importance, Interval, ModelCard, Skill


def _near(value: float, half: float) -> Interval:
    return Interval(value=value, low=value - half, high=value + half)


def _skill(name: str, kind: str, auc: float, ap: float, brier: float, ece: float, lift: float) -> Skill:
    return Skill.model_validate(
        {
            "name": name,
            "kind": kind,
            "metrics": {
                "auc": _near(auc, 0.019),
                "ap": _near(ap, 0.034),
                "brier": _near(brier, 0.006),
                "log_loss": _near(brier * 3.1, 0.015),
                "ece": Interval(value=ece, low=max(0.0, ece - 0.006), high=ece + 0.009),
                "lift": _near(lift, 0.31),
            },
        }
    )


def _roc(auc: float, points: int = 200) -> list[tuple[float, float]]:
    return [(i / points, (i / points) ** (1 / auc - 1)) for i in range(points + 1)]


def _precision_recall(ap: float, rate: float, points: int = 200) -> list[tuple[float, float]]:
    return [(i / points, rate + (min(1.0, ap * 1.7) - rate) * (1 - (i / points) ** 1.5)) for i in range(points + 1)]


def _bins(rates: tuple[float, ...], people: int) -> list[Bin]:
    drawn = []
    for i, rate in enumerate(rates):
        half = 1.96 * (rate * (1 - rate) / people) ** 0.5
        seen = min(0.98, max(0.004, rate + (-1) ** i * half / 2))
        drawn.append(
            Bin(people=people, predicted=rate, observed=seen, low=max(0.0, seen - half), high=min(1.0, seen + half))
        )
    return drawn


def _deciles(rates: tuple[float, ...], people: int) -> list[Decile]:
    mean = sum(rates) / len(rates)
    return [
        Decile(decile=i, people=people, predicted=rate, observed=rate * (1.06 - i / 90), lift=rate / mean)
        for i, rate in enumerate(sorted(rates, reverse=True), start=1)
    ]


_RATES = (0.012, 0.019, 0.028, 0.041, 0.062, 0.092, 0.14, 0.21, 0.33, 0.56)
_IMPORTANCES = (
    ("recency_days", "days since the last order", 0.31),
    ("gap_ratio", "days since the last order over the usual gap", 0.22),
    ("orders_90d", "orders in 90 days", 0.14),
    ("trend_90d", "spending in 90 days against the 90 before", 0.09),
    ("breadth", "categories bought", 0.06),
    ("tenure_days", "days since the first order", 0.05),
    ("share_gifts", "share of spending on gifts", 0.03),
)


def churn() -> ModelCard:
    return ModelCard(
        name="churn",
        kind="churn",
        status="used",
        version="5f2c9a71be04",
        scores=["churn"],
        purpose="Whom to win back before they are gone.",
        owner="crm@harbour.example",
        label="no Order Completed within 90 days",
        population="people with an Order Completed in the last 180 days",
        metric="auc",
        horizon_days=90,
        algorithm="LightGBM, recalibrated (Platt)",
        trained_from="2011-03-01T00:00:00Z",
        trained_until="2011-09-09T00:00:00Z",
        tested_from="2011-09-09T00:00:00Z",
        tested_until="2011-12-08T00:00:00Z",
        cutoffs=6,
        rows={
            "train": 14024,
            "train_positives": 2131,
            "test": 2347,
            "test_positives": 350,
            "people": 4338,
            "scored": 2814,
        },
        skills=[
            _skill("LightGBM", "model", 0.841, 0.463, 0.0981, 0.016, 3.58),
            _skill("Random forest", "model", 0.836, 0.471, 0.0979, 0.021, 3.52),
            _skill("Logistic regression", "model", 0.822, 0.441, 0.1012, 0.024, 3.24),
            _skill("RFM score", "baseline", 0.801, 0.402, 0.1094, 0.038, 3.35),
            _skill("Recency", "baseline", 0.771, 0.393, 0.1129, 0.044, 3.6),
        ],
        baseline="RFM score",
        gain=_near(0.040, 0.015),
        calibration=_bins(_RATES, 235),
        roc=_roc(0.841),
        precision_recall=_precision_recall(0.463, 0.149),
        deciles=_deciles(_RATES, 235),
        importances=[Importance(feature=f, words=w, share=s) for f, w, s in _IMPORTANCES],
        spread={"q10": 0.018, "q50": 0.084, "q90": 0.47},
        dropped={
            "last_invoice_state": "knows the label: it alone ranks with AUC 0.99",
            "gender": "a protected trait",
            "refund_share": "null for everybody",
        },
        limits=["Nobody without an order in the last 180 days has a score.", "One year of data: no season is known."],
        notes=["Recalibrated, because that lowered the calibration error on the last cut-off of training."],
    )


def purchase() -> ModelCard:
    """In use, with a back-test and a contest that the challenger lost."""
    won = churn().model_dump()
    won.update(
        name="repurchase",
        kind="purchase",
        version="c03d1177aa52",
        scores=["repurchase"],
        purpose="Whom to remind.",
        owner=None,
        label="an Order Completed within 13 weeks",
        population="everybody with an order",
        horizon_days=91,
        algorithm="blend of LightGBM and logistic regression on R, F, M",
        baseline="RFM score",
        skills=[
            _skill("Blend", "model", 0.751, 0.79, 0.2041, 0.019, 1.58),
            _skill("LightGBM", "model", 0.744, 0.781, 0.2067, 0.022, 1.55),
            _skill("RFM score", "baseline", 0.735, 0.77, 0.2101, 0.031, 1.49),
        ],
        gain=_near(0.016, 0.008),
        rows={"train": 16372, "train_positives": 9004, "test": 3604, "test_positives": 2054, "scored": 4338},
        calibration=_bins((0.16, 0.25, 0.34, 0.43, 0.52, 0.6, 0.68, 0.77, 0.86, 0.95), 360),
        deciles=_deciles((0.16, 0.25, 0.34, 0.43, 0.52, 0.6, 0.68, 0.77, 0.86, 0.9), 360),
        spread={"q10": 0.21, "q50": 0.57, "q90": 0.9},
        roc=_roc(0.751),
        precision_recall=_precision_recall(0.79, 0.57),
        dropped={},
        notes=[],
        backtests=[
            Backtest(
                made_at=made_at,
                until=until,
                version=version,
                people=people,
                predicted=predicted,
                observed=observed,
                metrics={"auc": _near(auc, 0.016), "ece": _near(0.027, 0.008)},
            )
            for made_at, until, version, people, predicted, observed, auc in (
                ("2011-06-10T00:00:00Z", "2011-09-09T00:00:00Z", "9912cd00ffe1", 3102, 0.541, 0.566, 0.747),
                ("2011-09-09T00:00:00Z", "2011-12-09T00:00:00Z", "c03d1177aa52", 3604, 0.552, 0.631, 0.738),
            )
        ],
        contest=Contest(
            champion="c03d1177aa52",
            challenger="77ab01dd93e6",
            metric="auc",
            gain=_near(0.002, 0.006),
            winner="c03d1177aa52",
            words="The challenger is not better beyond doubt on the newest labelled window; the champion stays.",
        ),
    )
    return ModelCard.model_validate(won)


def value() -> ModelCard:
    def way(name: str, kind: str, mae: float, rmse: float, total: float, money: float, off: float) -> Skill:
        return Skill.model_validate(
            {
                "name": name,
                "kind": kind,
                "metrics": {
                    "mae": _near(mae, 0.04),
                    "rmse": _near(rmse, 0.19),
                    "total": _near(total, 0.05),
                    "spearman": _near(0.55, 0.02),
                    "revenue_mae": _near(money / 4.2, 21),
                    "revenue_rmse": _near(money, 310),
                    "revenue_total": _near(off, 0.07),
                },
            }
        )

    return ModelCard(
        name="value",
        kind="value",
        status="used",
        version="01ee5c9d2f10",
        scores=["value.purchases", "value.revenue", "value.alive", "value.clv_12m"],
        purpose="How much to spend on keeping each person.",
        label="orders and revenue of the next 39 weeks",
        population="everybody with an order",
        metric="revenue_rmse",
        horizon_days=273,
        algorithm="mean of 3: MBG/NBD x Gamma-Gamma, LightGBM from its offset, LightGBM (Tweedie)",
        trained_from="2010-12-01T00:00:00Z",
        trained_until="2011-06-10T00:00:00Z",
        tested_from="2011-06-10T00:00:00Z",
        tested_until="2011-12-09T00:00:00Z",
        cutoffs=3,
        rows={"train": 7121, "test": 2877, "people": 4338, "scored": 4338},
        skills=[
            way("Mean of 3", "model", 1.447, 2.218, -0.21, 3346, -0.19),
            way("MBG/NBD x Gamma-Gamma", "model", 1.492, 2.515, -0.28, 4324, -0.26),
            way("LightGBM (Tweedie)", "model", 1.508, 2.526, -0.17, 4211, -0.31),
            way("Past rate", "baseline", 1.905, 3.377, 0.467, 5182, 0.45),
        ],
        baseline="Past rate",
        gain=Interval(value=1836, low=912, high=2790),
        calibration=[
            Bin(people=288, predicted=p, observed=p * 1.18, low=p * 0.9, high=p * 1.5)
            for p in (31.0, 62.0, 101.0, 148.0, 214.0, 301.0, 437.0, 702.0, 1310.0, 4920.0)
        ],
        deciles=[
            Decile(decile=i, people=288, predicted=p, observed=p * 1.18, lift=p / 822.6)
            for i, p in enumerate((4920.0, 1310.0, 702.0, 437.0, 301.0, 214.0, 148.0, 101.0, 62.0, 31.0), start=1)
        ],
        importances=[
            Importance(feature="revenue_365d", words="revenue in a year", share=0.44),
            Importance(feature="orders", words="orders", share=0.21),
        ],
        spread={"q10": 18.25, "q50": 214.7, "q90": 1290.4},
        limits=["The total came out 19% too low on the test: without two years of data the season is not known."],
        extra={
            "parameters": {
                "MBG/NBD": {"r": 0.5252614, "alpha": 6.182512, "a": 0.890611, "b": 1.614421},
                "Gamma-Gamma": {"p": 2.10310001, "q": 3.44120004, "v": 485.5661},
            },
            "members": ["MBG/NBD x Gamma-Gamma", "LightGBM from its offset", "LightGBM (Tweedie)"],
            "degenerate": "BG/NBD: dropout vanishes (a / b below 0.001), so MBG/NBD stands in",
        },
    )


def response() -> ModelCard:
    """A labelled table: judged on rows kept aside at random."""
    return ModelCard(
        name="response",
        kind="label",
        status="used",
        version="e1b0aa2290cd",
        scores=["response"],
        label="y is yes",
        population="everybody",
        metric="auc",
        algorithm="Logistic regression",
        out_of_time=False,
        rows={"train": 5634, "train_positives": 1495, "test": 1409, "test_positives": 374, "scored": 11},
        skills=[
            _skill("Logistic regression", "model", 0.846, 0.66, 0.1342, 0.021, 2.9),
            _skill("Tenure", "baseline", 0.738, 0.45, 0.1672, 0.02, 2.1),
        ],
        baseline="Tenure",
        gain=_near(0.108, 0.021),
        calibration=_bins((0.02, 0.09, 0.21, 0.38, 0.64), 282),
        roc=_roc(0.846),
        precision_recall=_precision_recall(0.56, 0.265),
        deciles=_deciles(_RATES, 141),
        importances=[Importance(feature="contract", words="contract", share=0.37)],
        limits=["The table has one moment only."],
    )


def affinity() -> ModelCard:
    def way(name: str, kind: str, recall: float, ndcg: float, new: float) -> Skill:
        metrics = {"recall": _near(recall, 0.009), "ndcg": _near(ndcg, 0.01), "new_recall": _near(new, 0.006)}
        return Skill.model_validate({"name": name, "kind": kind, "metrics": metrics})

    return ModelCard(
        name="taste",
        kind="affinity",
        status="used",
        version="40d9e6b1c7aa",
        scores=["taste"],
        label="the ten items that each person takes next",
        population="people with two items or more",
        metric="recall",
        horizon_days=91,
        algorithm="EASE with own history",
        tested_from="2011-09-09T00:00:00Z",
        tested_until="2011-12-09T00:00:00Z",
        rows={"train": 3357, "test": 2389, "people": 3357, "scored": 3357},
        skills=[
            way("EASE with own history", "model", 0.362, 0.381, 0.121),
            way("Item kNN (BM25)", "model", 0.307, 0.33, 0.112),
            way("Own purchases", "baseline", 0.361, 0.379, 0.051),
            way("Most popular", "baseline", 0.107, 0.121, 0.051),
        ],
        baseline="Most popular",
        gain=_near(0.255, 0.009),
        limits=["An item sold for less than a month has too little history to be suggested."],
    )


def lookalike() -> ModelCard:
    return ModelCard(
        name="like_champions",
        kind="lookalike",
        status="used",
        version="b7c1d0e9f832",
        scores=["like_champions"],
        label="alike to the segment Champions",
        population="everybody outside it",
        metric="auc",
        algorithm="positive-unlabelled LightGBM",
        rows={"train": 3470, "train_positives": 486, "test": 868, "test_positives": 121, "scored": 3731},
        skills=[
            Skill(name="Positive-unlabelled LightGBM", kind="model", metrics={"auc": _near(0.93, 0.02)}),
            Skill(name="Distance to the centre", kind="baseline", metrics={"auc": _near(0.87, 0.03)}),
        ],
        baseline="Distance to the centre",
        gain=_near(0.06, 0.02),
        extra={
            "reach": [
                {"size": 100, "similarity": 0.94, "recall": 0.31},
                {"size": 250, "similarity": 0.88, "recall": 0.55},
                {"size": 500, "similarity": 0.79, "recall": 0.76},
                {"size": 1000, "similarity": 0.58, "recall": 0.91},
                {"size": 3731, "similarity": 0.02, "recall": 1.0},
            ]
        },
    )


def upsell() -> ModelCard:
    """Did not beat its baseline."""
    return ModelCard(
        name="upsell",
        kind="upsell",
        status="not used",
        version="d2d2f07a61bb",
        label="revenue of the next 90 days above that of the last 90 days by a quarter",
        population="people with an order in 90 days",
        metric="auc",
        horizon_days=90,
        algorithm="Logistic regression",
        trained_from="2011-03-01T00:00:00Z",
        trained_until="2011-09-09T00:00:00Z",
        tested_from="2011-09-09T00:00:00Z",
        tested_until="2011-12-08T00:00:00Z",
        cutoffs=6,
        rows={"train": 9100, "train_positives": 2012, "test": 1801, "test_positives": 402, "people": 4338, "scored": 0},
        skills=[
            _skill("Logistic regression", "model", 0.612, 0.29, 0.1711, 0.04, 1.4),
            _skill("LightGBM", "model", 0.604, 0.281, 0.1722, 0.05, 1.3),
            _skill("Past rate", "baseline", 0.608, 0.287, 0.1713, 0.02, 1.4),
        ],
        baseline="Past rate",
        gain=_near(0.004, 0.016),
        roc=_roc(0.612),
        precision_recall=_precision_recall(0.29, 0.223),
        deciles=_deciles((0.1, 0.15, 0.2, 0.22, 0.24, 0.25, 0.26, 0.27, 0.28, 0.3), 180),
        notes=["It did not beat the past rate beyond doubt, so it gives no scores."],
    )


def trial() -> ModelCard:
    return ModelCard(
        name="trial",
        kind="conversion",
        status="not enough data",
        label="a first Order Completed within 30 days",
        population="people who signed up and have not ordered",
        metric="auc",
        horizon_days=30,
        rows={"people": 212},
        notes=["7 conversions in the training window; at least 50 are needed, about 30 more weeks at this rate."],
    )


def cards() -> list[ModelCard]:
    """Every card, in the order in which a run might have made them."""
    return [trial(), churn(), upsell(), purchase(), value(), response(), affinity(), lookalike()]

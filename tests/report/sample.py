"""A fabricated run with everything in it, and ways to bend it: empty, many segments, hostile words."""

from __future__ import annotations

from shoal.summary import (
    Backtest,
    Bin,
    Brief,
    Change,
    ColumnQuality,
    Comparison,
    Contender,
    Contest,
    Decile,
    Discovery,
    Fairness,
    Importance,
    Interval,
    KChoice,
    Makeup,
    ModelCard,
    Proxy,
    Release,
    Result,
    Run,
    Segment,
    Skill,
    SourceQuality,
    Subgroup,
    Subgroups,
    Trait,
    TreeNode,
    Verdict,
)

from . import cards, finds

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>[bold red]{{7*7}}\x1b[31m\x00\u202e"

FEATURES = (
    "recency_days",
    "orders_90d",
    "revenue_90d",
    "aov",
    "gap_days_mean",
    "tenure_days",
    "breadth",
    "weekend_share",
    "refund_share",
    "trend_90d",
)

_CENTRE = (92.0, 1.9, 640.0, 320.0, 41.0, 210.0, 6.1, 0.21, 0.03, -0.05)
_SPREAD = (80.0, 1.6, 700.0, 190.0, 30.0, 110.0, 3.4, 0.15, 0.05, 0.3)

# name, share of people, share of revenue, next revenue, retention, means in standard deviations, strategies, risks
_FOUND = (
    ("Frequent big baskets", 0.118, 0.584, 842.0, 0.79, (-0.9, 2.1, 2.3, 0.9, -1.1, 0.8, 1.6, -0.2, 0.4, 0.3)),
    ("Steady regulars", 0.231, 0.226, 288.0, 0.58, (-0.7, 0.6, 0.4, 0.1, -0.5, 0.5, 0.5, 0.0, 0.0, 0.2)),
    ("Recent newcomers", 0.187, 0.071, 121.0, 0.39, (-0.8, -0.1, -0.2, -0.1, 0.0, -1.4, -0.4, 0.2, -0.2, 0.9)),
    ("Slipping away", 0.204, 0.079, 74.0, 0.24, (0.4, -0.5, -0.4, 0.0, 0.7, 0.3, -0.2, 0.0, 0.1, -1.2)),
    ("One order long ago", 0.260, 0.040, 21.0, 0.08, (1.4, -0.8, -0.6, -0.3, 0.2, 0.2, -0.9, -0.1, -0.1, -0.3)),
)
_PEOPLE = 4338
_RULES = (
    ("orders_90d >= 3 and revenue_90d >= 610", "at least 3 orders and £610 or more spent in the last 90 days"),
    (
        "orders_90d >= 1 and recency_days <= 60 and tenure_days > 120",
        "ordered in the last 60 days, a customer for over 120 days, spending less than £610",
    ),
    ("recency_days <= 60 and tenure_days <= 120", "first ordered at most 120 days ago and again within the last 60"),
    ("recency_days > 60 and orders >= 2 and recency_days <= 180", "two or more orders, none in the last 60 days"),
    ("recency_days > 60 and orders < 2", "a single order, more than 60 days ago"),
)
_STRATEGIES = (
    ["Keep them: early access and a named contact instead of discounts.", "Ask for reviews and referrals."],
    ["Raise the basket: bundles from categories they already buy.", "Offer replenishment reminders at day 28."],
    ["Bring the second order forward: a welcome series within 30 days."],
    ["Win back before day 90 with the category they bought last.", "Test the offer against a 10% holdout."],
    ["Spend nothing but a quarterly reminder; suppress from paid channels."],
)
_RISKS = (
    ["58% of revenue rests on 512 people: losing ten of the largest costs 6% of revenue."],
    ["A discount may pay people who would have bought anyway."],
    ["Seasonal: 41% of them joined in November."],
    ["Jaccard 0.66: about a third of members change when the data change a little."],
    ["Too little revenue to pay for post."],
)


def _segment(i: int) -> Segment:
    name, share, value_share, revenue, retention, means = _FOUND[i]
    rule, words = _RULES[i]
    traits = [
        Trait(
            feature=FEATURES[j],
            words=f"{FEATURES[j].replace('_', ' ')}: {abs(means[j]) * 4.1 + 1:.1f} against {1.6 - i / 10:.1f}",
            inside=abs(means[j]) * 4.1 + 1,
            outside=1.6 - i / 10,
            effect=means[j],
        )
        for j in sorted(range(len(FEATURES)), key=lambda j: -abs(means[j]))[:4]
    ]
    return Segment(
        name=name,
        kind="discovered",
        status="refused" if i == 3 else "draft",
        rule=rule,
        words=words,
        size=round(share * _PEOPLE),
        share=share,
        value_share=value_share,
        fidelity=0.93 - i / 50,
        brief=Brief(
            headline=f"{round(share * 100)}% of customers, {round(value_share * 100)}% of revenue",
            traits=traits,
            value=f"Each is expected to bring £{revenue:.0f} in the next 13 weeks.",
            strategies=_STRATEGIES[i],
            risks=_RISKS[i],
            expected_revenue=Interval(value=revenue, low=revenue * 0.86, high=revenue * 1.17),
        ),
        next_period={
            "revenue": Interval(value=revenue, low=revenue * 0.86, high=revenue * 1.17),
            "retention": Interval(value=retention, low=retention - 0.03, high=retention + 0.03),
        },
        means={name: _CENTRE[j] + _SPREAD[j] * means[j] for j, name in enumerate(FEATURES)},
    )


def _traditional() -> list[Segment]:
    rows = [
        ("rfm", "Champions", 0.14, 0.57, "recency, frequency and money all in the top two fifths"),
        ("rfm", "Loyal", 0.19, 0.20, "frequency and money in the top two fifths, recency in the middle"),
        ("rfm", "Promising", 0.12, 0.06, "recent, few orders"),
        ("rfm", "At risk", 0.21, 0.12, "not seen for a while, used to order often"),
        ("rfm", "Lost", 0.34, 0.05, "lowest fifth of recency and frequency"),
        ("value", "Top tier", 0.05, 0.46, "the 5% who spent most"),
        ("value", "High tier", 0.15, 0.27, "the next 15%"),
        ("value", "Middle tier", 0.30, 0.19, "the next 30%"),
        ("value", "Low tier", 0.50, 0.08, "the other half"),
        ("lifecycle", "New", 0.17, 0.06, "first seen at most 90 days ago"),
        ("lifecycle", "Engaged", 0.29, 0.61, "active within the last 30 days"),
        ("lifecycle", "Lapsed", 0.54, 0.33, "nothing in the last 90 days"),
        ("intent", "Cart left behind", 0.03, 0.02, "put something in the cart within 7 days and did not order"),
        ("rule", "vip", 0.02, 0.31, "spent more than £5,000 in a year"),
    ]
    return [
        Segment(
            name=name,
            kind=kind,
            rule=f"{kind}_score >= {i}",
            words=words,
            size=round(share * _PEOPLE),
            share=share,
            value_share=value,
            brief=Brief(headline=words),
            next_period={"revenue": Interval(value=900 * value / share / 3, low=80.0, high=900.0)} if i % 2 else {},
        )
        for i, (kind, name, share, value, words) in enumerate(rows)
    ]


def _verdicts() -> list[Verdict]:
    jaccard = (0.91, 0.83, 0.77, 0.66, 0.88)
    verdicts = [
        Verdict(
            subject="set:discovered",
            check="silhouette",
            result="warn",
            value=0.21,
            rule="at least 0.25",
            note="people lie along a gradient rather than in clumps",
        ),
        Verdict(
            subject="set:discovered",
            check="separation",
            result="pass",
            value=0.48,
            rule="at least 30% of the inputs' variance lies between segments",
        ),
        Verdict(
            subject="set:discovered",
            check="difference",
            result="pass",
            value=0.231,
            low=0.19,
            high=0.27,
            rule="next-period revenue explained, interval above 0",
        ),
        Verdict(
            subject="set:rfm",
            check="difference",
            result="pass",
            value=0.198,
            low=0.16,
            high=0.24,
            rule="next-period revenue explained, interval above 0",
        ),
        Verdict(
            subject="set:discovered",
            check="drift",
            result="not enough data",
            rule="population stability index below 0.2",
            note="needs two runs; this is the first",
        ),
    ]
    for i, (name, share, *_rest) in enumerate(_FOUND):
        stable: Result = "pass" if jaccard[i] >= 0.75 else "fail" if i == 3 else "warn"
        verdicts += [
            Verdict(
                subject=name,
                check="stability",
                result=stable,
                value=jaccard[i],
                low=jaccard[i] - 0.06,
                high=min(1, jaccard[i] + 0.05),
                rule="mean bootstrap Jaccard at least 0.75; fails below 0.6",
            ),
            Verdict(subject=name, check="size", result="pass", value=share, rule="at least 2% of people and 50 people"),
            Verdict(
                subject=name,
                check="contrast",
                result="pass" if i != 2 else "warn",
                value=(2.9, 1.1, -0.1, -0.6, -0.9)[i],
                rule="largest next-period difference from the rest, in standard deviations",
            ),
            Verdict(
                subject=name,
                check="actionability",
                result="not enough data" if i == 2 else "pass",
                value=None if i == 2 else 0.97 - i / 10,
                rule="at least half can be reached by e-mail",
            ),
        ]
    return verdicts


def _comparison() -> Comparison:
    def contender(name: str, kind: str, segments: int, revenue: float, retention: float) -> Contender:
        return Contender(
            name=name,
            kind=kind,
            segments=segments,
            scores={
                "revenue": Interval(value=revenue - 0.03, low=revenue - 0.11, high=revenue + 0.06),
                "retained": Interval(value=retention - 0.55, low=retention - 0.58, high=retention - 0.52),
                "auc": Interval(value=retention, low=retention - 0.02, high=retention + 0.02),
                "overall": Interval(value=revenue, low=revenue - 0.035, high=revenue + 0.035),
            },
        )

    return Comparison(
        as_of="2011-09-09T00:00:00Z",
        until="2011-12-09T00:00:00Z",
        horizon_days=91,
        people=3604,
        contenders=[
            contender("Discovered segments", "discovered", 5, 0.231, 0.741),
            contender("RFM segments", "rfm", 5, 0.198, 0.752),
            contender("Value tiers", "value", 5, 0.247, 0.668),
            contender("Lifecycle stages", "lifecycle", 5, 0.104, 0.720),
            Contender(name="Everybody alike", kind="baseline", segments=1, scores={"overall": Interval(value=0.0)}),
        ],
        winner="Value tiers",
        words="Value tiers explain most of the next 13 weeks' revenue (24.7%); discovered segments come second "
        "(23.1%), within the interval, and RFM segments lead on retention.",
    )


def _tree() -> TreeNode:
    def leaf(rule: str, share: float, i: int) -> TreeNode:
        return TreeNode(rule=rule, share=share, segment=_FOUND[i][0])

    recent = TreeNode(
        rule="recency_days <= 60",
        share=0.536,
        branches=[
            TreeNode(
                rule="orders_90d >= 3",
                share=0.21,
                branches=[leaf("revenue_90d >= 610", 0.118, 0), leaf("revenue_90d < 610", 0.092, 1)],
            ),
            TreeNode(
                rule="orders_90d < 3",
                share=0.326,
                branches=[leaf("tenure_days > 120", 0.139, 1), leaf("tenure_days <= 120", 0.187, 2)],
            ),
        ],
    )
    away = TreeNode(
        rule="recency_days > 60", share=0.464, branches=[leaf("orders >= 2", 0.204, 3), leaf("orders < 2", 0.26, 4)]
    )
    return TreeNode(rule="", share=1.0, branches=[recent, away])


def _quality() -> list[SourceQuality]:
    columns = [
        ColumnQuality(
            column="InvoiceNo",
            role="properties.order_id",
            completeness=1.0,
            distinct=25900,
            examples=["536365", "536366", "C536379"],
        ),
        ColumnQuality(
            column="StockCode", role="properties.item_id", completeness=1.0, distinct=4070, examples=["85123A", "71053"]
        ),
        ColumnQuality(
            column="Description",
            role="properties.item",
            completeness=0.997,
            distinct=4223,
            examples=["WHITE HANGING HEART T-LIGHT HOLDER", "WHITE METAL LANTERN"],
        ),
        ColumnQuality(column="InvoiceDate", role="at", completeness=1.0, distinct=23260, examples=["2010-12-01 08:26"]),
        ColumnQuality(column="UnitPrice", role="value", completeness=1.0, distinct=1630, invalid=2, examples=["2.55"]),
        ColumnQuality(
            column="CustomerID",
            role="identifiers.customer_id",
            completeness=0.7507,
            distinct=4372,
            examples=["17850.0", "13047.0"],
        ),
        ColumnQuality(
            column="Country",
            role="traits.country",
            completeness=1.0,
            distinct=38,
            examples=["United Kingdom", "France"],
        ),
    ]
    return [
        SourceQuality(
            source="orders",
            files=["data/online_retail.csv"],
            read=541909,
            loaded=401604,
            quarantined=140305,
            duplicates=5225,
            reasons={"no identifier": 135037, "exact duplicate": 5225, "bad value": 43},
            first="2010-12-01T08:26:00Z",
            last="2011-12-09T12:50:00Z",
            match_rate=0.7507,
            shared_rate=0.31,
            columns=columns,
            notes=["Customer ids end in .0; read as whole numbers."],
        ),
        SourceQuality(
            source="newsletter",
            files=["data/mail/2011-*.jsonl.gz"],
            read=20110,
            loaded=20110,
            quarantined=0,
            duplicates=0,
            first="2011-01-03T06:00:00Z",
            last="2011-12-08T06:00:00Z",
            match_rate=0.942,
            shared_rate=0.88,
            columns=[
                ColumnQuality(
                    column="email",
                    role="identifiers.email",
                    completeness=0.998,
                    distinct=1893,
                    invalid=31,
                    examples=["a…@example.com"],
                )
            ],
        ),
        SourceQuality(
            source="tickets",
            files=["data/tickets.csv"],
            read=0,
            loaded=0,
            quarantined=0,
            duplicates=0,
            error="data/tickets.csv: the file vanished while it was read. Put it back and run again.",
        ),
    ]


def _discovery() -> Discovery:
    curve = [
        (2, 0.95, 0.94, 0.38, 0.29),
        (3, 0.88, 0.71, 0.27, 0.37),
        (4, 0.84, 0.69, 0.23, 0.43),
        (5, 0.81, 0.66, 0.21, 0.48),
        (6, 0.72, 0.48, 0.20, 0.51),
        (7, 0.66, 0.41, 0.19, 0.54),
    ]
    return Discovery(
        recipe="kmeans",
        inputs=list(FEATURES),
        dropped={"orders": "redundant with orders_90d (rank correlation 0.97)", "refunds": "near-constant: 0 for 98%"},
        choices=[
            KChoice(
                k=k, jaccard_mean=mean, jaccard_min=least, silhouette=silhouette, explained=explained, chosen=k == 5
            )
            for k, mean, least, silhouette, explained in curve
        ],
        tree=_tree(),
        fidelity=0.91,
        notes=["Two segments below the size floor were merged into their nearest."],
    )


def full() -> Run:
    """A run with every part present: wins, losses, a refused segment, an unreadable source."""
    run = older()
    segments = [s.model_copy(update={"proposed": s.kind == "discovered"}) for s in run.segments]
    segments[1] = segments[1].model_copy(update={"status": "released", "version": 2})
    assert run.discovery is not None
    choices = [
        choice.model_copy(update={"gap": 0.21 + 0.05 * choice.k - 0.004 * choice.k**2, "overall": overall})
        for choice, overall in zip(run.discovery.choices, (0.098, 0.121, 0.149, 0.165, 0.168, 0.171), strict=True)
    ]
    return run.model_copy(
        update={
            "segments": [*segments, *finds.micro()],
            "verdicts": [*run.verdicts, *finds.micro_verdicts()],
            "comparison": finds.comparison(),
            "discovery": run.discovery.model_copy(update={"choices": choices}),
            "subgroups": finds.subgroups(),
            "changes": finds.changes(),
            "fairness": finds.fairness(),
            "releases": finds.releases(),
        }
    )


def lost() -> Run:
    """A run whose contest a traditional way won: its segments are the ones proposed."""
    run = full()
    assert run.comparison is not None
    told = {"winner": "Value tiers", "proposed": "Value tiers", "words": "Value tiers explain more than any recipe."}
    return run.model_copy(
        update={
            "segments": [s.model_copy(update={"proposed": s.kind == "value"}) for s in run.segments],
            "comparison": run.comparison.model_copy(update=told),
        }
    )


def bare() -> Run:
    """A run whose findings have nothing but what they must have: no number, no words, no intervals."""
    nothing = Interval(value=None)
    contender = Contender(name="k-means", kind="discovered", segments=0, scores={})
    group = Subgroup(
        rule="a > 1", words="", claim="", size=0, share=0.0, raw=nothing, adjusted=nothing, confirmed=False
    )
    row = Makeup(segment="x", trait="sex", group="", people=0, share=nothing, everybody=0.0, reach=nothing)
    proxy = Proxy(segment="x", clause="a > 1", trait="sex", group="f", auc=nothing, words="")
    alone = Segment(name="alone", kind="micro", rule="a > 1", words="", size=0, share=0.0, brief=Brief(headline=""))
    return empty().model_copy(
        update={
            "segments": [alone],
            "comparison": Comparison(
                as_of="",
                until="",
                horizon_days=0,
                people=0,
                contenders=[contender],
                winner="",
                words="",
                micro=[contender],
            ),
            "discovery": Discovery(
                recipe="", inputs=[], choices=[KChoice(k=2, jaccard_mean=0.0, jaccard_min=0.0, silhouette=None)]
            ),
            "subgroups": [
                Subgroups(target="x", words="", found=[group], looked_at=1, tested=1),
                Subgroups(target="", words=""),
            ],
            "changes": [Change(kind="moved", segment="", words="")],
            "fairness": Fairness(makeup=[row], proxies=[proxy]),
            "releases": [
                Release(segment="x", version=1, kind="rule", rule="a > 1", size=0, decision="retired", at="", by="")
            ],
        }
    )


def older() -> Run:
    """A run without what later versions added: few contenders without evidence, no micro-segments, no subgroups."""
    return Run(
        run_id="2011-12-09T125000-7f3a",
        workspace="Harbour Gifts",
        as_of="2011-12-09T12:50:00Z",
        currency="GBP",
        rows={"events": 421714, "profiles": _PEOPLE, "identifiers": 6231, "features": _PEOPLE, "quarantine": 140305},
        segments=[*(_segment(i) for i in range(len(_FOUND))), *_traditional()],
        verdicts=_verdicts(),
        models=cards.cards(),
        comparison=_comparison(),
        discovery=_discovery(),
        quality=_quality(),
        timings={"read": 1.9, "unify": 2.41, "features": 0.86, "discover": 2.2, "validate": 3.05, "report": 0.09},
        questions=["orders: is UnitPrice in pounds? No currency column was found."],
        notes=["One source could not be read; the run went on without it."],
        extra={"revenue": 8_911_407.9, "spreads": dict(zip(FEATURES, _SPREAD, strict=True))},
    )


def empty() -> Run:
    """A run that found nothing: no segments, no comparison, no revenue, no sources."""
    return Run(run_id="r0", workspace="empty", as_of="2024-01-01T00:00:00Z", rows={}, segments=[], verdicts=[])


def many(number: int, *, name: str = "Segment") -> Run:
    """A run with `number` discovered segments (and nothing traditional)."""
    segments = [
        _segment(i % len(_FOUND)).model_copy(
            update={"name": f"{name} {i + 1}", "share": 1 / number, "value_share": 1 / (i + 1) / 4}
        )
        for i in range(number)
    ]
    return full().model_copy(update={"segments": segments, "verdicts": [], "discovery": None})


def hostile() -> Run:
    """A run in which every free text is an attack on the page and the terminal."""

    def poison(value: object) -> object:
        if isinstance(value, str):
            return value + HOSTILE
        if isinstance(value, list):
            return [poison(item) for item in value]
        if isinstance(value, dict):
            return {
                key if key in _FIXED else poison(key): item if key in _LITERAL else poison(item)
                for key, item in value.items()
            }
        return value

    return Run.model_validate(poison(full().model_dump()))


_LITERAL = {"result", "kind", "status", "check", "metric", "decision", "target"}
_FIXED = {
    name
    for record in (
        Run,
        Segment,
        Brief,
        Trait,
        Interval,
        Verdict,
        Comparison,
        Contender,
        Discovery,
        KChoice,
        TreeNode,
        SourceQuality,
        ColumnQuality,
        ModelCard,
        Skill,
        Bin,
        Decile,
        Importance,
        Backtest,
        Contest,
        Subgroups,
        Subgroup,
        Change,
        Fairness,
        Makeup,
        Proxy,
        Release,
    )
    for name in record.model_fields
} | {"revenue", "retention", "profiles", "events", "overall", "auc", "value", "behaviour"}
_FIXED |= {name for card in cards.cards() for name in (*card.rows, *card.spread, *card.extra, "size", "recall")}
_FIXED |= {name for card in cards.cards() for skill in card.skills for name in skill.metrics}

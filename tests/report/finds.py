"""Fabricated findings of discovery: the contest, micro-segments, subgroups, changes, the audit, releases."""

from __future__ import annotations

from shoal.summary import (
    Brief,
    Change,
    Comparison,
    Contender,
    Fairness,
    Interval,
    Makeup,
    Proxy,
    Release,
    Segment,
    Subgroup,
    Subgroups,
    Trait,
    Verdict,
)

PEOPLE = 4338
BEFORE = 3604  # of them, those who were there one period ago


def _near(value: float, half: float) -> Interval:
    return Interval(value=round(value, 4), low=round(value - half, 4), high=round(value + half, 4))


def _contender(
    name: str,
    kind: str,
    segments: int,
    value: float,
    behaviour: float,
    stability: tuple[float, float] | None = None,
    persistence: float | None = None,
    fidelity: float | None = None,
    smallest: float | None = None,
    note: str = "",
) -> Contender:
    overall = (3 * value + 6 * behaviour) / 9
    return Contender(
        name=name,
        kind=kind,
        segments=segments,
        recipe=f"shoal.model.recipes:{name.split()[0].lower()}" if kind == "discovered" else "",
        scores={
            "overall": _near(overall, 0.016),
            "value": _near(value, 0.028),
            "behaviour": _near(behaviour, 0.013),
            "log_revenue": _near(value + 0.011, 0.031),
            "capped_revenue": _near(value - 0.004, 0.06),
            "auc": _near(0.62 + value / 2, 0.02),
        },
        stability=_near(stability[0], 0.03) if stability else None,
        least=stability[1] if stability else None,
        persistence=_near(persistence, 0.025) if persistence else None,
        fidelity=fidelity,
        smallest=smallest,
        note=note,
    )


def comparison() -> Comparison:
    """Thirteen contenders: discovery wins the whole, spend tiers lead on value, some could not take part."""
    plain = Contender(
        name="Everybody alike",
        kind="baseline",
        segments=1,
        scores={name: Interval(value=0.0) for name in ("overall", "value", "behaviour")},
    )
    absent = Contender(
        name="Demographics",
        kind="demographic",
        segments=0,
        scores={},
        note="did not take part: no demographic trait is mapped",
    )
    return Comparison(
        as_of="2011-09-09T00:00:00Z",
        until="2011-12-09T00:00:00Z",
        horizon_days=91,
        people=BEFORE,
        contenders=[
            _contender("Clusters on quantiles", "discovered", 5, 0.214, 0.043, (0.66, 0.36), 0.52, 0.9, 0.081),
            _contender("Clusters on SHAP values", "discovered", 5, 0.234, 0.130, (0.81, 0.66), 0.61, 0.93, 0.118),
            _contender("Clusters on scores", "discovered", 5, 0.223, 0.110, (0.78, 0.72), 0.66, 0.91, 0.094),
            _contender("Outcome tree", "discovered", 5, 0.223, 0.111, (0.64, 0.38), 0.58, 1.0, 0.061),
            _contender("Gaussian mixture", "discovered", 5, 0.216, 0.041, (0.55, 0.31), 0.44, 0.86, 0.052),
            _contender("Ward on micro-clusters", "discovered", 5, 0.220, 0.042, (0.62, 0.41), 0.49, 0.89, 0.057),
            _contender(
                *("HDBSCAN", "discovered", 4, 0.140, 0.020, (0.58, 0.33), 0.31, 0.84, 0.031),
                note="may not win: 11% of people are noise",
            ),
            _contender("RFM score", "rfm", 5, 0.229, 0.022, (0.88, 0.79), 0.57, 1.0, 0.171),
            _contender("Value tiers", "value", 5, 0.241, 0.063, (0.97, 0.94), 0.71, 1.0, 0.05),
            _contender("Lifecycle stages", "lifecycle", 5, 0.131, 0.031, None, 0.24, 1.0, 0.022),
            absent,
            plain,
        ],
        winner="Clusters on SHAP values",
        proposed="Clusters on SHAP values",
        k=5,
        words="Clusters on SHAP values explain 16.5 % of the next 13 weeks' value and behaviour against 12.2 % for "
        "value tiers, the best traditional way: they win by 4.2 points (95 % interval 2.6 to 5.9). "
        "On value alone value tiers lead by 0.7 points, which is a tie.",
        micro=[
            _contender("Micro-segments", "discovered", 9, 0.268, 0.141, (0.71, 0.52), 0.55, 1.0, 0.022),
            _contender("RFM cells", "rfm", 117, 0.238, 0.024, None, 0.31, 1.0, 0.0003),
            _contender("RFM 3 x 3 x 3", "rfm", 27, 0.237, 0.022, None, 0.38, 1.0, 0.004),
        ],
        notes=["Stability was measured on a sample of 3,000 of 3,604 people."],
    )


# macro, name, people, share of value, revenue next, rule, words
_MICRO = (
    ("Frequent big baskets", "Weekday wholesalers", 96, 0.302, 1720.0, "weekend_share < 0.1", "who buy on weekdays"),
    ("Frequent big baskets", "Big baskets, often", 171, 0.168, 790.0, "aov >= 480", "baskets of £480 or more"),
    ("Frequent big baskets", "Small baskets, often", 245, 0.114, 534.0, "aov < 480", "baskets below £480"),
    ("Steady regulars", "Regulars who widen", 431, 0.128, 371.0, "breadth >= 6", "at least 6 categories"),
    ("Steady regulars", "Regulars of few categories", 571, 0.098, 226.0, "breadth < 6", "fewer than 6 categories"),
    ("Recent newcomers", "Newcomers with two orders", 302, 0.041, 171.0, "orders >= 2", "two orders or more"),
    ("Recent newcomers", "Newcomers with one order", 509, 0.030, 91.0, "orders < 2", "one order"),
    ("Slipping away", "Slipping big spenders", 248, 0.047, 121.0, "revenue >= 900", "spent £900 or more"),
    ("Slipping away", "Slipping small spenders", 637, 0.032, 56.0, "revenue < 900", "spent less than £900"),
)


def micro() -> list[Segment]:
    """Nine micro-segments inside four macro segments; in each they add up to it."""
    return [
        Segment(
            name=name,
            kind="micro",
            parent=macro,
            status="niche" if people < 100 else "draft",
            rule=rule,
            words=f"{macro.lower()} {words}",
            size=people,
            share=people / PEOPLE,
            value_share=value,
            fidelity=1.0,
            brief=Brief(headline=f"{people} people", strategies=[f"Speak to {name.lower()} by their category."]),
            next_period={"revenue": Interval(value=revenue, low=revenue * 0.78, high=revenue * 1.24)},
        )
        for macro, name, people, value, revenue, rule, words in _MICRO
    ]


def micro_verdicts() -> list[Verdict]:
    return [
        Verdict(subject=name, check="size", result="warn" if people < 100 else "pass", value=people / PEOPLE, rule="2%")
        for _, name, people, *_ in _MICRO
    ]


def _group(words: str, size: int, raw: float, adjusted: float, half: float, p: float, q: float, claim: str) -> Subgroup:
    return Subgroup(
        rule="weekend_share >= 0.5 and breadth >= 6",
        words=words,
        claim=claim,
        size=size,
        share=size / BEFORE,
        found=adjusted + 1.4 * half,
        raw=_near(raw, half),
        adjusted=_near(adjusted, half),
        p=p,
        q=q,
        confirmed=q <= 0.05,
        value_share=size / BEFORE * 1.6,
    )


def subgroups() -> list[Subgroups]:
    """Two confirmed of thirty for value, none for churn, too few data for growth."""
    worth = [
        _group(
            "weekend evenings; looked at 3 categories or more", 131, 118.0, 61.0, 24.0, 0.0001, 0.003, ""
        ).model_copy(
            update={
                "claim": "131 people (3.6 %) bring £61 more each in 13 weeks than people of the same recency, "
                "frequency and spend (95 % interval £37 to £85).",
                "inside": 261.0,
                "outside": 143.0,
            }
        ),
        _group("at least half of the orders refunded; a customer for a year", 88, 71.0, 44.0, 27.0, 0.001, 0.03, ""),
        _group("at least 6 categories; basket of £480 or more", 214, 402.0, 21.0, 38.0, 0.14, 0.42, ""),
        _group("first ordered in November", 390, 96.0, -4.0, 22.0, 0.63, 0.81, ""),
        *(
            _group(f"orders on day {i} of the week", 300 + i, 30.0, 1.0 * i - 3, 20.0, 0.5, 0.9, "")
            for i in range(1, 7)
        ),
    ]
    worth[1] = worth[1].model_copy(
        update={"inside": 214.0, "outside": 143.0, "claim": "88 people bring £44 more each."}
    )
    leaving = [
        Subgroup(
            rule="refund_share >= 0.3",
            words="at least 30% of orders refunded",
            claim="61 people leave more often",
            size=61,
            share=61 / BEFORE,
            inside=0.61,
            outside=0.42,
            found=0.17,
            raw=_near(0.19, 0.12),
            adjusted=_near(0.05, 0.12),
            p=0.2,
            q=0.6,
            confirmed=False,
            value_share=0.012,
        )
    ]
    common = {"people": BEFORE, "selectors": 212, "looked_at": 48310, "tested": 30}
    return [
        Subgroups.model_validate(
            {
                **common,
                "target": "value",
                "words": "revenue in the next 13 weeks",
                "confirmed_raw": 30,
                "confirmed": 2,
                "found": worth,
                "says": "Of 30 groups that look worth more or less, 30 hold on the other half; after recency, "
                "frequency and spend are taken into account, 2 do.",
            }
        ),
        Subgroups.model_validate(
            {
                **common,
                "target": "churn",
                "words": "not buying within 90 days",
                "confirmed_raw": 11,
                "confirmed": 0,
                "found": leaving,
                "says": "No group that leaves more often than its recency, frequency and spend tell was found.",
            }
        ),
        Subgroups(
            target="growth",
            words="revenue growing by half",
            says="Not enough data: 38 people grew, 50 in each half are needed.",
        ),
    ]


SINCE = "2011-11-09T00:00:00Z"


def changes() -> list[Change]:
    return [
        Change(
            kind="emerging",
            segment="Weekday wholesalers",
            since=SINCE,
            words="96 people that no released segment comes near to: overlap 0.19 with Frequent big baskets.",
            overlap=0.19,
            size=96,
        ),
        Change(
            kind="moved",
            segment="Steady regulars",
            since=SINCE,
            words="The same rule holds people who now buy 0.6 orders fewer in 90 days.",
            overlap=0.83,
            size_before=968,
            size=1002,
            traits=[
                Trait(
                    feature="orders_90d",
                    words="orders in 90 days: 2.5 now, 3.1 then",
                    inside=2.5,
                    outside=3.1,
                    effect=-0.4,
                )
            ],
        ),
        Change(
            kind="growing",
            segment="Slipping away",
            since=SINCE,
            words="885 people, 18 % more.",
            size_before=750,
            size=885,
        ),
        Change(
            kind="vanishing",
            segment="Christmas guests",
            since=SINCE,
            words="41 people are left of 310.",
            size_before=310,
        ),
    ]


def fairness() -> Fairness:
    shares = {"female": 0.58, "male": 0.42}
    sizes = {"Frequent big baskets": (512, 0.49), "Steady regulars": (1002, 0.59), "Recent newcomers": (811, 0.61)}
    makeup = []
    for segment, (people, women) in sizes.items():
        reach = {g: people * s / (PEOPLE * shares[g]) for g, s in (("female", women), ("male", 1 - women))}
        for group, share in (("female", women), ("male", 1 - women)):
            makeup.append(
                Makeup(
                    segment=segment,
                    trait="gender",
                    group=group,
                    people=round(people * share),
                    share=_near(share, 0.04),
                    everybody=shares[group],
                    reach=_near(reach[group], 0.012),
                    ratio=round(reach[group] / max(reach.values()), 3),
                )
            )
    makeup.append(
        Makeup(
            segment="Steady regulars",
            trait="age_group",
            group="65 and over",
            people=31,
            share=Interval(value=None),
            everybody=0.04,
            reach=Interval(value=None),
        )
    )
    proxies = [
        Proxy(
            segment="Frequent big baskets",
            clause="revenue_90d >= 610",
            trait="gender",
            group="male",
            auc=_near(0.66, 0.02),
            words="revenue_90d >= 610 alone tells men from everybody else with an AUC of 0.66",
        )
    ]
    return Fairness(traits=["gender", "age_group"], makeup=makeup, proxies=proxies)


def releases() -> list[Release]:
    return [
        Release(
            segment="Steady regulars",
            version=1,
            kind="discovered",
            rule="orders_90d >= 1 and recency_days <= 60 and tenure_days > 120",
            size=968,
            decision="approved",
            at="2011-11-09T09:30:00Z",
            by="ada",
            answer="A replenishment reminder at day 28 in place of the weekly newsletter.",
        ),
        Release(
            segment="Christmas guests",
            version=2,
            kind="rule",
            rule="first_order_month = 12",
            size=310,
            decision="retired",
            at="2011-11-20T16:00:00Z",
            by="grace",
            note="41 people are left.",
        ),
    ]

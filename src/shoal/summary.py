"""What a run tells: plain records that the terminal, `--json` and `report.html` all show.

Stages fill them, `report/` and `cli/` draw them; they hold numbers and words, never tables.
Shares are fractions of 1, money is in the workspace's currency, instants are ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PLAIN = "plain logit"  # what gives the scores where a model does not beat its baseline

Result = Literal["pass", "warn", "fail", "not enough data"]


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Interval(Record):
    """An estimate with its interval (95 % unless said)."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Verdict(Record):
    """One check's result on one subject: a segment's name, or `set:KIND` for a whole set."""

    subject: str
    check: str
    result: Result
    value: float | None = None
    low: float | None = None
    high: float | None = None
    rule: str = Field("", description="the rule it was held against, in words with its numbers")
    note: str = ""


class Trait(Record):
    """One thing that sets a segment apart, against everybody else."""

    feature: str
    words: str = Field(description="in words with both numbers: 'orders in 90 days: 4.1 against 0.6'")
    inside: float | None
    outside: float | None
    effect: float = Field(description="standardised difference, signed")


class Brief(Record):
    """What a marketer needs to act on a segment."""

    headline: str
    traits: list[Trait] = []
    value: str = Field("", description="estimated value in a sentence")
    strategies: list[str] = []
    risks: list[str] = []
    expected_revenue: Interval | None = Field(
        None, description="a person's next-period revenue, as measured one period earlier"
    )


class Segment(Record):
    """One segment of a run.

    `kind`: discovered, micro (inside a discovered one), subgroup (found by its effect), predictive, rfm, value,
    lifecycle, intent or rule (your own).
    """

    name: str
    version: int = 1
    kind: str
    status: str = Field(
        "draft",
        description="draft; refused when a gate failed; niche below the size floor; released when a person approved "
        "this rule; retired when a person ended it",
    )
    parent: str | None = Field(None, description="the segment that a micro-segment lies in")
    proposed: bool = Field(False, description="whether it belongs to the set that explains the next period best")
    carried: bool = Field(
        False,
        description="whether it stands by its release alone: the run found another rule by its name, or none",
    )
    rule: str = Field(description="in the rule language; it is the segment")
    words: str = Field(description="the rule in plain words")
    size: int
    share: float
    value_share: float | None = Field(None, description="share of past revenue")
    fidelity: float | None = Field(None, description="how far the rule agrees with the cluster it came from")
    brief: Brief
    next_period: dict[str, Interval] = Field(
        default_factory=dict,
        description="revenue and retention of the period after, for the people the rule held for one period ago",
    )
    means: dict[str, float | None] = Field(default_factory=dict, description="mean of each discovery input")
    reach: dict[str, Interval] = Field(
        default_factory=dict,
        description="share of its people that each channel leads to: e-mail, phone, push, ads, "
        "in-app, post; those that lead to anybody at all",
    )

    @property
    def subject(self) -> str:
        """What verdicts call it: its name; `NAME@VERSION` where it stands by its release alone."""
        return f"{self.name}@{self.version}" if self.carried else self.name


class Contender(Record):
    """One way of cutting the people, judged on the next period.

    `kind`: discovered (a recipe of ours or a plugin's), a traditional one (rfm, value, lifecycle, demographic), or
    baseline. What could not be measured is None; `note` says why it did not take part or may not win.
    """

    name: str
    kind: str
    segments: int
    scores: dict[str, Interval] = Field(description="share of variance explained out of sample (R2), AUC for retention")
    recipe: str = Field("", description="entry point of the recipe; empty for a traditional cut")
    stability: Interval | None = Field(None, description="mean bootstrap Jaccard, the whole recipe refitted")
    least: float | None = Field(None, description="the least stable segment's mean Jaccard")
    persistence: Interval | None = Field(None, description="adjusted Rand of the same people one period later")
    fidelity: float | None = Field(None, description="people whose rule and cluster agree, on those not learned from")
    smallest: float | None = Field(None, description="share of the people in the smallest segment")
    note: str = ""


class Comparison(Record):
    """The contest: every recipe and the traditional cuts, made as of one period ago, judged on the period since."""

    as_of: str
    until: str
    horizon_days: float
    people: int
    contenders: list[Contender]
    winner: str = Field(description="a contender's name, `tie`, `nobody` or `not enough data`")
    words: str
    proposed: str = Field("", description="the contender whose way makes the segments that are proposed today")
    k: int | None = Field(None, description="the number of segments that everybody was asked for")
    micro: list[Contender] = Field([], description="the same for many small segments: micro-segments, RFM cells")
    notes: list[str] = []


class KChoice(Record):
    """One candidate number of segments."""

    k: int
    jaccard_mean: float
    jaccard_min: float
    silhouette: float | None
    gap: float | None = Field(None, description="gap statistic (Tibshirani, Walther & Hastie 2001)")
    overall: float | None = Field(None, description="what it explains of the next period, one period earlier")
    explained: float | None = Field(None, description="share of the inputs' variance between segments")
    chosen: bool = False


class TreeNode(Record):
    """The distilled tree, for drawing: a split with two branches, or a leaf with its segment."""

    rule: str
    words: str = Field("", description="the rule in plain words")
    share: float
    segment: str | None = None
    branches: list[TreeNode] = []


class Subgroup(Record):
    """A micro-segment found by its effect on a target: searched on one half of the people, confirmed on the other.

    Effects are differences of the target's mean from that of everybody else, in its own unit; those of rates are
    shares. `adjusted` is what remains after a plain value model (recency, frequency, monetary); only that is claimed.
    """

    rule: str = Field(description="a conjunction of up to three conditions, in the rule language")
    words: str = Field(description="the rule in plain words")
    claim: str = Field(description="what is claimed, in a sentence with its numbers")
    size: int = Field(description="people as of the period's beginning")
    share: float
    inside: float | None = Field(None, description="the target's mean among them, on the confirming half")
    outside: float | None = Field(None, description="and among everybody else")
    found: float | None = Field(None, description="the adjusted effect on the half searched: it flatters")
    raw: Interval = Field(description="on the confirming half, before adjustment")
    adjusted: Interval = Field(description="on the confirming half, after adjustment")
    p: float | None = Field(None, description="of the adjusted effect on the confirming half, one-sided")
    q: float | None = Field(None, description="p after Benjamini and Hochberg over all that were tested")
    confirmed: bool = Field(description="whether the adjusted effect is confirmed at the false discovery rate")
    value_share: float | None = Field(None, description="their share of past revenue")


class Subgroups(Record):
    """What the search found for one target."""

    target: str = Field(description="value, churn, growth, or a labelled objective's name")
    words: str = Field(description="the target in words")
    people: int = 0
    selectors: int = Field(0, description="single conditions that the search combined")
    looked_at: int = Field(0, description="conjunctions evaluated on the searching half")
    tested: int = Field(0, description="diverse candidates tested on the confirming half")
    confirmed_raw: int = Field(0, description="of them, confirmed without adjustment")
    confirmed: int = Field(0, description="of them, confirmed after adjustment")
    rate: float = Field(0.05, description="the false discovery rate promised")
    found: list[Subgroup] = Field([], description="confirmed ones first, then the strongest of the others")
    says: str = Field("", description="the result in a sentence; also where nothing was found or data are too few")


class Change(Record):
    """What is new since the last release (or the last run, where nothing is released yet)."""

    kind: Literal["emerging", "splitting", "merging", "vanishing", "growing", "shrinking", "moved"]
    segment: str
    since: str = Field("", description="instant of the release or run that it is held against")
    words: str = Field(description="what changed, in a sentence with its numbers")
    overlap: float | None = Field(None, description="Jaccard overlap with the nearest segment of then")
    size_before: int | None = None
    size: int | None = None
    traits: list[Trait] = Field([], description="what moved in its profile: inside is now, outside is then")


class Makeup(Record):
    """A segment's people by one protected trait: accounting, never an input."""

    segment: str
    trait: str
    group: str
    people: int
    share: Interval = Field(description="share of the segment's people whose trait is known")
    everybody: float = Field(description="the group's share of everybody")
    reach: Interval = Field(description="share of the group that is in the segment")
    ratio: float | None = Field(None, description="its reach over that of the group reached most (disparate reach)")


class Proxy(Record):
    """A clause of a rule that tells a protected trait."""

    segment: str
    clause: str
    trait: str
    group: str
    auc: Interval = Field(description="how well the clause alone tells the group from the rest; 0.5 is not at all")
    words: str


class Fairness(Record):
    """The audit of all segments by protected traits; `note` says why there is none."""

    traits: list[str] = []
    makeup: list[Makeup] = []
    proxies: list[Proxy] = []
    note: str = ""


class Release(Record):
    """What a person decided of a segment: approved as it stands, or retired."""

    segment: str
    version: int
    kind: str
    rule: str
    size: int
    decision: Literal["approved", "retired"]
    at: str
    by: str
    answer: str = Field("", description="what would be done differently for this segment")
    note: str = ""
    run_id: str = ""


class Discovery(Record):
    recipe: str
    inputs: list[str]
    dropped: dict[str, str] = Field(default_factory=dict, description="input left out, and why")
    choices: list[KChoice] = []
    tree: TreeNode | None = None
    fidelity: float | None = None
    notes: list[str] = []


class ColumnQuality(Record):
    column: str
    role: str = Field("", description="what it is mapped to")
    completeness: float
    distinct: int | None
    invalid: int = 0
    examples: list[str] = []


class SourceQuality(Record):
    """How good one source's rows are. `read` = `loaded` + `quarantined` + `later`.

    `duplicates` counts rows that equal an earlier one; where they are dropped they are among the quarantined.
    """

    source: str
    files: list[str]
    read: int
    loaded: int
    quarantined: int
    later: int = Field(0, description="rows after the instant that was asked for; not used")
    duplicates: int
    reasons: dict[str, int] = {}
    first: str | None = None
    last: str | None = None
    match_rate: float | None = Field(None, description="share of the source's rows that found a profile")
    shared_rate: float | None = Field(None, description="share of its profiles that another source knows too")
    columns: list[ColumnQuality] = []
    error: str = Field("", description="why the source could not be read at all")
    notes: list[str] = []


class Skill(Record):
    """One way of predicting, judged on rows that it never saw.

    Yes-or-no models have auc, ap (average precision), brier, log_loss, ece (expected calibration error), lift (in the
    top tenth); value models mae, rmse, total (predicted over actual, minus 1), spearman, each of purchases and revenue
    where the name says so (`revenue_mae`).
    """

    name: str = Field(description="what reports call it, such as LightGBM, or RFM score")
    kind: Literal["model", "baseline"]
    metrics: dict[str, Interval]


class Bin(Record):
    """People with scores alike: what was predicted of them and what came true."""

    people: int
    predicted: float
    observed: float
    low: float
    high: float


class Decile(Record):
    """A tenth of the tested people, the highest scores first."""

    decile: int = Field(description="1 has the highest scores")
    people: int
    predicted: float = Field(description="mean score")
    observed: float = Field(description="mean outcome")
    lift: float | None = Field(description="observed over the mean of everybody")


class Importance(Record):
    """How much of a model's judgement rests on a feature."""

    feature: str
    words: str
    share: float = Field(description="of the mean absolute effect of all features")


class Backtest(Record):
    """Predictions of an earlier run whose horizon has passed, held against what happened."""

    made_at: str
    until: str
    version: str
    people: int
    predicted: float = Field(description="mean score")
    observed: float = Field(description="mean outcome")
    metrics: dict[str, Interval]


class Contest(Record):
    """Champion against challenger on the newest labelled window."""

    champion: str | None = Field(description="version that was in use")
    challenger: str = Field(description="version made by this run")
    metric: str
    gain: Interval | None = Field(None, description="challenger better by; positive is better")
    winner: str = Field(description="version in use from now on")
    words: str


class ModelCard(Record):
    """A model with everything that one must know before using it."""

    name: str = Field(description="as in `scores.model`; a value model gives several, `NAME.purchases` and so on")
    kind: str = Field(description="the objective's kind")
    status: Literal["used", "not used", "not enough data"]
    version: str | None = None
    scores: list[str] = Field(default_factory=list, description="the names in `scores.model`")
    purpose: str = ""
    owner: str | None = None
    label: str = Field("", description="what is predicted, in words")
    population: str = Field("", description="of whom, in words")
    metric: str = Field("", description="success metric, fixed before the fit")
    horizon_days: float | None = None
    algorithm: str = Field("", description="the chosen way of predicting")
    out_of_time: bool = Field(True, description="whether it was judged on a period after the one it learned from")
    trained_from: str | None = Field(None, description="first cut-off learned from")
    trained_until: str | None = Field(None, description="the last instant whose outcome was learned from, when judged")
    tested_from: str | None = Field(None, description="cut-off of the test")
    tested_until: str | None = None
    cutoffs: int = 0
    rows: dict[str, int] = Field(
        default_factory=dict, description="train, train_positives, test, test_positives, people, scored"
    )
    skills: list[Skill] = Field(default_factory=list, description="on the test, the chosen model first")
    baseline: str = Field("", description="the plain way that the model must beat")
    gain: Interval | None = Field(None, description="success metric, model against baseline; positive is better")
    calibration: list[Bin] = []
    roc: list[tuple[float, float]] = Field([], description="(false positive rate, true positive rate)")
    precision_recall: list[tuple[float, float]] = Field([], description="(recall, precision)")
    deciles: list[Decile] = []
    importances: list[Importance] = []
    spread: dict[str, float] = Field(default_factory=dict, description="quantiles of the scores given: q10, q50, q90")
    dropped: dict[str, str] = Field(default_factory=dict, description="feature left out, and why")
    limits: list[str] = []
    notes: list[str] = []
    backtests: list[Backtest] = []
    contest: Contest | None = None
    extra: dict[str, Any] = Field(default_factory=dict, description="what one kind of model has: parameters, curves")

    @property
    def stands_in(self) -> bool:
        """Whether a plain way gives the scores, since the model that was tried does not beat its baseline.

        >>> ModelCard(name="m", kind="churn", status="used", algorithm=f"{PLAIN}; the forest that was tried").stands_in
        True
        """
        return self.status == "used" and self.algorithm.startswith(PLAIN)


class Run(Record):
    """A whole run; `shoal run --json` prints it."""

    run_id: str
    workspace: str
    as_of: str
    currency: str | None = None
    rows: dict[str, int] = Field(description="rows of every table")
    segments: list[Segment]
    verdicts: list[Verdict]
    models: list[ModelCard] = []
    comparison: Comparison | None = None
    discovery: Discovery | None = None
    subgroups: list[Subgroups] = []
    changes: list[Change] = []
    fairness: Fairness | None = None
    releases: list[Release] = []
    quality: list[SourceQuality] = []
    timings: dict[str, float] = {}
    questions: list[str] = []
    notes: list[str] = []
    extra: dict[str, Any] = {}

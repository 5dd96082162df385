"""What a run tells: plain records that the terminal, `--json` and `report.html` all show.

Stages fill them, `report/` and `cli/` draw them; they hold numbers and words, never tables.
Shares are fractions of 1, money is in the workspace's currency, instants are ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

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
    """One segment of a run. `kind`: discovered, rfm, value, lifecycle, intent or rule (your own)."""

    name: str
    version: int = 1
    kind: str
    status: str = Field("draft", description="draft; refused when a gate failed; niche below the size floor")
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


class Contender(Record):
    """One way of cutting the people, judged on the next period."""

    name: str
    kind: str
    segments: int
    scores: dict[str, Interval] = Field(description="share of variance explained out of sample (R2), AUC for retention")


class Comparison(Record):
    """The out-of-time comparison of discovered and traditional segments."""

    as_of: str
    until: str
    horizon_days: float
    people: int
    contenders: list[Contender]
    winner: str
    words: str


class KChoice(Record):
    """One candidate number of segments."""

    k: int
    jaccard_mean: float
    jaccard_min: float
    silhouette: float | None
    explained: float | None = Field(None, description="share of the inputs' variance between segments")
    chosen: bool = False


class TreeNode(Record):
    """The distilled tree, for drawing: a split with two branches, or a leaf with its segment."""

    rule: str
    words: str = Field("", description="the rule in plain words")
    share: float
    segment: str | None = None
    branches: list[TreeNode] = []


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


class Run(Record):
    """A whole run; `shoal run --json` prints it."""

    run_id: str
    workspace: str
    as_of: str
    currency: str | None = None
    rows: dict[str, int] = Field(description="rows of every table")
    segments: list[Segment]
    verdicts: list[Verdict]
    comparison: Comparison | None = None
    discovery: Discovery | None = None
    quality: list[SourceQuality] = []
    timings: dict[str, float] = {}
    questions: list[str] = []
    notes: list[str] = []
    extra: dict[str, Any] = {}

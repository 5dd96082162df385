"""What the read API answers, as its OpenAPI document shows it. The view makes the answers; more may follow in them."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Value: TypeAlias = str | float | bool | None


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(extra="allow", json_schema_extra={"examples": [values]})


class Fault(BaseModel):
    """What went wrong, in one word and in words, and what to do."""

    code: str = Field(description="one word that programs can rely on, such as `not_found`")
    message: str
    remedy: str


class Problem(BaseModel):
    """Every answer that is not a success."""

    model_config = _example(
        error={
            "code": "not_found",
            "message": "there is no segment 'Loyall'. Did you mean 'Loyal'?",
            "remedy": "see /v1/segments",
        }
    )
    error: Fault


class Identifier(BaseModel):
    """One of a person's identifiers."""

    model_config = _example(type="email", value="ada@example.org")
    type: str
    value: str


class Score(BaseModel):
    """What a model says of a person."""

    model_config = _example(
        model="churn", score=0.31, low=0.22, high=0.41, version="2024-05-01", label="churn in 90 days"
    )
    model: str
    score: float | None
    low: float | None = None
    high: float | None = None
    version: str | int | None = None
    label: str | None = None


class Membership(BaseModel):
    """A stay in a segment that has not ended."""

    model_config = _example(segment="Loyal", version=2, entered_at="2024-05-01T09:30:00+00:00", status="released")
    segment: str
    version: int
    entered_at: str | None
    status: str | None = None


class Item(BaseModel):
    """Something a person is drawn to."""

    model_config = _example(model="item", rank=1, item="A17", name="Trail shoes", new=True)
    model: str
    rank: int
    item: str
    name: str | None = None
    new: bool | None = None


class Action(BaseModel):
    """What to do next for a person."""

    model_config = _example(segment="Loyal", action="early access", why="released segment with the largest effect")
    segment: str | None
    action: str | None
    why: str | None = None


class Profile(BaseModel):
    """One person as of now."""

    model_config = _example(
        profile_id="p00000000000000ff",
        first_seen="2023-11-02T10:00:00+00:00",
        last_seen="2024-05-01T09:30:00+00:00",
        as_of="2024-05-01T09:30:01+00:00",
        identifiers=[{"type": "email", "value": "ada@example.org"}],
        traits={"country": "NL"},
        features={"orders_90d": 3, "recency_days": 0},
        scores=[
            {"model": "churn", "score": 0.31, "low": 0.22, "high": 0.41, "version": "1", "label": "churn in 90 days"}
        ],
        memberships=[
            {"segment": "Loyal", "version": 2, "entered_at": "2024-05-01T09:30:00+00:00", "status": "released"}
        ],
        recommended=[{"model": "item", "rank": 1, "item": "A17", "name": "Trail shoes", "new": True}],
        next_best_action={"segment": "Loyal", "action": "early access", "why": "largest effect"},
    )
    profile_id: str
    first_seen: str | None
    last_seen: str | None
    as_of: str | None
    identifiers: list[Identifier]
    traits: dict[str, Value]
    features: dict[str, Value]
    scores: list[Score]
    memberships: list[Membership]
    affinities: list[Item] = Field(default_factory=list)
    recommended: list[Item] = Field(default_factory=list)
    next_best_action: Action | None = None


class Segment(BaseModel):
    """A segment version that is live."""

    model_config = _example(
        name="Loyal", version=2, kind="rule", status="released", rule="orders_90d >= 3",
        words="at least 3 orders in the last 90 days", size=4210,
    )  # fmt: skip
    name: str
    version: int
    kind: str
    status: str
    rule: str
    words: str | None = None
    size: int | None = None


class Segments(BaseModel):
    """Every segment version that is live."""

    segments: list[Segment]


class Member(BaseModel):
    """One person in a segment."""

    model_config = _example(profile_id="p00000000000000ff", entered_at="2024-05-01T09:30:00+00:00")
    profile_id: str
    entered_at: str | None


class Members(BaseModel):
    """A page of a segment's members."""

    members: list[Member]
    next: str | None = Field(description="pass as `after` for the next page; null on the last one")


class Clause(BaseModel):
    """One condition of a rule, with what it is for this person."""

    model_config = _example(words="at least 3 orders in the last 90 days", rule="orders_90d >= 3", holds=True,
                            actual={"orders_90d": 3}, parts=[])  # fmt: skip
    words: str
    rule: str
    holds: bool | None
    actual: dict[str, Any] = Field(default_factory=dict)
    parts: list[Clause] = Field(default_factory=list)


class Explanation(BaseModel):
    """Why a person is or is not in a segment."""

    model_config = _example(
        segment="Loyal", version=2, profile_id="p00000000000000ff", at="2024-05-01T09:30:01+00:00", member=True,
        rule="orders_90d >= 3", words="at least 3 orders in the last 90 days",
        clauses=[{"words": "at least 3 orders", "rule": "orders_90d >= 3", "holds": True, "actual": {"orders_90d": 3},
                  "parts": []}],
    )  # fmt: skip
    segment: str
    version: int
    profile_id: str
    at: str | None
    member: bool
    rule: str
    words: str | None = None
    clauses: list[Clause]


class Why(BaseModel):
    """What made a membership change."""

    model_config = _example(cause="event", event="Order Completed", offset=8812)
    cause: str = Field(description="event, time, rule or merge")
    event: str | None = None
    offset: int | None = None


class Change(BaseModel):
    """Somebody entered or left a segment."""

    model_config = _example(
        position=17, id="5f0c2a", change="entered", segment="Loyal", version=2, status="released",
        profile_id="p00000000000000ff", at="2024-05-01T09:30:00+00:00",
        why={"cause": "event", "event": "Order Completed", "offset": 8812},
    )  # fmt: skip
    position: int = Field(description="grows by one with every change")
    id: str = Field(description="the same for the same change, however often it is sent")
    change: Literal["entered", "left"]
    segment: str
    version: int
    status: str | None = None
    profile_id: str
    at: str
    why: Why


class Feed(BaseModel):
    """A piece of the feed of membership changes."""

    changes: list[Change]
    next: int = Field(description="pass as `after` for what follows")


class Status(BaseModel):
    """How far the live side is."""

    model_config = _example(offset=8812, log_last=8812, clock="2024-05-01T09:30:01+00:00", people=120_000, segments=14,
                            lag_s=0.02, ready=True, definition="9c1f")  # fmt: skip
    ready: bool
    offset: int
    log_last: int
    clock: str | None = None
    people: int | None = None
    segments: int | None = None
    lag_s: float | None = None
    definition: str | int | None = None


class Personal(BaseModel):
    """A website visitor's own segments, by name."""

    model_config = _example(segments=["Loyal"])
    segments: list[str]

from __future__ import annotations

import pytest

from shoal.summary import Brief, Segment, Verdict
from shoal.validate.gate import decide, gated, worst
from shoal.validate.verdict import judge

KINDS = {"A": "discovered", "B": "rfm"}
STABLE, SHAKY, SMALL = (
    judge("stability", "A", 0.9, n=500),
    judge("stability", "A", 0.3, n=500),
    judge("size", "A", 10),
)
NO_DIFFERENCE = judge("difference", "set:discovered", 0.0, -0.001, 0.001, n=5000)


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        pytest.param([STABLE], "draft", id="all pass"),
        pytest.param([STABLE, SHAKY], "refused", id="one refuses"),
        pytest.param([SMALL], "niche", id="only small"),
        pytest.param([SMALL, SHAKY], "refused", id="small and shaky"),
        pytest.param([NO_DIFFERENCE], "refused", id="the set"),
        pytest.param([judge("stability", "A", 0.65, n=500)], "draft", id="a warning"),
        pytest.param([judge("stability", "A", 0.1, n=3)], "draft", id="not enough data"),
        pytest.param([judge("silhouette", "A", -0.5, n=500)], "draft", id="an advising check"),
        pytest.param([], "draft", id="no checks"),
    ],
)
def test_the_status_follows_from_the_verdicts(verdicts: list[Verdict], status: str) -> None:
    assert decide(verdicts, KINDS)["A"].status == status


def test_a_set_that_fails_leaves_the_other_sets_alone() -> None:
    assert decide([NO_DIFFERENCE], KINDS)["B"].status == "draft"


def test_the_reason_tells_number_and_rule() -> None:
    (reason,) = decide([SHAKY], KINDS)["A"].reasons
    assert reason.startswith("stability of the segment: fail 0.3; mean bootstrap Jaccard at least 0.75 passes")


def test_warnings_are_doubts_and_no_reasons() -> None:
    decision = decide([judge("stability", "A", 0.65, n=500)], KINDS)["A"]
    assert (len(decision.reasons), len(decision.doubts)) == (0, 1)


def test_a_refused_segment_stays_in_the_list() -> None:
    segment = Segment(name="A", kind="discovered", rule="a > 1", words="", size=9, share=1, brief=Brief(headline=""))
    assert [one.status for one in gated([segment], [SHAKY])] == ["refused"]


def test_the_worst_result_wins() -> None:
    assert worst([STABLE, judge("stability", "A", 0.1, n=3)]) == "not enough data"
    assert worst([STABLE, SHAKY]) == "fail"

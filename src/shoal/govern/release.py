"""What it takes to release a segment or to retire one: who, why, and what would be done differently."""

from __future__ import annotations

import getpass
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from shoal.errors import Refused, UsageError
from shoal.releases import pick
from shoal.summary import Release, Segment, Verdict

QUESTION = "What would we do differently for this segment?"
STOPPED = ("refused", "niche")
_EMPTY = re.compile(r"(nothing|none|no|n/?a|nil)( (different(ly)?|special|at all))?", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2,}")


def approval(
    segment: Segment,
    verdicts: Sequence[Verdict],
    *,
    answer: str,
    by: str | None = None,
    note: str = "",
    despite: str = "",
    run_id: str = "",
) -> Release:
    """The record of a person's approval of a segment as it stands.

    Args:
        verdicts: those on the segment; none means that it was never validated.
        answer: what would be done differently for these people; without one it is no segment to act on.
        by: who approves; the user of this machine when left out.
        despite: why it is released although a gate stopped it, or nobody validated it.

    Raises:
        Refused: the answer says nothing, a gate stopped the segment, or it is released already.
    """
    name = f"'{segment.name}' (version {segment.version})"
    if segment.status == "released":
        raise Refused(f"{name} is released already. Remedy: nothing is to be done")
    if not _WORD.search(answer) or _EMPTY.fullmatch(" ".join(answer.split()).strip(".! ")):
        raise Refused(
            f"{name}: the answer to '{QUESTION}' is {answer.strip()!r}. Rule: a segment for which nothing would be "
            "done differently is none to release. Remedy: say what, in a sentence"
        )
    stops = _stops(segment, verdicts)
    if stops and not despite.strip():
        raise Refused(f"{name} is {stops}. Remedy: find out why; or `--despite REASON`, which is recorded")
    reason = f"despite being {stops.split(':')[0]}: {despite.strip()}" if stops else ""
    return _record(
        segment, "approved", by, answer.strip(), "; ".join(one for one in (reason, note.strip()) if one), run_id
    )


def retirement(segment: Segment, *, why: str, by: str | None = None, run_id: str = "") -> Release:
    """The record that a person ended a segment, released or still a draft.

    Raises:
        UsageError: there is no reason.
        Refused: it is retired already.
    """
    if not why.strip():
        raise UsageError("a segment is retired for a reason. Remedy: `--why TEXT`")
    if segment.status == "retired":
        raise Refused(f"'{segment.name}' (version {segment.version}) is retired already. Remedy: nothing is to be done")
    return _record(segment, "retired", by, "", why.strip(), run_id)


def to_approve(segments: Sequence[Segment], wanted: str) -> Segment:
    """The segment that `approve NAME` means: its newest version that is not released."""
    return pick(segments, wanted, undecided=True)


def _stops(segment: Segment, verdicts: Sequence[Verdict]) -> str:
    if segment.status in STOPPED:
        failed = [f"{one.check} {one.value:.3g}" for one in verdicts if one.result == "fail" and one.value is not None]
        return f"{segment.status}: failed {', '.join(failed)}" if failed else segment.status
    return "" if verdicts else "not validated: no check has looked at it"


def _record(segment: Segment, decision: str, by: str | None, answer: str, note: str, run_id: str) -> Release:
    return Release.model_validate(
        {
            "segment": segment.name,
            "version": segment.version,
            "kind": segment.kind,
            "rule": segment.rule,
            "size": segment.size,
            "decision": decision,
            "at": datetime.now(UTC).isoformat(),
            "by": who(by),
            "answer": answer,
            "note": note,
            "run_id": run_id,
        }
    )


def who(by: str | None) -> str:
    """Who decides: the name that was given, else this machine's user.

    Raises UsageError when the account has no name.

    >>> who(" ada ")
    'ada'
    """
    if by is not None and by.strip():
        return by.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        raise UsageError("nobody knows who you are. Remedy: `--by WHO`") from None

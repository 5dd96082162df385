"""Why a row goes to quarantine: every code, what it means and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shoal.summary import SourceQuality


@dataclass(frozen=True)
class Reason:
    """A reason code's meaning and remedy, in words."""

    meaning: str
    remedy: str


REASONS = {
    "columns": Reason("the line has more or fewer columns than the file", "quote values that hold the separator"),
    "unclosed_quote": Reason(
        "a quote is opened and never closed; the line alone was taken out", "close the quote, or set `csv.quote: ''`"
    ),
    "quotes": Reason("there is text after a closing quote", 'double the quotes inside a value: ""'),
    "too_long": Reason("the line is longer than a line may be", "look for a missing line end"),
    "encoding": Reason("the line is not in the file's encoding", "set `csv.encoding`"),
    "unreadable": Reason("the line cannot be cut into columns", "open the file at this line"),
    "bad_json": Reason("the line is not a JSON object", "write one object a line"),
    "malformed": Reason("the message cannot be read, or a part of it is not of its kind", "mend what sends it"),
    "too_large": Reason("the message has more than 32 KB", "send less with an event"),
    "bad_type": Reason("the message's type is unknown", "send track, identify, page, screen, group or alias"),
    "excluded": Reason("the source's `where` does not hold", "change `where` if the row should count"),
    "no_identifier": Reason(
        "no identifier is left: all are blank or placeholders", "map another identifier if the file has one"
    ),
    "no_event": Reason("the column that names the event is blank", "fill it, or give `event` a fixed name"),
    "bad_time": Reason("the time is blank, unreadable or before 1900", "set `at_format`, or mend the value"),
    "future_time": Reason("the time lies more than a day ahead of now", "mend the value, or set `time_zone`"),
    "duplicate": Reason(
        "an earlier row equals it in every column, or has its `id`", "set `duplicates: keep` if both happened"
    ),
    "bad_value": Reason(
        "the value is there and is not a number, or is beyond 10^15", "set `csv.decimal`, or mend the value"
    ),
    "unknown_currency": Reason("no rate is known for the row's currency", "add it to `rates`"),
    "negative_value": Reason("the value is negative and the row is no return", "tell returns apart with `returns`"),
}
"""In the order in which they are looked for: a row has the first that holds."""


def nothing(quality: Sequence[SourceQuality], as_of: int | None) -> str:
    """Why no event and no customer came out of any source, and what to do about each; `as_of` is in microseconds."""
    told = "\n".join(f"  {one.source}: {_why_nothing(one, as_of)}" for one in quality)
    what = "event" if any(one.loaded for one in quality) else "row"
    return f"there is no {what}, so there is nobody to segment:\n{told}\nRemedy: `shoal doctor` looks at every source"


def _why_nothing(one: SourceQuality, as_of: int | None) -> str:
    if one.error:
        return one.error
    if not one.read:
        return "; ".join(one.notes) or "the source has no rows"
    if one.later and as_of is not None:
        until = datetime.fromtimestamp(as_of / 1e6, UTC).isoformat()
        return f"{one.later:,} of {one.read:,} rows are later than {until}, the instant asked for; ask for a later one"
    if one.loaded:
        return (
            f"{one.loaded:,} customers without anything they did; add a source of events (orders, log-ins, pages), "
            "or map the column that says when as `at`"
        )
    worst = max(one.reasons, key=lambda reason: one.reasons[reason])
    reason = REASONS[worst]
    return (
        f"all {one.read:,} rows were refused, {one.reasons[worst]:,} of them as {worst} ({reason.meaning}); "
        f"{reason.remedy}"
    )

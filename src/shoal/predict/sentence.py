"""Labels said in a sentence: `no Order Completed within 90d, among those active in the last 180d`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SPAN = r"[1-9]\d{0,5} ?[hdw]"
_SENTENCE = re.compile(
    rf"(?P<no>no\s+)?(?P<event>.+?)(?:\s+where\s+(?P<where>.+?))?\s+within\s+(?P<horizon>{_SPAN})"
    rf"(?:,?\s+among\s+(?:those|people|customers)\s+(?:active|with\s+(?P<of>.+?))"
    rf"\s+(?:in\s+the\s+last|within)\s+(?P<active>{_SPAN}))?\s*\.?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sentence:
    """What a sentence says: whether the event must not happen, which, how far ahead, among whom."""

    absent: bool
    event: str
    where: str | None
    horizon: str
    active_within: str | None
    of: str | None = None


def read(text: str) -> Sentence | None:
    """The sentence in `text`; None where it is an expression of the rule language.

    >>> read("no Order Completed within 90d, among those active in the last 180d")
    Sentence(absent=True, event='Order Completed', where=None, horizon='90d', active_within='180d', of=None)
    >>> read("Churn = 'Yes'") is None
    True
    """
    found = _SENTENCE.fullmatch(text.strip())
    if found is None:
        return None
    said = found.groupdict()
    return Sentence(bool(said["no"]), said["event"].strip(), said["where"], said["horizon"], said["active"], said["of"])

"""Champion and challenger: which version of a model is in use, and why; both stay on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from shoal.errors import ShoalError
from shoal.summary import Contest, Interval

Model = TypeVar("Model")


@dataclass(frozen=True)
class Entry:
    """One version of a model: the question it answers, and the last instant (microseconds) whose outcome it knows."""

    name: str
    version: str
    key: str
    learned_until: int
    made_by: str
    metric: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `Entry(**data)` is the inverse."""
        return asdict(self)


@dataclass(frozen=True)
class Champion:
    """The version in use before this run; `refused` says why it cannot be used, `files` are empty then."""

    entry: Entry
    files: Mapping[str, bytes]
    refused: str = ""


def settle(
    champion: Entry | None,
    challenger: Entry,
    *,
    tested_from: int | None,
    gain: Interval | None,
    refused: str = "",
) -> Contest:
    """Decides between the version in use and the new one.

    Args:
        champion: the version in use; None when there is none.
        challenger: the version that this run made.
        tested_from: the newest labelled window's beginning (microseconds); None where there is no time.
        gain: how much better the challenger was there, both judged on the same people; None when it was not measured.
        refused: why the champion cannot be used, when it cannot.

    The challenger takes over only where it was better on a window that neither had seen.

    >>> old, new = (Entry("churn", v, "k", until, "run", "auc") for v, until in (("a", 10), ("b", 30)))
    >>> settle(old, new, tested_from=20, gain=Interval(value=0.01, low=-0.01, high=0.03)).winner
    'b'
    >>> settle(old, new, tested_from=5, gain=None).words
    'a stays: it has learned from the newest labelled window, so nothing fair can be said yet'
    """

    def told(winner: str, words: str) -> Contest:
        return Contest(
            champion=champion.version if champion else None,
            challenger=challenger.version,
            metric=challenger.metric,
            gain=gain,
            winner=winner,
            words=f"{winner} {words}",
        )

    if champion is None:
        return told(challenger.version, "is the first of its name")
    if refused:
        how = "was made anew" if champion.version == challenger.version else "takes over"
        return told(challenger.version, f"{how}: {champion.version} was refused ({refused})")
    if champion.learned_until > challenger.learned_until:
        why = f"{champion.version} has learned from what came after the instant of this run"
        return told(challenger.version, f"takes over: {why}")
    if champion.version == challenger.version:
        return told(champion.version, "stays: the new fit is the same to the bit")
    if champion.key != challenger.key:
        return told(challenger.version, f"takes over: {champion.version} answers another question")
    if tested_from is None:
        return told(challenger.version, f"takes over: without times, {champion.version} cannot be judged on later rows")
    if champion.learned_until > tested_from:
        return told(
            champion.version, "stays: it has learned from the newest labelled window, so nothing fair can be said yet"
        )
    if gain is not None and gain.value is not None and gain.value > 0:
        return told(challenger.version, f"takes over from {champion.version}: better on the newest labelled window")
    return told(champion.version, f"stays: {challenger.version} was not better on the newest labelled window")


def contested(
    champion: Champion | None, challenger: Entry, *, tested_from: int | None, gain: Interval | None
) -> Contest:
    """`settle` for a champion with its files."""
    if champion is None:
        return settle(None, challenger, tested_from=tested_from, gain=gain)
    return settle(champion.entry, challenger, tested_from=tested_from, gain=gain, refused=champion.refused)


def comparable(champion: Entry, challenger: Entry, tested_from: int) -> bool:
    """Whether both answer one question, differ, and the champion has not seen what happened since `tested_from`."""
    same = champion.version == challenger.version
    return not same and champion.key == challenger.key and champion.learned_until <= tested_from


def opened(
    champion: Champion | None, load: Callable[[Mapping[str, bytes]], Model]
) -> tuple[Champion | None, Model | None]:
    """The champion with its model, as `load` reads it; without one, and saying why, where its files are none."""
    if champion is None or champion.refused:
        return champion, None
    try:
        return champion, load(champion.files)
    except ShoalError as error:
        return replace(champion, files={}, refused=str(error)), None


def on_record(entry: Entry, files: Mapping[str, bytes], champion: Champion | None) -> dict[str, Mapping[str, bytes]]:
    """The versions to keep: the new one, and the one in use before unless it was refused."""
    earlier = {champion.entry.version: champion.files} if champion is not None and champion.files else {}
    return {**earlier, entry.version: files}

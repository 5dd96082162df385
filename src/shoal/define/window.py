"""The stretch of time before an instant that a feature looks at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open stretch (T - before - within, T - before], in microseconds; all the past without `within`."""

    within: int | None = None
    before: int = 0

    def high(self, as_of: int) -> int:
        """The last instant in it."""
        return as_of - self.before

    def low(self, as_of: int) -> int | None:
        """The instant after which it begins."""
        return None if self.within is None else as_of - self.before - self.within

    def previous(self) -> Window:
        """The window of the same length that ends where this one begins."""
        return Window(self.within, self.before + (self.within or 0))

    def edges(self, as_of: int) -> set[int]:
        """Its bounds as instants."""
        low = self.low(as_of)
        return {self.high(as_of)} if low is None else {low, self.high(as_of)}

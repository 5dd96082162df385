"""How a model in use is applied to people again: whom it means and what it needs, as plain data on a run's record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from shoal.define.packs import Definition
from shoal.define.parse import names_in
from shoal.predict.objective import Task

Way = Literal["question", "table", "value", "lookalike"]


@dataclass(frozen=True)
class Use:
    """One model in use: its name, the way it works, the version that gives the scores.

    `rule` says whom a question means, and whose likeness a lookalike measures (they have no score). `now` are the
    features that `rule` and the model read beside those of the run; `events` and `time_zone` those of a value's
    purchases and of their days.
    """

    name: str
    way: Way
    version: str
    rule: str = "true"
    now: Mapping[str, Definition] = field(default_factory=dict)
    events: tuple[str, ...] = ()
    time_zone: str = "UTC"

    @classmethod
    def of_question(cls, task: Task, version: str) -> Use:
        """Of a yes-or-no question over events."""
        read = names_in(task.among) | set(task.inputs)
        return cls(
            task.name, "question", version, task.among, {name: task.now[name] for name in task.now if name in read}
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` is the inverse."""
        return {**asdict(self), "events": list(self.events)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Use:
        """What `to_dict` gave.

        >>> one = Use("value", "value", "abc", events=("Order Completed",))
        >>> Use.from_dict(one.to_dict()) == one
        True
        """
        return cls(**{**data, "events": tuple(data["events"])})

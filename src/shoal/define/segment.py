"""Segments of your own: one YAML file each in `segments/`, a rule that you wrote.

# segments/vip.yaml
rule: revenue_365d >= 1000 and recency_days <= 60
description: who we call in person

# segments/save.yaml
rule: churn >= 0.4
budget: 500              # the best 500 of them ...
by: churn * clv_12m      # ... by what they may take away
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from shoal.define.relative import Rank, Resolved, best, resolve
from shoal.errors import Fault, SettingsError, suggest

_BUDGET = re.compile(r"(\d{1,12}) ?|(\d{1,3}(?:\.\d{1,6})?) ?%")


class SegmentFile(BaseModel):
    """What a file in `segments/` may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("", description="the segment's name; the file's name when left out")
    rule: str = Field(min_length=1, description="predicate over features and traits, in the rule language")
    description: str = Field("", description="what it is for")
    strategies: list[str] = Field(default_factory=list, description="what to do with these people")
    budget: int | str | None = Field(
        None, description="only the best of them by `by`: a number of people, or a share of them such as 10%"
    )
    by: str | None = Field(None, min_length=1, description="with `budget`: a formula; more of it is better")
    _file: str = PrivateAttr("")

    def model_post_init(self, context: Any) -> None:
        """Remembers the file that it was read from, the context of its validation."""
        self._file = context or ""

    @property
    def file(self) -> str:
        """Where it is written, for messages."""
        return self._file or f"segments/{self.name}.yaml"

    @field_validator("budget", mode="before")
    @classmethod
    def _some(cls, value: object) -> object:
        found = _BUDGET.fullmatch(str(value).strip()) if isinstance(value, int | str) else None
        if value is None or (found and (int(found[1]) >= 1 if found[1] else 0 < Decimal(found[2]) <= 100)):
            return value
        raise ValueError(f"'{value}' is no budget: a number of people such as 500, or a share such as 10%")

    @model_validator(mode="after")
    def _both(self) -> SegmentFile:
        if (self.budget is None) != (self.by is None):
            raise ValueError("`budget` and `by` go together: so many people, the best by a formula")
        return self

    def resolved(self, table: pa.Table) -> Resolved:
        """The plain rule as of one instant: `table` has everybody, with the columns that rules read.

        Raises ExpressionError with the place in `rule` or `by`.
        """
        plain = resolve(self.rule, table)
        if self.budget is None or self.by is None:
            return plain
        written = str(self.budget).strip()
        rank = Rank(Decimal(written.removesuffix("%").strip()), percent=written.endswith("%"))
        found = best(plain.rule, self.by, rank, table)
        return Resolved(found.rule, {**plain.phrases, **found.phrases}, (*plain.notes, *found.notes))


def load_segments(folder: Path) -> list[SegmentFile]:
    """Every segment file of a workspace, by name.

    Raises SettingsError with the faults of all files at once.
    """
    found: list[SegmentFile] = []
    faults: list[Fault] = []
    for path in sorted((folder / "segments").glob("*.y*ml")):
        shown = f"segments/{path.name}"
        try:
            raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            if not isinstance(raw, dict):
                faults.append(Fault(shown, 1, "file", "is not a mapping", "start with `rule:`"))
                continue
            segment = SegmentFile.model_validate(raw, context=shown)
            found.append(segment.model_copy(update={"name": segment.name or path.stem}))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            faults.append(Fault(shown, mark.line + 1 if mark else None, "YAML", str(error), "mend the YAML"))
        except OSError as error:
            faults.append(Fault(shown, None, "file", f"cannot be read ({error.strerror})", "make it a readable file"))
        except UnicodeDecodeError as error:
            faults.append(Fault(shown, None, "encoding", f"is not UTF-8 ({error})", "save the file as UTF-8"))
        except ValidationError as error:
            for item in error.errors():
                place = ".".join(str(part) for part in item["loc"]) or "file"
                hint = suggest(place, SegmentFile.model_fields) if item["type"] == "extra_forbidden" else ""
                faults.append(
                    Fault(
                        shown,
                        None,
                        place,
                        f"{item['msg'].removeprefix('Value error, ')}.{hint}".rstrip("."),
                        "see docs/segments.md",
                    )
                )
    names = [segment.name for segment in found]
    faults.extend(
        Fault("segments/", None, name, "is the name of two segments", "rename one")
        for name in sorted({name for name in names if names.count(name) > 1})
    )
    if faults:
        raise SettingsError(faults)
    return found

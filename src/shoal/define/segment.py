"""Segments of your own: one YAML file each in `segments/`, a rule that you wrote.

# segments/vip.yaml
rule: revenue_365d >= 1000 and recency_days <= 60
description: who we call in person
"""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shoal.errors import Fault, SettingsError, suggest


class SegmentFile(BaseModel):
    """What a file in `segments/` may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("", description="the segment's name; the file's name when left out")
    rule: str = Field(min_length=1, description="predicate over features and traits, in the rule language")
    description: str = Field("", description="what it is for")
    strategies: list[str] = Field(default_factory=list, description="what to do with these people")


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
            segment = SegmentFile.model_validate(raw)
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
                place = ".".join(str(part) for part in item["loc"])
                hint = suggest(place, SegmentFile.model_fields) if item["type"] == "extra_forbidden" else ""
                faults.append(Fault(shown, None, place, f"{item['msg']}.{hint}".rstrip("."), "see docs/segments.md"))
    names = [segment.name for segment in found]
    faults.extend(
        Fault("segments/", None, name, "is the name of two segments", "rename one")
        for name in sorted({name for name in names if names.count(name) > 1})
    )
    if faults:
        raise SettingsError(faults)
    return found

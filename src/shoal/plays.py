"""Strategies as entries of a catalogue: what calls for them, what to do, by what channel, and how one will know.

The ready ones are `model/playbook.yaml`; those of a workspace stand in its `playbooks/strategies.yaml`:

# playbooks/strategies.yaml
- move: return
  when: [commerce, fading, high_value]
  do: "Anna calls them, the largest accounts first."
  channel: phone
  measure: orders within 30 days, against the tenth that she does not call
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from shoal.errors import Fault, SettingsError, suggest

FILE = "playbooks/strategies.yaml"
LONGEST = 500  # characters of a text
Business = Literal["commerce", "saas", "b2b", "media"]
BUSINESSES: tuple[str, ...] = get_args(Business)
# What can be said of a segment in a word, and what the word means. `when` and `not` are made of these.
WORDS: Mapping[str, str] = {
    "commerce": "a shop: orders",
    "saas": "a service that people use: subscriptions, logins, functions",
    "b2b": "customers are companies",
    "media": "content: articles, streams, pages",
    "people": "only traits are known, not what people did",
    "new": "seen lately, and first seen lately",
    "active": "seen lately, known for longer",
    "fading": "seen less lately than three quarters of those who return",
    "lapsed": "not seen for longer than nineteen in twenty of those who return",
    "just_lapsed": "lapsed by less than half as long again",
    "long_lapsed": "lapsed for three times as long as that takes, and for a year at least",
    "never": "most have not bought (or done anything) yet",
    "once": "most bought, or came, once",
    "repeat": "more than once",
    "frequent": "as often as the upper quarter of those who came back",
    "high_value": "at least 1.8 times their share of past value",
    "mid_value": "between",
    "low_value": "at most half of their share of past value",
    "rising": "doing more than in the period before",
    "declining": "doing less than in the period before",
    "returns": "a twentieth of their value or more goes back",
    "discount": "buying with discounts more than others",
    "intent": "carts, checkouts, comparisons, pricing visits",
    "wide": "many categories, items or pages",
    "large_orders": "larger orders than others",
    "small_orders": "smaller orders than others",
    "weekend": "mostly at weekends",
    "evening": "mostly in the evening",
    "morning": "mostly in the morning",
    "night": "mostly at night",
    "leaving": "predicted to leave",
    "shrinking": "predicted to do less",
    "ready": "predicted to buy soon",
    "converting": "predicted to convert",
    "upgrading": "predicted to spend more",
    "crossing": "predicted to buy a category that is new to them",
    "likely": "predicted to have the outcome of a label",
    "alike": "alike to a seed segment",
    "promising": "predicted to be worth most",
    "losing": "a loss (churn and the like) is on record more often than among others",
    "holding": "a loss is on record less often than among others",
    "winning": "a win (conversion and the like) is on record more often than among others",
    "unmoved": "a win is on record less often than among others",
}


class Strategy(BaseModel):
    """One entry: it applies when all `when` words hold and none of its `not` words do."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    move: str = Field(min_length=1, max_length=40, description="what it is a move of; one entry a move is recommended")
    when: list[str] = Field(description="words that must all hold; none: always")
    unless: list[str] = Field(default_factory=list, alias="not", description="words of which none may hold")
    do: str = Field(min_length=1, max_length=LONGEST, description="what to do, in a sentence or two")
    channel: str = Field("", max_length=LONGEST, description="by what")
    measure: str = Field("", max_length=LONGEST, description="how you will know that it works")

    @field_validator("when", "unless")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for word in value:
            if word not in WORDS:
                raise ValueError(f"unknown word '{word}'.{suggest(word, WORDS)}")
        return value

    def fits(self, tags: frozenset[str]) -> bool:
        """Whether it applies to a segment of which `tags` are said.

        >>> Strategy(move="keep", when=["active"], do="Thank them.").fits(frozenset({"active", "commerce"}))
        True
        """
        return tags.issuperset(self.when) and tags.isdisjoint(self.unless)

    @property
    def said(self) -> str:
        """The whole entry as a person reads it.

        >>> Strategy(move="keep", when=[], do="Thank them.", channel="phone", measure="orders within 30 days").said
        'Thank them. Channel: phone. Measure: orders within 30 days.'
        """
        channel = f" Channel: {self.channel.rstrip('.')}." if self.channel else ""
        return self.do + channel + (f" Measure: {self.measure.rstrip('.')}." if self.measure else "")


def words_table() -> str:
    """The words as a table in Markdown, for docs/playbook.md."""
    rows = [f"| `{word}` | {meaning} |" for word, meaning in WORDS.items()]
    return "\n".join(["| word | the segment's people |", "| --- | --- |", *rows])


def load_strategies(folder: Path) -> list[Strategy]:
    """The strategies of a workspace's own; none where it has no such file.

    Raises SettingsError with every fault of the file.
    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise _fault("encoding", f"is not UTF-8 ({error})", "save the file as UTF-8") from None
    except OSError as error:
        raise _fault("file", f"cannot be read ({error.strerror})", "make it a file that this user may read") from None
    return parse_strategies(text)


def parse_strategies(text: str) -> list[Strategy]:
    """Checks the text of a `strategies.yaml`: a list of entries.

    >>> parse_strategies("- {move: keep, when: [active], do: Thank them.}")[0].do
    'Thank them.'
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        raise _fault("YAML", what, "mend the YAML at this line", mark.line + 1 if mark else None) from None
    if raw is None:
        return []
    if not isinstance(raw, list) or not isinstance(node, yaml.SequenceNode):
        raise _fault("file", "is not a list of strategies", "start each one with `- move:`", 1)
    found: list[Strategy] = []
    faults: list[Fault] = []
    for place, entry in enumerate(raw):
        line = node.value[place].start_mark.line + 1
        try:
            found.append(Strategy.model_validate(entry))
        except ValidationError as error:
            faults += [_of(item, place, line) for item in error.errors()]
    if faults:
        raise SettingsError(faults)
    return found


def _of(item: Mapping[str, Any], place: int, line: int) -> Fault:
    name = ".".join(str(part) for part in item["loc"])
    what = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        what = f"unknown key '{name}'.{suggest(name, ['move', 'when', 'not', 'do', 'channel', 'measure'])}"
    where = f"{place + 1}.{name}" if name else str(place + 1)
    return Fault(FILE, line, where, what, "see docs/playbook.md")


def _fault(where: str, what: str, remedy: str, line: int | None = None) -> SettingsError:
    return SettingsError([Fault(FILE, line, where, what, remedy)])

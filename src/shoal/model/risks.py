"""The catalogue of risks, and which of them a segment has, with its own numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Formatter

import yaml

# Words of the evidence, beside those of the playbook: risks.yaml says what they mean.
WORDS = ("few", "niche", "unstable", "simplified", "drifting", "concentrated", "sparse")


@dataclass(frozen=True)
class Risk:
    """One entry: what it is a risk of, the words that call for it and rule it out, what is said, and its numbers."""

    risk: str
    when: frozenset[str]
    unless: frozenset[str]
    say: str

    @property
    def numbers(self) -> frozenset[str]:
        """The names in braces.

        >>> sorted(Risk("size", frozenset(), frozenset(), "Small: {people} of {floor}.").numbers)
        ['floor', 'people']
        """
        return frozenset(name for _, name, _, _ in Formatter().parse(self.say) if name)


@cache
def catalogue() -> tuple[Risk, ...]:
    """Every risk, in the order of a brief."""
    text = files("shoal.model").joinpath("risks.yaml").read_text(encoding="utf-8")
    return tuple(
        Risk(item["risk"], frozenset(item["when"]), frozenset(item.get("not", ())), item["say"])
        for item in yaml.safe_load(text)
    )


def risks(tags: Collection[str], facts: Mapping[str, str]) -> list[str]:
    """What could go wrong with a segment of which the tags are said; numbers that are not known are not made up.

    >>> risks({"few"}, {"people": "12"})
    ['Small: 12 people; effects of a campaign will be hard to measure.']
    >>> risks({"few"}, {})
    []
    """
    said = frozenset(tags)
    found: dict[str, str] = {}
    for one in catalogue():
        if one.risk not in found and one.when <= said and not one.unless & said and one.numbers <= set(facts):
            found[one.risk] = one.say.format_map(facts)
    return list(found.values())

"""Traits beside features: rules may read them, and where nobody tells what people did they are what people differ in.

A trait that is a text becomes numbers by its common values: an input is then called what it says, such as
`contract = 'Two year'`, and a rule over it reads the trait itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shoal.define.parse import parse
from shoal.define.protected import barred
from shoal.define.tree import columns_of
from shoal.define.types import types_of
from shoal.define.words import quoted
from shoal.errors import ExpressionError
from shoal.model.matrix import missing, whole
from shoal.model.meta import OUTCOME, SPELT, TRAIT, FeatureMeta
from shoal.settings import Objective

if TYPE_CHECKING:
    from shoal.model.portrait import Portrait

COMMON = 0.05  # share of the people that a value needs to become an input
MOST = 8  # inputs that one text gives
LONGEST = 60  # characters of a value that is still a name
TOLD = 0.3  # an effect that an input needs to name people
MIDDLE = 0.5
HEIGHTS = ((0.15, "very low"), (0.42, "low"), (0.58, "middling"), (0.85, "high"), (1.0, "very high"))
MOSTLY, HARDLY = 0.5, 0.1  # shares of people from which a value is said to be theirs, or not
YES = frozenset({"yes", "y", "true", "ja", "oui", "si", "1"})
NO = frozenset({"no", "n", "false", "nein", "non", "0"})
Value = str | bool | float


@dataclass(frozen=True)
class Told:
    """The traits of everybody, sorted by `person`, and why some are left out."""

    table: pa.Table
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        return [name for name in self.table.column_names if name != "person"]

    @property
    def lasting(self) -> list[str]:
        """Those that may have been so before: what is a time is known only since."""
        return [name for name in self.names if not pa.types.is_timestamp(self.table.schema.field(name).type)]

    def beside(self, people: pa.Table, names: Sequence[str]) -> pa.Table:
        """The table of people with columns of their traits."""
        rows = pa.array(np.searchsorted(self.table["person"].to_numpy(), people["person"].to_numpy()))
        for name in names:
            people = people.append_column(self.table.schema.field(name), self.table[name].take(rows))
        return people

    def described(self) -> dict[str, dict[str, str]]:
        """Label, unit and theme of each."""
        return {
            name: {"label": name.replace("_", " "), "unit": _unit(self.table, name), "theme": TRAIT}
            for name in self.names
        }


def told(profiles: pa.Table, wanted: Sequence[str], taken: Collection[str]) -> Told:
    """The traits `wanted` that the table of profiles has and no feature in `taken` is called."""
    features = {name.casefold() for name in taken}
    found = [name for name in wanted if name in profiles.column_names]
    clashes = [name for name in found if name.casefold() in features]
    notes = tuple(
        f"trait '{name}' is left out of the features table, where a feature has its name; "
        "call the trait something else to use it in rules"
        for name in clashes
    )
    return Told(profiles.select(["person", *(name for name in found if name not in clashes)]), notes)


def _unit(table: pa.Table, name: str) -> str:
    kind = table.schema.field(name).type
    return "count" if (pa.types.is_integer(kind) or pa.types.is_floating(kind)) and whole(table, name) else ""


def outcomes(objectives: Sequence[Objective], schema: pa.Schema) -> set[str]:
    """The columns that the labels of objectives read: what is to be predicted makes no segments."""
    found: set[str] = set()
    for one in objectives:
        if one.kind == "label" and one.label:
            try:
                found |= columns_of(parse(one.label, types_of(schema)))
            except ExpressionError:  # a sentence about events, or a fault that the predict stage tells
                continue
    return found


def numbered(
    table: pa.Table, meta: Mapping[str, FeatureMeta], traits: Sequence[str], predicted: Collection[str]
) -> tuple[pa.Table, dict[str, FeatureMeta]]:
    """The table with a 0/1 column for each common value of a text or yes-or-no trait, and what all columns mean.

    Every trait is a theme of its own, so that one with many values weighs no more than the root of their number; those
    in `predicted` and their values are outcomes.
    """
    described = dict(meta)
    for name in traits:
        theme = OUTCOME if name in predicted else f"{TRAIT}:{name}"
        values = [] if barred(name) else _values(table, name)
        for value in values:
            rule, otherwise = _rules(name, value, gaps=bool(missing(table, name)))
            holds = pc.fill_null(pc.equal(table[name], pa.scalar(value, table[name].type)), False)
            table = table.append_column(rule, pc.cast(holds, pa.float64()))
            described[rule] = FeatureMeta(rule, _label(name, value), "share", theme, otherwise)
        described[name] = FeatureMeta(name, meta[name].label, meta[name].unit, SPELT if values else theme)
    return table, described


def _values(table: pa.Table, name: str) -> list[Value]:
    """The common values of a trait that is no amount; of two values one is enough."""
    kind = table.schema.field(name).type
    number = pa.types.is_floating(kind) or pa.types.is_integer(kind)
    if not (number or pa.types.is_string(kind) or pa.types.is_boolean(kind)):
        return []
    if number and pc.count_distinct(table[name]).as_py() > 2:
        return []
    counts = [(one["counts"], one["values"]) for one in pc.value_counts(table[name]).to_pylist()]
    ranked = sorted(((count, value) for count, value in counts if value is not None), key=lambda one: (-one[0], one[1]))
    if number and {value for _, value in ranked} != {0, 1}:
        return []
    common = [value for count, value in ranked if count >= COMMON * table.num_rows and len(str(value)) <= LONGEST]
    if len(ranked) == 2 and not missing(table, name):
        common = [value for value in common if _means(value, YES)][:1] or common[-1:]
    return common[:MOST]


def _means(value: Value, words: Collection[str]) -> bool:
    return str(value).casefold().removesuffix(".0") in words


def _rules(name: str, value: Value, *, gaps: bool) -> tuple[str, str]:
    """A trait's value as a rule, and the opposite."""
    column = quoted(name)
    if isinstance(value, str):
        text = "'" + value.replace("'", "''") + "'"
        rule, otherwise = f"{column} = {text}", f"{column} <> {text}"
    elif isinstance(value, bool):
        rule, otherwise = (f"{column} = {str(one).lower()}" for one in (value, not value))
    else:
        rule, otherwise = f"{column} = {value:.0f}", f"{column} = {1 - value:.0f}"
    return rule, f"({otherwise} or {column} is null)" if gaps else otherwise


def _label(name: str, value: Value) -> str:
    words = name.replace("_", " ")
    return words if _means(value, YES) else f"{words} is {value}"


def called(meta: Mapping[str, FeatureMeta], portraits: Sequence[Portrait], inputs: Sequence[str]) -> list[str]:
    """Names from traits alone: the two that set people apart most, and one more where names fall together."""
    drafts = []
    for own in portraits:
        ranked = sorted((name for name in inputs if name in own.effects), key=lambda one: (-abs(own.effects[one]), one))
        words: dict[str, str] = {}
        for name in ranked:
            if abs(own.effects[name]) >= TOLD and (said := _typical(meta[name], own)):
                words.setdefault(meta[name].theme, said)
        numbers = [_phrase(meta[name], own.ranks[name]) for name in ranked if not meta[name].otherwise]
        drafts.append(", ".join(list(words.values())[:2] or numbers[:1]) or "others")
    for draft in [draft for draft in dict.fromkeys(drafts) if drafts.count(draft) > 1]:
        places = [place for place, other in enumerate(drafts) if other == draft]
        for place, more in zip(places, _apart(meta, [portraits[place] for place in places], inputs), strict=True):
            drafts[place] = draft if not more or more in draft else f"{draft}, {more}"
    return [draft[:1].upper() + draft[1:] for draft in drafts]


def _typical(meta: FeatureMeta, own: Portrait) -> str:
    """What can be said in a word of people by one input; empty where too many are otherwise."""
    share, more = own.inside[meta.name], own.effects[meta.name] > 0
    if meta.otherwise and not (share >= MOSTLY if more else share <= HARDLY):
        return ""
    return _phrase(meta, own.ranks[meta.name] if not meta.otherwise else float(more))


def _apart(meta: Mapping[str, FeatureMeta], group: Sequence[Portrait], inputs: Sequence[str]) -> list[str]:
    """Words for people whom the same traits name, by the input in which they differ most; empty without any."""
    ranks = {name: [own.ranks[name] for own in group] for name in inputs if name in group[0].ranks}
    best = max(ranks, key=lambda name: max(ranks[name]) - min(ranks[name]), default="")
    if not best:
        return [""] * len(group)
    middle = (max(ranks[best]) + min(ranks[best])) / 2
    return [_phrase(meta[best], rank if not meta[best].otherwise else float(rank > middle)) for rank in ranks[best]]


def _phrase(meta: FeatureMeta, rank: float) -> str:
    """An input in words: how high people stand among all (0 to 1) in an amount, or whether a value is theirs."""
    more = rank >= MIDDLE
    if not meta.otherwise and meta.unit == "ago":
        return f"{meta.label} {'long ago' if more else 'lately'}"
    if not meta.otherwise:
        return f"{next(word for below, word in HEIGHTS if rank <= below)} {meta.label}"
    words = meta.theme.partition(":")[2].replace("_", " ")
    value = meta.label.removeprefix(words).removeprefix(" is ")
    if not value or _means(value, NO):
        return words if more != bool(value) else f"no {words}"
    return f"{words} {'' if more else 'not '}{value}"

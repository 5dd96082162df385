"""What a draft can speak of: the columns with their words and spreads, the data's rhythm, segments and events.

It holds no ids, and no value of a text that fewer than twenty people share (a tenth of them, under two hundred people).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shoal.define.packs import Catalogue, choose
from shoal.define.protected import is_protected
from shoal.define.relative import shortest
from shoal.define.types import Type, type_of
from shoal.define.words import Label, Unit, number_text

SHARED = 20  # people who must share a text before it is spoken of
LEVELS = 60  # values of a text that still name groups
LONGEST = 60  # characters of such a value
SAMPLE = 200_000
READABLE = 3  # digits of a threshold
STANDING = frozenset({"profile_id", "as_of", "person"})
YES = frozenset({"yes", "y", "true", "1"})
NO = frozenset({"no", "n", "false", "0"})
_WINDOW = re.compile(r"(.+?)_(\d+)d(_before)?")


@dataclass(frozen=True)
class Spoken:
    """A column and what is said of it: `marks` are the percentiles 0 to 100 of its values above zero."""

    name: str
    type: Type
    label: str
    unit: str = ""
    theme: str = ""
    kind: str = ""  # of the objective, where it is a score
    part: str = ""  # of a value model's scores
    levels: tuple[str, ...] = ()
    marks: tuple[float, ...] = ()
    mean: float = 0.0
    known: float = 1.0
    whole: bool = False
    some: int = 0  # people with a value above zero
    shared: int = 0  # leading levels that at least SHARED people have

    @property
    def days(self) -> bool:
        return self.unit in ("days", "ago")

    @property
    def share(self) -> bool:
        return self.unit == "share" and not self.name.startswith("trend")

    def at(self, percentile: float) -> float:
        """A readable number near a percentile (0 to 100): few digits, within two to six percentiles."""
        if not self.marks:
            return 0.0
        found = 0.0
        for near in (2, 4, 6):
            low, high = (float(np.interp(percentile + step, range(101), self.marks)) for step in (-near, near))
            found = shortest(low, high) if high > low else high
            if len(number_text(found).strip("0.")) <= READABLE:
                break
        return float(np.ceil(found)) if self.whole else found


@dataclass(frozen=True)
class Rhythm:
    """Days after which a person is engaged no more, lapsed, new no more; the orders that make one frequent."""

    engaged: float
    lapsed: float
    new: float
    frequent: float
    says: str = "from the data's own rhythm"


@dataclass(frozen=True)
class Measure:
    """What is counted or summed: its columns by window in days (0 is ever), and those of the window before."""

    key: str
    columns: Mapping[int, Spoken]
    before: Mapping[int, Spoken] = field(default_factory=dict)

    @property
    def first(self) -> Spoken:
        """The column that says how the measure is called and counted."""
        return self.columns[min(self.columns)]


@dataclass(frozen=True)
class Known:
    """Everything that a draft may use.

    `main` is the measure that the rhythm is about (`orders`, or `active_days` where nothing is bought); `sole` says
    whether nothing but that is known of people; `aliases` are topics that another measure counts.
    """

    columns: Mapping[str, Spoken]
    people: int = 0
    rhythm: Rhythm | None = None
    segments: Mapping[str, str] = field(default_factory=dict)
    events: Sequence[str] = ()
    definitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    main: str = "orders"
    sole: bool = False
    elsewhere: Mapping[str, Sequence[str]] = field(default_factory=dict)
    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def types(self) -> dict[str, Type]:
        return {name: one.type for name, one in self.columns.items()}

    @property
    def labels(self) -> dict[str, Label]:
        units: dict[str, Unit | None] = {"days": "days", "ago": "ago", "money": "money", "share": "share"}
        return {name: Label(one.label, units.get(one.unit)) for name, one in self.columns.items()}

    @property
    def measures(self) -> dict[str, Measure]:
        """The numbers by what they count, each with its windows."""
        found: dict[str, tuple[dict[int, Spoken], dict[int, Spoken]]] = {}
        for name, one in self.columns.items():
            if one.type is not Type.NUMBER or name.startswith("trend_"):
                continue
            split = _WINDOW.fullmatch(name)
            base, days, before = (split[1], int(split[2]), bool(split[3])) if split else (name, 0, False)
            now, then = found.setdefault(base, ({}, {}))
            (then if before else now)[days] = one
        return {key: Measure(key, now, then) for key, (now, then) in found.items() if now}

    def has(self, *names: str) -> Spoken | None:
        """The first of the columns that there is."""
        return next((self.columns[name] for name in names if name in self.columns), None)


def survey(
    table: pa.Table,
    described: Mapping[str, Mapping[str, str]],
    *,
    catalogue: Mapping[str, Any] | None = None,
    scores: Mapping[str, tuple[str, str]] = {},
    rhythm: Rhythm | None = None,
    segments: Mapping[str, str] = {},
    traits: pa.Table | None = None,
    synonyms: Mapping[str, Sequence[str]] = {},
) -> Known:
    """What a draft can speak of, from the people's table.

    Args:
        table: a row a person, with every column that rules read.
        described: label, unit and theme by column; columns without have their name's words.
        catalogue: the fields of `packs.Catalogue`, for roles, definitions and events.
        scores: kind and part of the score columns.
        segments: rules by name; `traits` is the profiles' table, whose other columns rules cannot read.
        synonyms: further words for values of texts, such as a country's names for its code.

    >>> people = pa.table({"orders": [1, 2, 9], "revenue": [5.0, 20.0, 700.0]})
    >>> survey(people, {}).columns["revenue"].label
    'revenue'
    """
    chosen = (
        np.sort(np.random.default_rng(1).choice(table.num_rows, SAMPLE, replace=False))
        if (table.num_rows > SAMPLE)
        else None
    )
    sampled = table if chosen is None else table.take(pa.array(chosen))
    columns = {}
    for one in sampled.schema:
        kind = type_of(one.type)
        if one.name in STANDING or kind is None:
            continue
        told = described.get(one.name, {})
        score = scores.get(one.name, ("", ""))
        columns[one.name] = _spoken(one.name, kind, sampled[one.name], told, score)
    known = Catalogue(**catalogue) if catalogue else Catalogue({})
    definitions = {ready.name: ready.definition for ready in choose(known)} if known.events else {}
    buys = known.role("purchase") if known.events else ["orders"] * ("orders" in columns)
    active = [event for event in known.events if event not in {*known.role("signup"), *known.role("email_sent")}]
    logins = known.role("login") if known.events else []
    return Known(
        columns=columns,
        people=table.num_rows,
        rhythm=rhythm,
        segments=segments,
        events=tuple(known.events),
        definitions=definitions,
        aliases={"logins": "events"} if logins and set(logins) == set(active) and "logins" not in columns else {},
        main="orders" if buys and "orders" in columns else "active_days",
        sole=set(active) <= {*buys, *known.role("refund")} if known.events else False,
        elsewhere=_elsewhere(traits, known, columns),
        synonyms=synonyms,
    )


def _elsewhere(traits: pa.Table | None, known: Catalogue, columns: Mapping[str, Spoken]) -> dict[str, Sequence[str]]:
    """What is recorded and no rule can read, with its common values where they are known."""
    found: dict[str, Sequence[str]] = {name: known.levels.get(name, ()) for name in known.properties}
    if traits is not None:
        for one in traits.schema:
            kind = type_of(one.type)
            if kind is not None and one.name not in (*STANDING, "first_seen", "last_seen"):
                found[one.name] = tuple(_levels(traits[one.name])) if kind is Type.TEXT else ()
    return {name: levels for name, levels in found.items() if name not in columns and not is_protected(name)}


def _spoken(name: str, kind: Type, values: pa.ChunkedArray, told: Mapping[str, str], score: tuple[str, str]) -> Spoken:
    label = told.get("label") or name.replace("_", " ")
    known = 1 - values.null_count / max(len(values), 1)
    unit, theme = told.get("unit", ""), told.get("theme", "")
    if kind is not Type.NUMBER:
        counted = _levels(values) if kind is Type.TEXT and not is_protected(name) else {}
        shared = sum(count >= SHARED for count in counted.values())
        return Spoken(name, kind, label, unit, theme, levels=tuple(counted), known=known, shared=shared)
    numbers = pc.cast(values, pa.float64()).drop_null().to_numpy()
    numbers = numbers[np.isfinite(numbers)]
    above = numbers[numbers > 0]
    marks = tuple(float(one) for one in np.percentile(above, range(101))) if len(above) else ()
    mean = float(numbers.mean()) if len(numbers) else 0.0
    whole = bool(len(numbers)) and bool((numbers == np.floor(numbers)).all())
    return Spoken(name, kind, label, unit, theme, score[0], score[1], (), marks, mean, known, whole, len(above))


def _levels(values: pa.ChunkedArray) -> dict[str, int]:
    """The values that enough people share, the most frequent first; none where the text names single people."""
    counted = pc.value_counts(values.drop_null().combine_chunks()).to_pylist()
    if not counted or len(counted) > max(LEVELS, len(values) // SHARED):
        return {}
    shared = [one for one in counted if one["counts"] >= min(SHARED, max(len(values) // 10, 1))]
    ordered = sorted(shared, key=lambda one: (-one["counts"], one["values"]))[:LEVELS]
    return {str(one["values"]): one["counts"] for one in ordered if 0 < len(str(one["values"])) <= LONGEST}

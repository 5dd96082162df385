"""The traditional yardstick by who people are: demographic and firmographic traits, and nothing of what they did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shoal.define.protected import is_protected, words_of
from shoal.model.clusters import KMeansRecipe
from shoal.model.matrix import LARGEST, SAMPLE, Array, Matrix, sample, uniform
from shoal.model.meta import FeatureMeta

Codes = NDArray[np.int64]
KNOWN = 0.2  # share of the people of whom a trait must be known
COMMON = 0.005  # share of those known that a value needs: names and streets are no demographics
MOST = 8  # values of one trait that clusters see
NAMED = 3
WORDS = frozenset(
    """
    area borough children city company continent country county district education employee employees employer
    employment family firmographic geo geography headcount home homeowner household income industry job kids language
    locale location municipality naics neighborhood neighbourhood occupation partner postal postcode profession province
    region residence salary sector sic state suburb territory town urban vertical wealth zip zipcode
    """.split()  # noqa: SIM905
)
# Such a word beside one of those speaks of an order or a visit, not of who somebody is.
DONE = frozenset({"cart", "device", "event", "login", "order", "page", "product", "score", "source", "visit"})


@dataclass(frozen=True)
class _Trait:
    """An amount, or the place of a value among the common ones (those that are not share the last); NaN is unknown."""

    values: Array
    amount: bool

    @property
    def known(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.values)

    @property
    def usable(self) -> bool:
        told = self.values[self.known]
        return 0 < len(told) >= KNOWN * len(self.values) and bool(told.min() < told.max())

    def of(self, people: NDArray[np.bool_]) -> _Trait:
        return _Trait(self.values[people], self.amount)


def who(names: Iterable[str]) -> list[str]:
    """The traits that by their names say who a person or a company is, protected ones included.

    >>> who(["country", "Age", "plan", "order_country", "company_size", "churned"])
    ['country', 'Age', 'company_size']
    """
    found = []
    for name in names:
        words = set(words_of(name))
        if is_protected(name) or (words & WORDS and not words & DONE):
            found.append(name)
    return found


def demographic(
    table: pa.Table, meta: Mapping[str, FeatureMeta], traits: Sequence[str], k: int, seed: int
) -> tuple[str, Codes] | None:
    """Name and group (0 to k-1) of each person by those `traits` that say who people are; None where none is known.

    A yardstick only: protected traits such as age take part, because the usual segments of marketing are made of
    them, so these groups are compared and never published, as segments or as rules. One trait gives its most common
    values or bands of as equal size as they allow, several give k-means clusters of their values. Those of whom nothing
    is known are a group. A trait counts when it is known of 20 % of the people (`who` and `KNOWN`), and differs.

    Args:
        table: one row a person; traits it does not have are passed over.
        k: at most so many groups, those of whom nothing is known included.

    >>> people = pa.table({"country": ["DE", "DE", "FR", None]})
    >>> demographic(people, {}, ["country"], 3, 0)
    ('Demographics: country', array([0, 0, 1, 2]))
    """
    read = {name: _read(table[name]) for name in who(traits) if name in table.column_names}
    usable = {name: trait for name, trait in read.items() if trait.usable}
    if not usable:
        return None
    known = np.any([trait.known for trait in usable.values()], axis=0)
    room = k if known.all() else k - 1
    if room < 2:
        return None
    codes = np.full(table.num_rows, room, dtype=np.int64)
    told = [trait.of(known) for trait in usable.values()]
    codes[known] = _banded(told[0], room) if len(told) == 1 else _clustered(told, room, seed)
    tidy = np.unique(codes, return_inverse=True)[1].reshape(-1)
    return _name(list(usable), meta), tidy.astype(np.int64)


def _name(names: Sequence[str], meta: Mapping[str, FeatureMeta]) -> str:
    said = [meta[name].label if name in meta else name.replace("_", " ") for name in names]
    more = [f"{len(said) - NAMED} more"] if len(said) > NAMED else []
    return f"Demographics: {', '.join([*said[:NAMED], *more])}"


def _read(column: pa.ChunkedArray) -> _Trait:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        text = pc.utf8_trim_whitespace(column)
        column = _parsed(pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text))
    kind = column.type
    if pa.types.is_temporal(kind) and not (pa.types.is_time(kind) or pa.types.is_duration(kind)):
        column = column.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        values: Array = column.cast(pa.float64(), safe=False).to_numpy()
        return _Trait(np.clip(values, -LARGEST, LARGEST), amount=True)
    if pa.types.is_boolean(column.type) or pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _Trait(_places(column), amount=False)
    return _Trait(np.full(len(column), np.nan), amount=False)


def _parsed(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts that are all numbers, or all times, as such."""
    for kind in (pa.float64(), pa.timestamp("s")):
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:
            continue
    return texts


def _places(column: pa.ChunkedArray) -> Array:
    """Each value's place among the common ones, the most common first."""
    counts = [(-one["counts"], one["values"]) for one in pc.value_counts(column).to_pylist()]
    ranked = sorted(one for one in counts if one[1] is not None)
    least = COMMON * (len(column) - column.null_count)
    common = [value for count, value in ranked if -count >= least]
    places = pc.fill_null(pc.index_in(column, pa.array(common, column.type)), len(common))
    found: Array = pc.if_else(pc.is_valid(column), places.cast(pa.float64()), None).to_numpy()
    return found


def _banded(trait: _Trait, k: int) -> Codes:
    """The commonest values and one group of all others, or bands of an amount by its quantiles."""
    if not trait.amount:
        return np.minimum(trait.values, k - 1).astype(np.int64)
    edges = np.unique(trait.values)[1:]
    if len(edges) >= k:
        edges = np.unique(np.quantile(trait.values, np.arange(1, k) / k, method="higher"))
    return np.searchsorted(edges, trait.values, side="right").astype(np.int64)


def _clustered(traits: Sequence[_Trait], k: int, seed: int) -> Codes:
    """k-means on the traits' values, each trait with the same variance; learned from at most 50,000 people."""
    from sklearn.metrics import pairwise_distances_argmin
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    points = np.column_stack([_spelt(trait) for trait in traits])
    drawn = points[sample(len(points), SAMPLE, seed)]
    found = KMeansRecipe().fit(Matrix((), drawn, drawn, np.arange(len(drawn)), {}), k, seed)
    with threadpool_limits(1):
        return np.asarray(pairwise_distances_argmin(points, found.centres), dtype=np.int64)


def _spelt(trait: _Trait) -> Array:
    """A trait as columns: an amount's rank, or a column of 0 and 1 for each common value; and one for those unknown."""
    known = trait.known
    if trait.amount:
        ranks = np.full(len(known), 0.5)
        ranks[known] = uniform(trait.values[known])
        columns = [ranks]
    else:
        columns = [(trait.values == place).astype(np.float64) for place in range(MOST)]
    spelt = np.column_stack([*columns, (~known).astype(np.float64)])
    spread = float(spelt.var(axis=0).sum())
    return spelt / (np.sqrt(spread) or 1.0)

"""Everything registered passes the public contract checks, and the checks can fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shoal import registry
from shoal.model.clusters import KMeansRecipe
from shoal.model.matrix import Matrix
from shoal.model.recipe import Grouping
from shoal.testing import Broken, check_engine, check_recipe


@pytest.mark.parametrize("name", sorted(registry.plugins(registry.RECIPES)))
def test_every_recipe_keeps_its_contract(name: str) -> None:
    check_recipe(registry.load(registry.RECIPES, name)())


@pytest.mark.parametrize("name", sorted(registry.plugins(registry.ENGINES)))
def test_every_engine_keeps_its_contract(name: str, tmp_path: Path) -> None:
    make = registry.load(registry.ENGINES, name)
    check_engine(lambda folder: make("1GB", None, folder), tmp_path)


class _Moody(KMeansRecipe):
    """Breaks the rule that the same seed gives the same groups."""

    turn = 0

    def fit(self, matrix: Matrix, k: int, seed: int) -> Grouping:
        self.turn += 1
        found = super().fit(matrix, k, seed)
        return replace(found, labels=np.roll(found.labels, self.turn))


def test_a_recipe_that_breaks_its_contract_is_told_the_rule() -> None:
    with pytest.raises(Broken, match="same seed"):
        check_recipe(_Moody())

"""Parts are found by entry point, ours included."""

from __future__ import annotations

import pytest

from shoal import registry
from shoal.errors import NotFound


def test_our_own_recipe_comes_through_the_door() -> None:
    recipe = registry.load(registry.RECIPES, "kmeans")()
    assert recipe.name == "k-means on quantile features"


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="Did you mean 'kmeans'"):
        registry.load(registry.RECIPES, "kmean")

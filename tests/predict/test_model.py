"""A model as it is deployed: the same from its files, and calm about odd tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.predict.samples import people

from shoal.errors import NotFound, StorageError
from shoal.predict import model as module
from shoal.predict import vault
from shoal.predict.blend import Blend, Part
from shoal.predict.boosted import LightGBM
from shoal.predict.calibrate import calibrate, log_odds
from shoal.predict.encoding import Encoding
from shoal.predict.logistic import Logistic
from shoal.predict.model import Model


@pytest.fixture(scope="module")
def made() -> Model:
    """A blend of trees on everything and a logit on two inputs."""
    known = people(900)
    encoding = Encoding.fit(known.table)
    x = encoding.encode(known.table)
    trees = LightGBM().fit(x, known.y, categories=encoding.categories, seed=0)
    few = (encoding.names.index("recency_days"), encoding.names.index("orders"))
    logit = Logistic().fit(x[:, few], known.y, categories=np.zeros(2, dtype=bool), seed=0)
    everything = tuple(range(len(encoding.names)))
    blend = Blend((Part("lightgbm", trees, everything, 0.6), Part("logistic", logit, few, 0.5)), 0.1)
    return Model(encoding, blend, calibrate(blend.log_odds(x), known.y, known.person, known.cutoff, seed=0))


def test_a_saved_model_scores_the_same_to_the_bit(made: Model, tmp_path: Path) -> None:
    again = Model.load(vault.load(tmp_path, vault.save(made.to_files(), tmp_path)))
    table = people(300, seed=5).table
    for mine, theirs in zip(made.score(table), again.score(table), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(made.contributions(table)[1], again.contributions(table)[1])
    assert again.to_files() == made.to_files()


def test_no_file_of_a_model_can_carry_code(made: Model) -> None:
    files = made.to_files()
    assert all(name.endswith((".json", ".txt")) for name in files)
    assert all(data.decode("utf-8").isprintable() or b"\n" in data for data in files.values())


def test_contributions_add_up_to_the_blends_log_odds(made: Model) -> None:
    table = people(200, seed=5).table
    x = made.encoding.encode(table)
    rest = made.blend.log_odds(x) - made.blend.contributions(x).sum(axis=1)
    assert np.ptp(rest) < 1e-6


def test_scores_lie_within_their_band_and_do_not_depend_on_chunks(made: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    table = people(300, seed=5).table
    p, low, high = made.score(table)
    assert ((low <= p) & (p <= high)).all()
    monkeypatch.setattr(module, "CHUNK", 70)
    np.testing.assert_array_equal(made.score(table)[0], p)


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"unrelated": [1, 2]}),
        pa.table({"plan": ["never seen", None], "recency_days": [float("inf"), None]}),
        pa.table({"plan": [3, 4], "orders": ["many", "7"]}),
        people(5).table.slice(0, 0),
    ],
)
def test_odd_tables_are_scored_without_a_crash(made: Model, table: pa.Table) -> None:
    p, low, high = made.score(table)
    assert p.shape == low.shape == high.shape == (table.num_rows,)
    assert np.isfinite(p).all()


def test_a_model_says_what_it_is_made_of(made: Model) -> None:
    assert made.algorithm == "blend of 55% lightgbm, 45% R/F/M logit"


def test_log_odds_of_certainty_are_bounded() -> None:
    assert log_odds(np.array([0.0, 1.0])).tolist() == [-30, 30]


@pytest.mark.parametrize("spoil", ["no json", "no part", "odd shape"])
def test_files_that_are_no_model_are_refused(made: Model, spoil: str) -> None:
    files = made.to_files()
    data = json.loads(files["model.json"])
    if spoil == "no part":
        files = {name: content for name, content in files.items() if not name.startswith("part1")}
    elif spoil == "odd shape":
        data["encoding"] = []
        files["model.json"] = json.dumps(data).encode()
    else:
        files["model.json"] = b"{"
    with pytest.raises(StorageError, match="no model"):
        Model.load(files)


def test_a_learner_that_is_not_installed_is_named(made: Model) -> None:
    files = made.to_files()
    files["model.json"] = files["model.json"].replace(b'"learner": "logistic"', b'"learner": "gone"')
    with pytest.raises(NotFound, match="gone"):
        Model.load(files)

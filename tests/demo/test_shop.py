"""The simulated shop keeps its promises: same seed same bytes, and the truth is what the files show."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq
import pytest
from scipy.stats import rankdata
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from shoal import settings
from shoal.demo.archetypes import ARCHETYPES, CATEGORIES
from shoal.demo.dirt import BAD
from shoal.demo.identity import DESK, MAX_SHARED, MAX_USERS, NOBODY
from shoal.demo.shop import FILES, Shop, simulate, write
from shoal.errors import UsageError

AT = {"orders": "placed_at", "web": "at", "mail": "at", "tickets": "created_at"}
KEYS = {"orders": ("user_id", "email"), "web": ("anonymous_id", "user_id"), "mail": ("email",), "tickets": ("email",)}


@pytest.fixture(scope="module")
def shop() -> Shop:
    return simulate(people=1_500, seed=7)


def clean(shop: Shop, name: str) -> pa.Table:
    """The source without the planted dirt."""
    table = shop.sources[name]
    key = table.column_names[0]
    table = table.filter(pc.invert(pc.match_substring_regex(table[key], "^x[0-9]+$")))
    return table.group_by(table.column_names, use_threads=False).aggregate([])


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    def digest(folder: Path) -> dict[str, str]:
        paths = write(folder, people=200, seed=3, days=120)
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_another_seed_makes_another_shop() -> None:
    one, two = (simulate(people=100, seed=seed, days=120).sources["web"] for seed in (1, 2))
    assert not one.equals(two)


def test_the_settings_are_valid_and_name_every_file_and_column(tmp_path: Path) -> None:
    shop = simulate(people=60, seed=1, days=120)
    shop.write(tmp_path)
    sources = settings.load(tmp_path).sources
    assert {source.path for source in sources.values()} == {f"data/{file}" for file in FILES}
    for name, source in sources.items():
        used = [*source.identifiers.values(), *source.properties.values(), *source.traits.values()]
        unquoted = {text for text in used if text and not text.startswith("'")}
        assert unquoted <= set(shop.sources[name].column_names)


def test_the_written_csv_reads_back_as_simulated(tmp_path: Path, shop: Shop) -> None:
    shop.write(tmp_path)
    texts = pv.ConvertOptions(column_types={name: pa.string() for name in shop.sources["mail"].column_names})
    back = pv.read_csv(tmp_path / "data" / "mail.csv", convert_options=texts)
    assert back.equals(shop.sources["mail"].cast(back.schema))


def test_truth_lies_in_its_own_folder_that_no_source_reads(tmp_path: Path) -> None:
    simulate(people=60, seed=1, days=120).write(tmp_path)
    told = json.loads((tmp_path / "truth" / "truth.json").read_text())
    assert set(told) == {"campaign", "dirt", "drift", "identity"}
    assert not any("truth" in str(source.path) for source in settings.load(tmp_path).sources.values())


def test_a_workspace_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "shoal.yaml").write_text("sources: {}\n")
    with pytest.raises(UsageError, match="Remedy"):
        write(tmp_path, people=60, days=120)
    assert (tmp_path / "shoal.yaml").read_text() == "sources: {}\n"


def test_making_the_demo_again_keeps_what_somebody_edited_in_its_settings(tmp_path: Path) -> None:
    write(tmp_path, people=60, days=120)
    path = tmp_path / "shoal.yaml"
    edited = path.read_text().replace("budget: 6", "budget: 4")
    path.write_text(edited)
    write(tmp_path, people=60, days=120)
    assert path.read_text() == edited


@pytest.mark.parametrize(("people", "days"), [(0, 365), (10, 30)])
def test_too_small_a_shop_is_refused_with_a_remedy(people: int, days: int) -> None:
    with pytest.raises(UsageError, match="Remedy"):
        simulate(people=people, seed=1, days=days)


def test_one_person_is_a_shop_too(tmp_path: Path) -> None:
    assert simulate(people=1, seed=1).write(tmp_path)


@pytest.mark.parametrize("name", sorted(AT))
def test_planted_dirt_is_counted_exactly(shop: Shop, name: str) -> None:
    table, told = shop.sources[name], shop.truth.dirt[name]
    copies = Counter(map(tuple, zip(*(column.to_pylist() for column in table.columns), strict=True)))
    assert sum(count - 1 for count in copies.values()) == told["duplicates"]
    at = table[AT[name]]
    assert pc.sum(pc.is_in(at, pa.array(BAD))).as_py() == told["bad_dates"]
    future = pc.or_(pc.match_substring_regex(at, r"2099-01-01|01\.01\.2099"), pc.equal(at, "4070908800"))
    assert pc.sum(future).as_py() == told["future_dates"]
    nobody = np.all([pc.equal(table[key], "").to_numpy() for key in KEYS[name]], axis=0)
    assert nobody.sum() == told["missing_ids"]


def test_identifiers_of_one_group_are_exactly_those_that_the_files_join(shop: Shop) -> None:
    edges = []
    for name, (left, right) in {
        "customers": ("user_id", "email"), "orders": ("user_id", "email"), "web": ("user_id", "anonymous_id")
    }.items():  # fmt: skip
        table = shop.sources[name] if name == "customers" else clean(shop, name)
        a = table[left].to_pylist()
        b = pc.utf8_lower(pc.utf8_trim_whitespace(table[right])).to_pylist()
        edges += [(x, y) for x, y in zip(a, b, strict=True) if x and y and y != NOBODY]
    partners: dict[str, set[str]] = {}
    for user, other in edges:
        partners.setdefault(other, set()).add(user)
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for other, users in partners.items():
        if len(users) <= (MAX_SHARED if "@" in other else MAX_USERS):
            for user in users:
                parent[root(user)] = root(other)
    group = shop.truth.identifiers.filter(pc.is_valid(shop.truth.identifiers["group"]))
    joined = {value: root(value) for value in group["value"].to_pylist()}
    found, planted = rankdata(list(joined.values()), "dense") if joined else [], group["group"].to_numpy()
    assert adjusted_rand_score(found, planted) == 1.0
    assert DESK not in joined


def test_families_who_share_a_device_stay_several_people(shop: Shop) -> None:
    people, known = shop.truth.people, shop.truth.identifiers
    assert len(pc.unique(people["group"])) == people.num_rows
    shared = pc.sum(pc.and_(pc.is_null(known["person"]), pc.equal(known["type"], "anonymous_id"))).as_py()
    assert 1 < shared <= shop.truth.identity["families"] + 1


def test_strangers_devices_never_appear_with_an_account(shop: Shop) -> None:
    known = shop.truth.identifiers
    strangers = known.filter(pc.and_(pc.is_null(known["group"]), pc.is_valid(known["person"])))
    web = clean(shop, "web")
    seen = web.filter(pc.is_in(web["anonymous_id"], strangers["value"].combine_chunks()))
    assert strangers.num_rows == shop.truth.identity["strangers"] > 0
    assert set(seen["user_id"].to_pylist()) == {""}


def test_control_group_gets_none_of_the_campaigns_orders_and_the_treated_get_what_was_expected() -> None:
    truth = simulate(people=20_000, seed=2, days=120, pace=0.3).truth.campaign
    assert truth["treated"] + truth["control"] <= 20_000
    assert truth["drawn_extra_orders"] == pytest.approx(truth["expected_extra_orders"], rel=0.15)


def test_those_who_drift_are_few_and_change_their_archetype(shop: Shop) -> None:
    people = shop.truth.people
    moved = pc.not_equal(people["archetype"], people["archetype_before"])
    assert pc.sum(moved).as_py() == shop.truth.drift["people"] == people.num_rows - people["drift_at"].null_count
    assert 0.01 < shop.truth.drift["people"] / people.num_rows < 0.1


def test_archetypes_overlap_but_a_plain_k_means_on_plain_features_finds_them(shop: Shop) -> None:
    ranks = np.column_stack([rankdata(column) / len(column) for column in plain_features(shop).T])
    found = KMeans(5, n_init=5, random_state=0).fit_predict(ranks)
    truth = shop.truth.people["archetype"].to_pylist()
    assert 0.8 < adjusted_rand_score(truth, found) < 0.99


def plain_features(shop: Shop) -> np.ndarray:
    """People by features, as an analyst with perfect identities would count them."""
    order = {value: index for index, value in enumerate(shop.truth.people["user_id"].to_pylist())}
    owner = shop.truth.identifiers.filter(pc.is_valid(shop.truth.identifiers["person"]))
    of = dict(zip(owner["value"].to_pylist(), owner["person"].to_pylist(), strict=True))
    size = len(order)

    orders, web = clean(shop, "orders"), clean(shop, "web")
    buyer = np.array([of.get(user, -1) for user in orders["user_id"].to_pylist()])
    value = orders["quantity"].to_numpy() * orders["unit_price"].to_numpy()
    viewer = np.array([of.get(device, -1) for device in web["anonymous_id"].to_pylist()])
    known = web.append_column("person", pa.array(viewer)).filter(pa.array(viewer >= 0))
    person = known["person"].to_numpy()
    at = pc.strptime(known["at"], "%Y-%m-%dT%H:%M:%SZ", "s").to_numpy().astype(np.int64)
    last = np.zeros(size)
    np.maximum.at(last, person, at)
    total = np.maximum(np.bincount(person, minlength=size), 1)
    features = [np.bincount(buyer[buyer >= 0], minlength=size), np.bincount(buyer[buyer >= 0], value[buyer >= 0], size)]
    features += [features[1] / np.maximum(features[0], 1), last, total]
    for name in ("Product Viewed", "Product Added", "Comparison Viewed", "Pricing Viewed"):
        features.append(np.bincount(person[pc.equal(known["event"], name).to_numpy()], minlength=size))
    hour = at // 3600 % 24
    for mask in (hour >= 18, hour < 12, (at // 86_400 + 3) % 7 >= 5):
        features.append(np.bincount(person, mask, size) / total)
    for category in CATEGORIES:
        features.append(np.bincount(person, pc.equal(known["category"], category).to_numpy(), size) / total)
    return np.column_stack(features)


def test_shares_of_archetypes_are_as_stated(shop: Shop) -> None:
    before = Counter(shop.truth.people["archetype_before"].to_pylist())
    for kind in ARCHETYPES:
        assert before[kind.name] / 1_500 == pytest.approx(kind.share, abs=0.04)


def test_written_truth_is_the_truth(tmp_path: Path) -> None:
    shop = simulate(people=60, seed=1, days=120)
    shop.write(tmp_path)
    assert pq.read_table(tmp_path / "truth" / "people.parquet").equals(shop.truth.people)

"""The choice among members, the forecast from now, and what is said where data are too few."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from predict.simulate import DAY, beta_geometric, end_of, snapshots
from shoal.errors import DataError
from shoal.predict import lifetime
from shoal.predict.ledger import Ledger
from shoal.predict.lifetime.base import Buyers, PooledSpend
from shoal.predict.lifetime.judge import Judge
from shoal.predict.lifetime.value import discounted

LAST = 239


@cache
def _shop() -> Ledger:
    return beta_geometric(900, 330, 4, extra=True, leaves=(0.8, 6.0))


@cache
def _boosted() -> lifetime.Forecaster:
    return lifetime.fit_forecaster(_shop(), end_of(LAST), 90, snapshots=snapshots(_shop()), seed=3)


def _same(one: lifetime.Forecast, other: lifetime.Forecast) -> None:
    np.testing.assert_array_equal(one.person, other.person)
    for name in ("purchases", "revenue", "alive"):
        np.testing.assert_array_equal(getattr(one, name).value, getattr(other, name).value)
        np.testing.assert_array_equal(getattr(one, name).low, getattr(other, name).low)
    for name, value in one.clv.items():
        np.testing.assert_array_equal(value.value, other.clv[name].value)


def test_every_buyer_gets_every_score_within_its_interval():
    found = lifetime.forecast(_shop(), end_of(LAST), 90)
    assert found.person.tolist() == _shop().history(LAST).person.tolist()
    for estimate in (found.purchases, found.revenue, found.alive, *found.clv.values()):
        assert np.isfinite(estimate.value).all()
        assert (estimate.low <= estimate.value).all()
        assert (estimate.value <= estimate.high).all()
    assert (found.alive.high <= 1).all()
    assert (found.clv["clv_3m"].value <= found.clv["clv_12m"].value).all()
    assert (found.clv["clv_12m"].value <= found.clv["clv_24m"].value).all()


def test_the_forecast_of_drawn_customers_is_near_what_they_did():
    found, happened = lifetime.forecast(_shop(), end_of(LAST), 90), _shop().future(LAST, 90)
    assert found.purchases.value.sum() == pytest.approx(happened.purchases.sum(), rel=0.15)
    assert np.corrcoef(found.purchases.value, happened.purchases)[0, 1] > 0.5


def test_nothing_after_the_instant_is_used():
    later = _shop()
    now = later.until(LAST)
    asked: list[int] = []

    def watching(instants):
        asked.extend(instants)
        return snapshots(now)(instants)

    _same(
        lifetime.forecast(later, end_of(LAST), 90, snapshots=watching),
        lifetime.forecast(now, end_of(LAST), 90, snapshots=snapshots(now)),
    )
    assert max(asked) <= end_of(LAST)


def test_no_feature_is_asked_for_later_than_the_instant_of_looking():
    noon, asked = LAST * DAY + DAY // 2, []

    def watching(instants):
        asked.extend(instants)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        lifetime.fit_forecaster(_shop(), noon, 90, snapshots=watching)
    with pytest.raises(InterruptedError):
        _boosted().score(_shop(), noon, watching)
    assert max(asked) == noon


def test_snapshots_without_an_instant_are_refused():
    with pytest.raises(DataError, match="as_of"):
        _boosted().score(_shop(), end_of(LAST), lambda instants: pa.table({"person": [1]}))


def test_boosters_compete_where_people_and_features_are_enough():
    card = _boosted().card
    kinds = [one.kind for one in card.skills]
    assert kinds.count("baseline") == 1
    assert any("LightGBM" in one.name for one in card.skills)
    assert card.skills[0].name == card.chosen["purchases"]
    assert card.tested["days"] > 0
    assert all(band.low < 1 < band.high for band in card.total.values())
    assert set(card.total) == {"purchases", "revenue"}


def test_two_fits_agree_to_the_bit():
    again = lifetime.fit_forecaster(_shop(), end_of(LAST), 90, snapshots=snapshots(_shop()), seed=3)
    assert again.to_files() == _boosted().to_files()


def test_a_forecaster_is_the_same_after_it_was_stored():
    ask = snapshots(_shop())
    again = lifetime.load(_boosted().to_files())
    assert again.to_files() == _boosted().to_files()
    _same(again.score(_shop(), end_of(LAST), ask), _boosted().score(_shop(), end_of(LAST), ask))


def test_files_that_are_not_whole_are_refused():
    files = dict(_boosted().to_files())
    missing = {name: data for name, data in files.items() if name != "offset_purchases.txt"}
    for broken in ({}, missing, {**files, "lifetime.json": b"{}"}, {**files, "lifetime.json": b"not json"}):
        with pytest.raises(DataError):
            lifetime.load(broken)


def test_a_forecaster_with_boosters_wants_features():
    with pytest.raises(DataError, match="snapshots"):
        _boosted().score(_shop(), end_of(LAST))


@pytest.mark.parametrize("days", [0, -3, float("nan"), float("inf")])
def test_a_horizon_that_is_no_time_is_refused(days):
    with pytest.raises(DataError, match="ahead"):
        lifetime.forecast(_shop(), end_of(LAST), days)


def test_people_whom_the_snapshots_do_not_know_are_scored_too():
    def half(instants):
        table = snapshots(_shop())(instants)
        return table.filter(pa.array(table["person"].to_numpy() % 2 == 0))

    found = _boosted().score(_shop(), end_of(LAST), half)
    assert len(found.person) == len(_shop().history(LAST))
    assert np.isfinite(found.purchases.value).all()


def test_few_repeat_customers_get_a_shrunken_rate_and_the_reason():
    ledger = Ledger.of([1, 1, 1, 2, 3], [0, 20, 40, 5, 30], [10.0, 10.0, 10.0, 50.0, 20.0])
    found = lifetime.forecast(ledger, end_of(60), 30)
    assert found.card.status == "not enough data"
    assert "1 repeat customer" in found.card.notes[0]
    assert found.purchases.value[0] > found.purchases.value[2] > 0
    assert np.isnan(found.alive.value).all()


def test_a_ledger_without_money_has_no_revenue():
    shop = _shop()
    found = lifetime.forecast(Ledger(shop.person, shop.day, np.full(len(shop), np.nan)), end_of(LAST), 90)
    assert found.revenue is None
    assert found.clv == {}
    assert found.purchases.value.sum() > 0


def test_refunds_that_outweigh_purchases_make_no_negative_value():
    shop = _shop()
    value = np.where(np.arange(len(shop)) % 5 == 0, -100.0, shop.value)
    found = lifetime.forecast(Ledger(shop.person, shop.day, value), end_of(LAST), 90)
    assert (found.revenue.value >= 0).all()


def test_nobody_who_bought_is_an_error_that_says_what_is_needed():
    with pytest.raises(DataError, match="30 repeat customers"):
        lifetime.forecast(Ledger.of([], [], []), end_of(60), 30)


@pytest.mark.parametrize("span", [1, 20, 40])
def test_a_short_history_is_forecast_and_says_that_it_could_not_be_judged(span):
    random = np.random.default_rng(1)
    ledger = Ledger.of(random.integers(0, 300, 2000), random.integers(0, span, 2000), random.gamma(3.0, size=2000))
    found = lifetime.forecast(ledger, end_of(span - 1), 30)
    assert np.isfinite(found.purchases.value).all()
    assert found.card.tested or "could not be compared" in " ".join(found.card.notes)


def test_one_price_for_everybody_needs_no_spread_of_spend():
    shop = _shop()
    found = lifetime.forecast(Ledger(shop.person, shop.day, np.full(len(shop), 9.0)), end_of(LAST), 90)
    np.testing.assert_allclose(found.revenue.value, found.purchases.value * 9.0, rtol=1e-9)


def test_a_season_of_the_year_before_moves_the_level():
    random = np.random.default_rng(2)
    day = np.concatenate(
        [random.integers(0, 1100, 14_000), *(random.integers(at, at + 40, 3_500) for at in (380, 745))]
    )
    day = np.concatenate([day, random.integers(15, 55, 3_500)])
    person = random.integers(0, 1_500, len(day))
    ledger = Ledger.of(person, day, np.full(len(day), 5.0))
    from shoal.predict.lifetime import season

    usual, high = (season.factor(ledger, at, 40, "MBG/NBD") for at in (840, 744 + 365 - 20))
    assert season.factor(ledger, 744, 40, "MBG/NBD") > 1.2
    assert usual < 1.1
    assert high is not None


def test_without_a_discount_the_value_is_money_times_purchases():
    base = _boosted().members.base
    buyers = Buyers.on(_shop(), LAST)
    found = discounted(base.often, buyers, {"a": 3}, 0.0)["a"]
    np.testing.assert_allclose(found, base.purchases(buyers, 3 * 30.4375), rtol=1e-12)


def test_discounting_is_what_daily_steps_say():
    base, buyers = _boosted().members.base, Buyers.on(_shop(), LAST)
    days = np.arange(0, 12 * 30.4375 + 1e-9, 30.4375 / 8)
    grown = np.array([base.purchases(buyers, day) if day else np.zeros(len(buyers.history)) for day in days])
    middle = (days[1:] + days[:-1]) / 2
    expected = (np.diff(grown, axis=0) * np.exp(-np.log(1.1) * middle / 365.25)[:, None]).sum(axis=0)
    np.testing.assert_allclose(discounted(base.often, buyers, {"a": 12}, 0.1)["a"], expected, rtol=1e-5)


def test_errors_are_what_numpy_says():
    random = np.random.default_rng(0)
    actual, said = random.poisson(1.0, 2_500).astype(float), random.gamma(1.0, size=2_500)
    found = Judge(actual, 1).metrics(said)
    assert found["mae"].value == pytest.approx(np.abs(said - actual).mean())
    assert found["rmse"].value == pytest.approx(np.sqrt(((said - actual) ** 2).mean()))
    assert found["total"].value == pytest.approx(said.sum() / actual.sum() - 1)
    assert found["mae"].low < found["mae"].value < found["mae"].high
    from scipy.stats import spearmanr

    assert found["spearman"].value == pytest.approx(spearmanr(actual, said).statistic)


def test_a_forecast_is_better_than_a_worse_one_and_not_than_itself():
    random = np.random.default_rng(0)
    actual = random.poisson(1.0, 800).astype(float)
    judge = Judge(actual, 1)
    assert judge.better(actual + 0.1, actual + 0.5, "both").low > 0
    assert judge.better(actual + 0.1, actual + 0.1, "rmse").value == 0


def test_pooled_spend_draws_a_customer_to_everybody():
    found = PooledSpend(10.0).expected(np.array([0.0, 2.0]), np.array([np.nan, 20.0]))
    assert found.tolist() == [10.0, 15.0]


def test_a_member_that_is_only_perhaps_better_does_not_take_over():
    from shoal.predict.lifetime.choose import Test, Trial, _champion

    test = Test.of(_shop().until(LAST), LAST - 60, 60, 1)
    base, actual = _boosted().members.base, test.happened.purchases
    said = base.purchases(test.buyers, 60)
    random = np.random.default_rng(3)
    perhaps = said * np.exp(random.normal(0, 1e-4, len(said)))
    sure = (said + actual) / 2
    trials = [Trial(test, base, {base.name: said, "perhaps": perhaps}, {})] * 2
    assert _champion(trials) == base.name
    assert _champion([Trial(test, base, {**one.count, "sure": sure}, {}) for one in trials]) == "sure"

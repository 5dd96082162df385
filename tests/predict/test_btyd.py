"""BG/NBD, MBG/NBD, Pareto/NBD and Gamma-Gamma against `lifetimes`, against differences, and where parts vanish."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest

from predict.simulate import beta_geometric
from shoal.predict.btyd import MODELS, Fit, Triples, fit, fit_spend
from shoal.predict.btyd.gammagamma import _objective

ORACLES = {"BG/NBD": "BetaGeoFitter", "MBG/NBD": "ModifiedBetaGeoFitter", "Pareto/NBD": "ParetoNBDFitter"}
LOGS = [np.log([0.3, 5.0, 0.8, 2.5]), np.log([2.0, 40.0, 0.1, 30.0]), np.log([0.9, 0.5, 3.0, 0.7])]


def _crowd(x, t_x, watched):
    return Triples.of(np.array(x), np.array(t_x), np.array(watched))


@cache
def _simulated(extra: bool = False):
    return beta_geometric(1500, 400, 7, extra=extra).history(399)


def _oracle(name, history):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it was written for an older pandas
        import lifetimes

        return getattr(lifetimes, ORACLES[name])().fit(history.x, history.t_x / 7, history.T / 7)


def _agree(name, history):
    crowd = Triples.of(history.x, history.t_x, history.T)
    ours, theirs = fit(MODELS[name], crowd, unit=7.0), _oracle(name, history)
    x, t_x, watched = history.x, history.t_x / 7, history.T / 7
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs.conditional_expected_number_of_purchases_up_to_time(20, x, t_x, watched)
        alive = np.asarray(theirs.conditional_probability_alive(x, t_x, watched))
    np.testing.assert_allclose(list(ours.values.values()), theirs.params_.to_numpy(), rtol=1e-3)
    np.testing.assert_allclose(ours.expected(crowd, 140)[crowd.places], expected, atol=1e-3)
    np.testing.assert_allclose(ours.alive(crowd)[crowd.places], alive, atol=1e-3)
    if name != "Pareto/NBD":  # the oracle has no number for it
        new = theirs.expected_number_of_purchases_up_to_time(20)
        np.testing.assert_allclose(ours.new(140), float(new), rtol=1e-3)


@pytest.mark.parametrize("name", ["BG/NBD", "MBG/NBD"])
def test_a_model_agrees_with_lifetimes_on_drawn_customers(name):
    _agree(name, _simulated(name == "MBG/NBD"))


@pytest.mark.slow
@pytest.mark.parametrize("extra", [False, True])
def test_the_pareto_model_agrees_with_lifetimes_on_drawn_customers(extra):
    _agree("Pareto/NBD", _simulated(extra))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("logs", LOGS)
def test_a_gradient_is_what_differences_say(name, logs):
    x, t_x, watched = (
        np.array([0.0, 0, 1, 7, 60]),
        np.array([0.0, 0, 3.0, 30.0, 38.0]),
        np.array([0.0, 9, 20, 39, 39.0]),
    )
    rows, slopes = MODELS[name].log_likelihood(logs, x, t_x, watched)
    assert np.isfinite(rows).all()
    for place, one in enumerate(np.eye(4) * 1e-5):
        up, down = (MODELS[name].log_likelihood(logs + way * one, x, t_x, watched)[0] for way in (1, -1))
        np.testing.assert_allclose(slopes[place], (up - down) / 2e-5, rtol=1e-4, atol=1e-6)


def test_the_gradient_of_gamma_gamma_is_what_differences_say():
    objective = _objective(np.array([1.0, 2, 2, 9]), np.array([0.3, 1.0, 2.0, 0.8]))
    logs = np.array([1.2, 0.8, 0.3])
    differences = [(objective(logs + one)[0] - objective(logs - one)[0]) / 2e-6 for one in np.eye(3) * 1e-6]
    np.testing.assert_allclose(objective(logs)[1], differences, rtol=1e-5, atol=1e-8)


def test_the_pareto_likelihood_is_that_of_the_hypergeometric_form():
    from scipy.special import gammaln, hyp2f1

    r, alpha, s, beta = 0.55, 10.6, 0.6, 11.7
    x, t_x, watched = np.array([0.0, 2, 11]), np.array([0.0, 30, 36]), np.array([39.0, 36, 38])
    k = r + s + x  # Fader, Hardie (2005), eq. 15 to 22, for alpha <= beta

    def part(time):
        return hyp2f1(k, r + x, k + 1, (beta - alpha) / (beta + time)) / (beta + time) ** k

    inner = 1 / ((alpha + watched) ** (r + x) * (beta + watched) ** s) + s / k * (part(t_x) - part(watched))
    expected = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + np.log(inner)
    rows, _ = MODELS["Pareto/NBD"].log_likelihood(np.log([r, alpha, s, beta]), x, t_x, watched)
    np.testing.assert_allclose(rows, expected, rtol=1e-10)


@pytest.mark.parametrize("name", ["BG/NBD", "MBG/NBD"])
@pytest.mark.parametrize("logs", [*LOGS, np.log([0.5, 4.0, 1.0, 2.0]), np.log([0.3, 0.2, 1e-3, 900.0])])
def test_expected_purchases_are_those_of_an_integral(name, logs):
    model = MODELS[name]
    x, watched = np.array([0.0, 1, 250]), np.array([0.0, 20, 39])
    integral = model._by_quadrature(logs, x, watched, 52.0)
    np.testing.assert_allclose(model.staying(logs, x, watched, 52.0), integral, rtol=2e-3)


def test_gamma_gamma_agrees_with_lifetimes_on_drawn_customers():
    history = _simulated()
    some = history.x > 0
    ours = fit_spend(history.x.astype(float), history.m)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes import GammaGammaFitter

        theirs = GammaGammaFitter().fit(history.x[some], history.m[some])
    np.testing.assert_allclose(list(ours.values.values()), theirs.params_.to_numpy(), rtol=1e-3)
    mean = np.asarray(theirs.conditional_expected_average_profit(history.x[some], history.m[some]))
    np.testing.assert_allclose(ours.expected(history.x.astype(float), history.m)[some], mean, rtol=1e-3)


def test_compressing_histories_changes_no_likelihood():
    history = _simulated()
    crowd = Triples.of(history.x, history.t_x, history.T)
    rows, _ = MODELS["BG/NBD"].log_likelihood(LOGS[0], crowd.x, crowd.t_x, crowd.T)
    each, _ = MODELS["BG/NBD"].log_likelihood(LOGS[0], *(a.astype(float) for a in (history.x, history.t_x, history.T)))
    assert len(crowd) < len(history)
    np.testing.assert_allclose(crowd.n @ rows, each.sum(), rtol=1e-12)


def test_the_time_unit_changes_parameters_and_no_forecast():
    crowd = Triples.of(_simulated().x, _simulated().t_x, _simulated().T)
    days, weeks = (fit(MODELS["BG/NBD"], crowd, unit=unit) for unit in (1.0, 7.0))
    assert days.values["alpha"] == pytest.approx(7 * weeks.values["alpha"])
    np.testing.assert_array_equal(days.expected(crowd, 30), weeks.expected(crowd, 30))


@pytest.mark.parametrize("name", MODELS)
def test_dropout_that_vanishes_is_named(name):
    history = beta_geometric(800, 300, 3, leaves=(0.0, 1.0)).history(299)
    found = fit(MODELS[name], Triples.of(history.x, history.t_x, history.T))
    assert found.degenerate == "dropout vanishes: the model is an NBD"
    crowd = _crowd([4], [80], [90])
    shape, scale = np.exp(found.logs[:2])
    np.testing.assert_allclose(found.expected(crowd, 30), (shape + 4) / (scale + 90) * 30, rtol=0.02)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("x", "t_x", "watched"),
    [
        ([0, 0, 0], [0, 0, 0], [5, 9, 20]),  # nobody bought again
        ([1], [3], [9]),  # one customer
        ([3, 3, 3], [9, 9, 9], [9, 9, 9]),  # all alike
        ([0, 0], [0, 0], [0, 0]),  # nobody watched for a day
        ([900, 0], [900, 0], [901, 5000]),
    ],
)
def test_odd_crowds_give_finite_numbers_and_no_warning(name, x, t_x, watched):
    crowd = _crowd(x, t_x, watched)
    found = fit(MODELS[name], crowd)
    for numbers in (found.expected(crowd, 30), found.alive(crowd), found.spread(crowd, 30), found.new(30)):
        assert np.isfinite(numbers).all()
    assert (found.expected(crowd, 30) >= 0).all()


def test_spend_without_a_finite_mean_is_named():
    random = np.random.default_rng(5)
    mean = 1 / random.gamma(0.5, size=3000)
    found = fit_spend(np.full(3000, 3.0), mean * random.gamma(18.0, size=3000) / 18)
    assert "no finite mean" in found.degenerate
    assert np.isfinite(found.expected(np.array([0.0]), np.array([np.nan]))).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_standard_errors_cover_the_truth(name):
    history = beta_geometric(6000, 400, 11, extra=name == "MBG/NBD").history(399)
    found = fit(MODELS[name], Triples.of(history.x, history.t_x, history.T))
    assert all(0 < error < value for (value, error) in zip(found.values.values(), found.errors.values(), strict=True))


# The figures of Fader, Hardie and Lee (2005) and of note 025, on the 1/10 sample.


@pytest.fixture(scope="module")
def cdnow(data_dir):
    from shoal.predict.ledger import Ledger

    path = data_dir / "cdnow_sample" / "CDNOW_sample.txt"
    if not path.is_file():
        pytest.skip(f"not present: {path}")
    rows = [line.split() for line in path.read_text().splitlines()]
    day = np.array([f"{row[2][:4]}-{row[2][4:6]}-{row[2][6:]}" for row in rows], "datetime64[D]").astype(np.int64)
    ledger = Ledger.of([int(row[1]) for row in rows], day, [float(row[4]) for row in rows])
    return ledger.history(int(np.datetime64("1997-09-30").astype(np.int64)))


def _fit(name, history) -> Fit:
    return fit(MODELS[name], Triples.of(history.x, history.t_x, history.T), unit=7.0)


@pytest.mark.parametrize(
    ("name", "published", "likelihood"),
    [("BG/NBD", [0.243, 4.414, 0.793, 2.426], -9582.43), ("Pareto/NBD", [0.553, 10.578, 0.606, 11.669], -9595.0)],
)
def test_the_published_estimates_are_reproduced(cdnow, name, published, likelihood):
    found = _fit(name, cdnow)
    np.testing.assert_allclose(list(found.values.values()), published, atol=1e-3)
    assert found.log_likelihood == pytest.approx(likelihood, abs=0.03)


def test_the_published_spend_is_reproduced(cdnow):
    found = fit_spend(cdnow.x.astype(float), cdnow.m)
    np.testing.assert_allclose(list(found.values.values()), [6.25, 3.74, 15.44], atol=6e-3)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_agrees_with_lifetimes(cdnow, name):
    _agree(name, cdnow)

"""Lifetime value: what every customer will buy, spend and be worth."""

from shoal.predict.lifetime.forecaster import Card, Forecast, Forecaster, fit_forecaster, forecast, load
from shoal.predict.lifetime.value import Estimate

__all__ = ["Card", "Estimate", "Forecast", "Forecaster", "fit_forecaster", "forecast", "load"]

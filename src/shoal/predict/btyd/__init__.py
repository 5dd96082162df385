"""Buy till you die: BG/NBD, MBG/NBD and Pareto/NBD for how often, Gamma-Gamma for how much."""

from shoal.predict.btyd.betageometric import BGNBD, MBGNBD
from shoal.predict.btyd.fit import Fit, Model, fit
from shoal.predict.btyd.gammagamma import Spend, fit_spend
from shoal.predict.btyd.pareto import ParetoNBD
from shoal.predict.btyd.triples import Triples, gauss

__all__ = ["BGNBD", "MBGNBD", "MODELS", "Fit", "Model", "ParetoNBD", "Spend", "Triples", "fit", "fit_spend", "gauss"]

MODELS: dict[str, Model] = {model.name: model for model in (BGNBD, MBGNBD, ParetoNBD)}

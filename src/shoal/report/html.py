"""A run as one self-contained page: no script, no request, every word of the data escaped."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import shoal
from shoal.report import card, choice, numbers, skillcharts, skills, words
from shoal.report.charts import RADIUS, shorten
from shoal.report.contest import against, grade
from shoal.report.gloss import gloss
from shoal.report.makeup import is_uneven
from shoal.report.nested import apart
from shoal.report.tree import conditions
from shoal.report.view import View, amount, span
from shoal.summary import Run

OPEN_CARDS = 3  # models whose card is open; the others are folded
HEAT_ROWS = 12  # features of the heat map that are shown; the others are folded
_SPEAK = (
    *(card.about, card.anchor, card.headline, card.ordered, card.quantity, card.reach, card.standing, card.status),
    *(card.left_out, card.used_instead, card.verdict, skills.measured, skills.role),
    *(
        skills.success_name,
        skills.way,
        skillcharts.plots,
        skillcharts.share,
        skillcharts.tallest,
        skills.best,
        skills.chosen,
    ),
    *(skills.estimate, skills.groups, skills.metric, skills.reading, skills.short, skills.success, skills.to_beat),
)


def render(run: Run) -> str:
    """The report of a run as HTML text, to be written as UTF-8."""
    page = _environment().get_template("report.html.j2")
    return page.render(run=run, view=View(run), version=shoal.__version__)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("shoal.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for filter_ in (
        numbers.count,
        numbers.compact,
        numbers.money,
        numbers.percent,
        numbers.chance,
        numbers.decimal,
        numbers.fixed,
        numbers.signed,
        numbers.duration,
        numbers.days,
        numbers.instant,
        words.kind,
        words.measure,
        words.score,
        words.subject,
        words.title,
        words.upcoming,
        words.plural,
        words.opened,
        shorten,
        gloss,
    ):
        environment.filters[filter_.__name__] = filter_
    environment.globals.update(
        amount=amount,
        span=span,
        grade=grade,
        against=against,
        known=numbers.known,
        conditions=conditions,
        marks=words.MARKS,
        glossary=words.GLOSSARY,
        radius=RADIUS,
        open_cards=OPEN_CARDS,
        heat_rows=HEAT_ROWS,
        apart=apart,
        curve_meanings=choice.MEANINGS,
        choice_rule=choice.RULE,
        choice_reason=choice.reason,
        disobeyed=choice.disobeyed,
        uneven=is_uneven,
        skill_span=skills.span,
        **{speak.__name__: speak for speak in _SPEAK},
    )
    return environment


def _clean(value: object) -> object:
    """Takes control and direction characters out of whatever the page prints."""
    return words.plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value

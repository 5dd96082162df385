"""Models in the terminal, at several widths, in colour and without."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, RenderableType

from shoal.report import models, terminal
from shoal.summary import ModelCard

from . import cards, sample

HOSTILE = {card.kind: card for card in sample.hostile().models}


def shown(renderable: RenderableType, width: int = 100, *, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="replace")
    Console(file=file, width=width).print(renderable)
    file.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 80, 100, 140])
@pytest.mark.parametrize("card", [*cards.cards(), *HOSTILE.values()], ids=lambda card: card.kind)
def test_no_line_of_a_card_is_wider_than_the_terminal(card: ModelCard, width: int) -> None:
    assert max(len(line) for line in shown(models.whole(card, "GBP"), width).splitlines()) <= width


@pytest.mark.parametrize("width", [40, 72, 80, 100, 140])
def test_no_line_of_the_list_is_wider_than_the_terminal(width: int) -> None:
    for found in (cards.cards(), sample.hostile().models):
        assert max(len(line) for line in shown(models.listing(found, "GBP"), width).splitlines()) <= width


def test_the_list_tells_status_success_baseline_people_horizon_and_version_at_100_columns() -> None:
    lines = shown(models.listing(cards.cards(), "GBP")).splitlines()
    first = next(place for place, line in enumerate(lines) if line.strip().startswith("churn"))
    told = "churn ✓ in use AUC 0.841 [0.822, 0.860] 2,814 5f2c9a71be04"
    assert " ".join(lines[first].split()) == told
    assert "LightGBM" in lines[first + 1]
    assert "RFM score 0.801" in lines[first + 1]
    assert "90 days" in lines[first + 1]


def test_every_status_is_a_word() -> None:
    for width in (60, 100):
        text = " ".join(shown(models.listing(cards.cards(), "GBP"), width).split())
        assert all(word in text for word in ("not used", "not enough data"))
    assert "in use" in text


def test_no_model_says_how_to_get_one() -> None:
    text = " ".join(shown(models.listing([], None)).split())
    assert "`goal:`" in text
    assert "`objectives:`" in text
    assert "docs/predictions.md" in text


def test_a_card_tells_everything_that_one_must_know() -> None:
    text = " ".join(shown(models.whole(cards.churn(), "GBP"), 140).split())
    card = cards.churn()
    told = [
        *("Who will stop buying within 90 days", card.purpose, card.owner, card.label, card.population, card.algorithm),
        *("1 Mar 2011", "AUC, fixed before the fit", "14,024 rows", "2,814 people"),
        *(skill.name for skill in card.skills),
        *(one.words for one in card.importances),
        *(name.replace("_", " ") for name in card.dropped),
        *card.dropped.values(),
        *card.limits,
        *card.notes,
    ]
    assert [words for words in told if str(words) not in text] == []


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_every_measure_of_every_way_is_shown_with_its_interval_at_any_width(width: int) -> None:
    text = shown(models.whole(cards.churn(), "GBP"), width)
    for words in ("0.841", "0.822 to 0.860", "0.463", "0.098", "0.304", "0.010 to 0.025", "3.3x to 3.9x"):
        assert words in text


def test_wins_and_losses_stand_alike() -> None:
    text = " ".join(shown(models.whole(cards.upsell(), None), 140).split())
    assert "✕ not used" in text
    assert "Cannot be told from its baseline (Past rate)" in text
    assert "It did not beat the past rate beyond doubt" in text
    assert "baseline to beat" in text


def test_not_enough_data_says_what_would_be_needed_and_shows_no_zero() -> None:
    text = shown(models.whole(cards.trial(), None))
    assert "at least 50 are needed" in " ".join(text.split())
    assert "0.000" not in text
    assert "How good" not in text


def test_back_tests_and_the_contest_are_told() -> None:
    text = " ".join(shown(models.whole(cards.purchase(), "GBP"), 120).split())
    for words in ("10 Jun 2011", "54.1%", "56.6%", "0.747", "the champion stays", "0.002 [-0.004, 0.008]"):
        assert words in text


def test_a_lookalike_tells_its_reach() -> None:
    text = shown(models.whole(cards.lookalike(), None))
    assert "1,000" in text
    assert "91%" in text


def test_a_terminal_without_unicode_gets_plain_signs() -> None:
    text = shown(models.whole(cards.churn(), "GBP"), encoding="ascii")
    assert "####" in text
    assert "?" not in text


def test_the_overview_has_a_line_for_every_model() -> None:
    text = shown(terminal.overview(sample.full()), 120)
    block = text[text.index("Predictions") : text.index("See: shoal models")].splitlines()
    assert len(block) == 1 + len(cards.cards())
    assert "AUC 0.841 against 0.801 (RFM score)" in block[1]
    assert "not enough data" in block[-1]


def test_a_run_without_models_has_no_predictions_in_its_overview() -> None:
    assert "Predictions" not in shown(terminal.overview(sample.empty()))


def test_hostile_words_do_not_steer_the_terminal() -> None:
    text = "".join(shown(models.whole(card, "GBP")) for card in sample.hostile().models)
    assert "\x1b" not in text
    assert "\x00" not in text

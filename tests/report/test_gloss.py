"""Words of the trade with their meaning behind them."""

from __future__ import annotations

from shoal.report.gloss import gloss


def test_a_word_is_explained_once_and_only_as_a_word() -> None:
    assert gloss("Jaccard, then Jaccard again").count("<abbr") == 1
    assert "<abbr" not in gloss("Q4 quiet shapes")


def test_what_the_data_say_is_escaped_and_cleaned() -> None:
    assert gloss("<script>\x00AUC").startswith("&lt;script&gt;<abbr title=")
    assert gloss(gloss("a < b")) == "a &amp;lt; b"

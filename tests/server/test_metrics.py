"""The text for Prometheus is what its parsers take, and its table in the docs is whole."""

from __future__ import annotations

import re
from pathlib import Path

from shoal.server.metrics import METRICS, Numbers, reference, render

LINE = re.compile(r'[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\.)*"(,[a-z]+="(?:[^"\\\n]|\\.)*")*\})? (\+Inf|NaN|[0-9.e+-]+)')
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")


def test_a_histogram_adds_up() -> None:
    numbers = Numbers()
    for seconds in (0.0005, 0.001, 0.02, 99.0):
        numbers.see("shoal_ack_seconds", seconds)
    text = render({"http-0": numbers.snapshot()})
    assert 'shoal_ack_seconds_bucket{process="http-0",le="0.001"} 2' in text
    assert 'shoal_ack_seconds_bucket{process="http-0",le="10"} 3' in text
    assert 'shoal_ack_seconds_bucket{process="http-0",le="+Inf"} 4' in text
    assert 'shoal_ack_seconds_count{process="http-0"} 4' in text
    assert 'shoal_ack_seconds_sum{process="http-0"} 99.0215' in text


def test_names_of_segments_are_escaped_and_each_metric_is_headed_once() -> None:
    numbers = Numbers()
    numbers.add("shoal_memberships_changed_total", 1, 'the "best"\\\n', "entered")
    numbers.put("shoal_live_lag_seconds", 0.25)
    text = render({"live-0": numbers.snapshot(), "live-1": numbers.snapshot()})
    plain = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(plain) == 4
    assert [line for line in plain if not LINE.fullmatch(line)] == []
    assert text.count("# TYPE shoal_live_lag_seconds gauge") == 1
    assert text.endswith("\n")


def test_what_no_table_names_is_not_shown() -> None:
    assert render({"http-0": [("ada@example.com", (), 1)]}) == ""


def test_the_page_has_the_table_of_all_metrics() -> None:
    assert reference() in PAGE
    assert len(METRICS) == reference().count("\n") - 1

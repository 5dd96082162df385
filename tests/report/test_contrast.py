"""Letters stand out from what is behind them, by WCAG 2.2 AA (at least 4.5 to 1), in both colour schemes."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

CSS = (files("shoal.report") / "templates" / "report.css").read_text(encoding="utf-8")
SCHEMES = {
    "light": dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", CSS[: CSS.index("@media")])),
    "dark": dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", CSS[CSS.index("@media") : CSS.index(".c1 {")])),
}
PAIRS = [
    *(("ink", ground) for ground in ("paper", "card", "well", "more", "less", "pass-well", "warn-well", "fail-well")),
    *(("soft", ground) for ground in ("paper", "card", "well", "pass-well")),
    *(("accent", ground) for ground in ("paper", "card", "well")),
    *(("on", f"s{i}") for i in range(1, 9)),
    *(("paper", result) for result in ("pass", "warn", "fail", "none")),
    *((result, f"{result}-well") for result in ("pass", "fail", "none")),
    *((f"s{i}", "paper") for i in (1, 2, 8)),
    ("ink", "none-well"),
]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("letters", "ground"), PAIRS)
def test_letters_stand_out(scheme: str, letters: str, ground: str) -> None:
    colours = SCHEMES[scheme]
    assert contrast(colours[letters], colours[ground]) >= 4.5


def test_black_on_white_has_the_contrast_that_the_standard_gives() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)

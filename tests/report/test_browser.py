"""The page in a real browser: it lays out without sideways scrolling on a phone and on a desk."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from shoal.report.html import render
from shoal.summary import Run

from . import sample

pytestmark = pytest.mark.slow
BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
_MEASURE = """<!doctype html><meta charset="utf-8"><body><script>
const frame = document.createElement("iframe");
frame.style = "border:0;width:%dpx;height:2000px";
frame.onload = () => {
  const page = frame.contentDocument, view = page.documentElement.clientWidth;
  const inside = e => e.closest(".scroll, .unseen, .skip") || e.getClientRects().length === 0;
  const beyond = e => !inside(e) && e.getBoundingClientRect().right > view + 1;
  const out = [...page.querySelectorAll("body *")].filter(beyond);
  document.title = JSON.stringify({wide: page.documentElement.scrollWidth - view,
    out: out.slice(0, 5).map(e => e.tagName + "." + e.getAttribute("class"))});
};
frame.srcdoc = %s;
document.body.append(frame);
</script>"""


def measured(run: Run, width: int, folder: Path) -> str:
    if BROWSER is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    page = folder / "measure.html"
    page.write_text(_MEASURE % (width, json.dumps(render(run)).replace("</", "<\\/")), encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--virtual-time-budget=5000", "--window-size=1400,2000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title, done.stdout[:500]
    return html.unescape(title[1])


@pytest.mark.parametrize("width", [390, 850, 1280])
@pytest.mark.parametrize("name", ["full", "empty", "twenty", "long names", "hostile", "lost", "bare", "older"])
def test_nothing_reaches_beyond_the_screen(name: str, width: int, tmp_path: Path) -> None:
    run = {
        "full": sample.full,
        "empty": sample.empty,
        "twenty": lambda: sample.many(20),
        "long names": lambda: sample.many(5, name="Averylongnamewithoutanyblank" * 6),
        "hostile": sample.hostile,
        "lost": sample.lost,
        "bare": sample.bare,
        "older": sample.older,
    }[name]()
    assert measured(run, width, tmp_path) == '{"wide":0,"out":[]}'

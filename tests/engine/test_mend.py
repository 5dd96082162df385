"""Torn lines are found by their bytes and cut with the number they have in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from shoal.engine import mend
from shoal.settings import Layout


def test_a_sound_file_is_not_copied(tmp_path: Path):
    (tmp_path / "x.csv").write_text('a,b\n1,"two"\n"3",5" rule\n')
    assert mend.mend(tmp_path / "x.csv", Layout(), tmp_path / "out").path == tmp_path / "x.csv"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("size", [7, 16, 64])
def test_records_that_span_blocks_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int):
    monkeypatch.setattr(mend, "BLOCK", size)
    lines = ['1,"a\nb, c\nd"', '2,"torn', "3,x", "4,y", '5,"e\nf"', '6,"torn too', "7,z"]
    (tmp_path / "x.csv").write_text("a,b\n" + "\n".join(lines) + "\n")
    mended = mend.mend(tmp_path / "x.csv", Layout(delimiter=","), tmp_path / "out")
    assert [(cut.row, cut.raw) for cut in mended.cuts] == [(2, '2,"torn'), (6, '6,"torn too')]
    kept = [line for line in lines if "torn" not in line]
    assert mended.path.read_text() == "a,b\n" + "\n".join(kept) + "\n"


def test_the_longest_record_is_known_before_parsing(tmp_path: Path):
    (tmp_path / "x.csv").write_text('a,b\n1,"' + "x\n" * 1000 + '"\n')
    assert mend.mend(tmp_path / "x.csv", Layout(), tmp_path / "out").longest >= 2000

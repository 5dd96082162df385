"""Models on disk: what comes back is what was saved, or nothing does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shoal.errors import StorageError
from shoal.predict import vault

FILES = {"model.json": b'{"a": 1}', "part0-lightgbm.txt": b"tree\n" * 100}


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    version = vault.save(FILES, tmp_path)
    assert vault.load(tmp_path, version) == FILES
    assert version == vault.version_of(FILES)


def test_the_same_model_has_the_same_version_and_is_written_once(tmp_path: Path) -> None:
    first = vault.save(FILES, tmp_path)
    written = (tmp_path / first / "model.json").stat().st_mtime_ns
    assert vault.save(dict(reversed(FILES.items())), tmp_path) == first
    assert (tmp_path / first / "model.json").stat().st_mtime_ns == written


def test_another_model_has_another_version(tmp_path: Path) -> None:
    assert vault.save({**FILES, "model.json": b'{"a": 2}'}, tmp_path) != vault.save(FILES, tmp_path)
    assert vault.version_of({"a": b"x", "b": b"y"}) != vault.version_of({"a": b"y", "b": b"x"})


def test_nothing_temporary_is_left(tmp_path: Path) -> None:
    version = vault.save(FILES, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [version]


def change(home: Path) -> None:
    (home / "model.json").write_bytes(b'{"a": 9}')


def grow(home: Path) -> None:
    (home / "model.json").write_bytes(FILES["model.json"] + b" ")


def add(home: Path) -> None:
    (home / "evil.txt").write_text("x", encoding="utf-8")


def remove(home: Path) -> None:
    (home / "model.json").unlink()


def rewrite(home: Path) -> None:
    """Both the file and what the manifest says of it: only the version gives it away."""
    import hashlib

    data = b'{"a": 9}'
    (home / "model.json").write_bytes(data)
    listed = json.loads((home / vault.MANIFEST).read_text(encoding="utf-8"))
    listed = [
        [n, len(data), hashlib.sha256(data).hexdigest()] if n == "model.json" else [n, s, d] for n, s, d in listed
    ]
    (home / vault.MANIFEST).write_text(json.dumps(listed, indent=1), encoding="utf-8")


def point_elsewhere(home: Path) -> None:
    outside = home.parent / "outside"
    outside.write_bytes(FILES["model.json"])
    (home / "model.json").unlink()
    (home / "model.json").symlink_to(outside)


def empty_manifest(home: Path) -> None:
    (home / vault.MANIFEST).write_bytes(b"")


@pytest.mark.parametrize("tamper", [change, grow, add, remove, rewrite, point_elsewhere, empty_manifest])
def test_a_model_that_was_tampered_with_is_refused(tmp_path: Path, tamper: object) -> None:
    version = vault.save(FILES, tmp_path)
    tamper(tmp_path / version)  # type: ignore[operator]
    with pytest.raises(StorageError, match=f"{version} was changed.*Remedy"):
        vault.load(tmp_path, version)


def test_saving_over_a_tampered_model_is_refused_too(tmp_path: Path) -> None:
    change(tmp_path / vault.save(FILES, tmp_path))
    with pytest.raises(StorageError, match="was changed"):
        vault.save(FILES, tmp_path)


def test_a_model_without_its_manifest_cannot_be_read(tmp_path: Path) -> None:
    version = vault.save(FILES, tmp_path)
    (tmp_path / version / vault.MANIFEST).unlink()
    with pytest.raises(StorageError, match="cannot be read"):
        vault.load(tmp_path, version)


@pytest.mark.parametrize("version", ["../../etc", "", "0123456789abcdef", "0123456789AB"])
def test_only_versions_are_looked_up(tmp_path: Path, version: str) -> None:
    with pytest.raises(StorageError, match="no version"):
        vault.load(tmp_path, version)


@pytest.mark.parametrize("name", ["../out", "a/b", "/abs", ".hidden", "", "manifest.json", "a\nb", "x" * 200])
def test_a_file_name_that_could_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError, match="cannot have a file"):
        vault.save({name: b""}, tmp_path)


def test_too_large_a_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "LARGEST", 10)
    with pytest.raises(StorageError, match="over the bound"):
        vault.save(FILES, tmp_path)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot be written"):
        vault.save(FILES, tmp_path / "file" / "models")

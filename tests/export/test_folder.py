"""What `export.json` says is what stands, and a clip is linked or, on another disk, copied."""

import os
from pathlib import Path

import pytest

from audioset_tools.exceptions import DataMismatch
from audioset_tools.export.examples import read_exported
from audioset_tools.export.folder import (
    Contents,
    link_clip,
    read_contents,
    standing,
    stands,
    write_contents,
)
from audioset_tools.workspace import Workspace


def test_what_was_said_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    told = standing(tmp_path / "a", "inputs")
    write_contents(tmp_path, Contents("hf", "mids", True, {"a": told}))
    assert read_contents(tmp_path, "hf", "mids") == {"a": {"inputs": told}}
    assert read_contents(tmp_path / "new", "hf", "mids") == {}


def test_a_file_stands_if_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    told = standing(tmp_path / "a", "inputs")
    assert stands(tmp_path, "a", told)
    (tmp_path / "a").write_text("test")
    assert not stands(tmp_path, "a", told)
    (tmp_path / "a").unlink()
    assert not stands(tmp_path, "a", told)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "hf", "targets": "mids", "files": {"a": 1}}'])
def test_a_damaged_account_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "export.json").write_text(text)
    with pytest.raises(DataMismatch, match="damaged"):
        read_contents(tmp_path, "hf", "mids")


def test_where_no_link_is_possible_a_clip_is_copied(
    exportable: Workspace, labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("another disk")

    monkeypatch.setattr(os, "link", refuse)
    one = read_exported(exportable, "classes", labels).examples[0]
    link_clip(one, tmp_path)
    copied = tmp_path / "audio" / f"{one.name}.wav"
    assert copied.read_bytes() == one.path.read_bytes() and copied.stat().st_nlink == 1
    before = copied.stat().st_mtime_ns, copied.stat().st_ino
    link_clip(one, tmp_path)
    assert (copied.stat().st_mtime_ns, copied.stat().st_ino) == before

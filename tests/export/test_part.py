"""A part's digest is of all that decides its bytes, and what was written is read back."""

from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.exceptions import DataMismatch
from audioset_tools.export.examples import read_exported
from audioset_tools.export.part import about, csv_part, digest_of, json_part, text_part, wav_bytes
from audioset_tools.files import MOST_BYTES
from audioset_tools.workspace import Workspace


def test_a_digest_changes_with_whatever_is_told_of_a_clip(exportable: Workspace, labels: Path) -> None:
    one = read_exported(exportable, "classes", labels).examples[0]
    changed = [
        replace(one, key="AAAAAAAAAAA_0"),
        replace(one, end_ms=one.end_ms + 1),
        replace(one, split="test"),
        replace(one, targets=(1,)),
        replace(one, human_labels=("Lute",)),
        replace(one, sha256="0" * 64),
    ]
    digests = {digest_of(about([other])) for other in [one, *changed]}
    assert len(digests) == len(changed) + 1
    assert digest_of(about([replace(one, file="elsewhere")])) in digests


def test_what_is_not_as_it_was_written_is_found(tmp_path: Path) -> None:
    part = text_part("name.txt", "text\n")
    part.make(tmp_path / "name.txt")
    part.check(tmp_path / "name.txt")
    for other in ("test\n", "text\n\n", "text"):
        (tmp_path / "name.txt").write_text(other)
        with pytest.raises(DataMismatch, match="not what was written"):
            part.check(tmp_path / "name.txt")


def test_a_table_may_be_as_large_as_it_is(tmp_path: Path) -> None:
    """A list of two million clips has more bytes than any document that is read from a stranger."""
    part = text_part("large.txt", "x" * (MOST_BYTES + 1))
    part.make(tmp_path / "large.txt")
    part.check(tmp_path / "large.txt")


def test_tables_and_json_are_text(tmp_path: Path) -> None:
    csv_part("a.csv", ("a", "b"), [("x, y", 1)]).make(tmp_path / "a.csv")
    json_part("a.json", {"a": "é"}).make(tmp_path / "a.json")
    assert (tmp_path / "a.csv").read_text("utf-8") == 'a,b\n"x, y",1\n'
    assert (tmp_path / "a.json").read_text("utf-8") == '{\n "a": "é"\n}\n'


def test_a_clip_that_is_gone_is_not_exported(exportable: Workspace, labels: Path) -> None:
    one = read_exported(exportable, "classes", labels).examples[0]
    assert wav_bytes(one) == one.path.read_bytes()
    one.path.unlink()
    with pytest.raises(DataMismatch, match="cannot be read"):
        wav_bytes(one)

"""Which commit a workspace reads is kept, and no damage to what was kept is believed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from audioset_tools.sources.hub.address import parse_address
from audioset_tools.sources.hub.client import HubFile
from audioset_tools.sources.hub.pinned import Pinned, folder_of, keep_pin, kept_pin

PINNED = Pinned("a/b", "main", "0a" * 20, (HubFile("x/ä.zip", 7, "e"),))


def test_what_was_kept_is_found_again(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, parse_address("hf:a/b@v1"))
    assert folder == tmp_path / "datasets--a--b"
    assert kept_pin(folder) is None
    keep_pin(folder, PINNED)
    assert kept_pin(folder) == PINNED
    assert PINNED.short == "a/b@0a0a0a0a0a0a"


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "[]", "null", '{"repo": 1}', '{"repo":"a/b","revision":null,"commit":"x","files":[]}'),
        *("[" * 100_000, '{"repo": ' * 50_000, "1" + "0" * 400, '{"repo": 1e400}'),
        f'{{"repo":"a/b","revision":[],"commit":"{"0a" * 20}","files":[]}}',
        '{"repo":"a/b","revision":null,"commit":"x","files":[{"path":"x","size":1e400,"etag":1}]}',
    ],
    ids=lambda text: text[:30],
)
def test_damage_is_as_if_nothing_had_been_kept(tmp_path: Path, text: str) -> None:
    (tmp_path / "mirror.json").write_text(text)
    assert kept_pin(tmp_path) is None


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_as_if_nothing_had_been_kept(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "mirror.json")
    assert kept_pin(tmp_path) is None


@pytest.mark.parametrize(
    ("revision", "meant"),
    [
        (None, True),
        ("0a" * 20, True),
        ("0a0a0a0", True),
        ("0b" * 20, False),
        ("main", True),
        ("0a0a", None),
        ("v2", None),
    ],
)
def test_whether_a_revision_means_the_commit_is_sometimes_known(
    revision: str | None, meant: bool | None
) -> None:
    assert PINNED.is_meant_by(revision) is meant

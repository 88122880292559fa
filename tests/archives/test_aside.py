"""Sounds kept aside: each is given once, and room is never more than it may be."""

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.archives.aside import Aside


@given(st.lists(st.tuples(st.integers(0, 5), st.binary(max_size=30), st.booleans()), max_size=40))
def test_what_was_put_is_taken_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, bytes, bool]]
) -> None:
    aside, expected = Aside(tmp_path_factory.mktemp("aside"), 10_000), {}
    for key, content, puts in steps:
        if puts:
            aside.put((key,), content)
            expected[(key,)] = content
        else:
            assert aside.take((key,)) == expected.pop((key,), None)
    aside.close()


def test_what_finds_no_room_is_not_kept(tmp_path: Path) -> None:
    aside = Aside(tmp_path, 10)
    for key in range(4):
        aside.put((key,), b"12345")
    assert [aside.take((key,)) for key in range(4)] == [b"12345", b"12345", None, None]
    # Once nothing is left of it, it begins anew.
    aside.put((9,), b"1234567890")
    assert aside.take((9,)) == b"1234567890"
    assert list(tmp_path.iterdir()) == []
    aside.close()


def test_a_full_disk_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aside = Aside(tmp_path, 1_000)
    aside.put((1,), b"first")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    aside.put((2,), b"second")
    monkeypatch.undo()
    aside.put((3,), b"third")
    assert [aside.take((key,)) for key in (1, 2, 3)] == [b"first", None, None]
    aside.close()


def test_many_threads_get_what_is_theirs(tmp_path: Path) -> None:
    aside, wrong = Aside(tmp_path, 1 << 20), []

    def work(number: int) -> None:
        for turn in range(100):
            content = f"{number} {turn}".encode() * 10
            aside.put((number, turn), content)
            if aside.take((number, turn)) != content:
                wrong.append((number, turn))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    aside.close()
    assert wrong == []

"""Answers on disk and from files: nothing that was confirmed is ever lost, nothing damaged is taken."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.errors import DataMismatch, EnvironmentProblem
from audioset_tools.report.errors.answers import Answer, Cause, latest
from audioset_tools.report.errors.exchange import FORMAT, LARGEST, import_answers
from audioset_tools.report.errors.store import read_answers, store_answers

from .mistaken import answer, key_of, mistake

MISTAKES = {key_of(n): mistake(n) for n in range(10)}
THREE = [
    answer(0, Cause.OTHER, note="one\nline\u2028 </script>"),
    answer(1, None, "Bén", note="später"),
    answer(0, Cause.SOUNDS_LIKE, given=2),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "error-answers.jsonl"


def export(path: Path, *answers: Answer, **more: object) -> Path:
    path.write_text(json.dumps({"format": FORMAT, "answers": [one.json() for one in answers], **more}))
    return path


def test_what_is_stored_is_read_in_its_order_and_only_once(path: Path) -> None:
    assert read_answers(path) == []
    store_answers(path, THREE[:1])
    store_answers(path, THREE[1:])
    store_answers(path, THREE[:2])
    assert read_answers(path) == THREE
    assert len(path.read_bytes().splitlines()) == 5


@settings(max_examples=50)
@given(st.data())
def test_a_torn_end_takes_no_whole_answer_with_it(tmp_path_factory: pytest.TempPathFactory, data) -> None:
    path = tmp_path_factory.mktemp("torn") / "answers"
    store_answers(path, THREE)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    ends = [number for number, byte in enumerate(whole) if byte == ord("\n")]
    left = THREE[: sum(end <= cut for end in ends)]
    assert read_answers(path) == left
    store_answers(path, [answer(5, Cause.OTHER)])
    assert read_answers(path) == [*left, answer(5, Cause.OTHER)]


def test_many_at_once(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store_answers(path, [answer(n, Cause.OTHER, f"A{n % 4}")]), range(60)))
    assert {one.key for one in read_answers(path)} == {key_of(n) for n in range(60)}


def test_on_a_full_disk_nothing_changes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store_answers(path, THREE[:2])
    before, write = path.read_bytes(), os.pwrite

    def fill(descriptor: int, content: bytes, offset: int) -> int:
        if offset > len(before):
            raise OSError(28, "No space left on device")
        return write(descriptor, content[:10], offset)

    monkeypatch.setattr(os, "pwrite", fill)
    with pytest.raises(EnvironmentProblem, match="No space left"):
        store_answers(path, THREE[2:])
    assert path.read_bytes() == before
    monkeypatch.undo()
    store_answers(path, THREE[2:])
    assert read_answers(path) == THREE


def test_a_damaged_line_is_told_and_kept(path: Path) -> None:
    store_answers(path, THREE)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"given": 1', b'"given": "1"')
    path.write_bytes(b"".join(lines))
    with pytest.raises(DataMismatch, match="line 2: given"):
        read_answers(path)
    assert path.read_bytes() == b"".join(lines)


def test_what_is_no_file_of_answers_is_not_written_to(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"x" * (2 << 20))
    with pytest.raises(DataMismatch, match="no file of answers"):
        store_answers(path, THREE)
    assert path.stat().st_size == 2 << 20
    with pytest.raises(EnvironmentProblem, match="cannot be used"):
        read_answers(path.parent)


# ---- files that pages exported


def test_an_import_adds_what_is_new(path: Path, tmp_path: Path) -> None:
    store_answers(path, THREE[:1])
    files = [export(tmp_path / "a.json", *THREE[:2]), export(tmp_path / "b.json", *THREE[1:])]
    assert import_answers(path, files, MISTAKES) == (2, 1)
    assert read_answers(path) == THREE
    before = path.read_bytes()
    assert import_answers(path, files, MISTAKES) == (0, 3)
    assert path.read_bytes() == before


def test_an_older_export_does_not_undo_a_newer_answer(path: Path, tmp_path: Path) -> None:
    store_answers(path, [THREE[2]])
    import_answers(path, [export(tmp_path / "a.json", THREE[0])], MISTAKES)
    assert latest(read_answers(path))["Ada", key_of(0)] == THREE[2]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"format": 1, "answers": []}',
        json.dumps({"format": FORMAT}).encode(),
        json.dumps({"format": FORMAT, "answers": {}}).encode(),
        json.dumps({"format": FORMAT, "answers": [], "more": 1}).encode(),
        json.dumps({"format": FORMAT, "answers": [None]}).encode(),
        json.dumps({"format": FORMAT, "answers": [THREE[0].json() | {"key": key_of(77)}]}).encode(),
        json.dumps({"format": FORMAT, "answers": [THREE[0].json() | {"actual": "X"}]}).encode(),
        json.dumps({"format": FORMAT, "answers": [THREE[0].json() | {"cause": "<img>"}]}).encode(),
        b" " * (LARGEST + 1),
    ],
    ids=range(15),
)  # fmt: skip
def test_of_files_with_a_damaged_one_among_them_nothing_is_taken(
    path: Path, tmp_path: Path, content: bytes
) -> None:
    store_answers(path, THREE[:1])
    before = path.read_bytes()
    good = export(tmp_path / "good.json", *THREE)
    bad = tmp_path / "bad\033[31m.json"
    bad.write_bytes(content)
    with pytest.raises(DataMismatch) as refused:
        import_answers(path, [good, bad], MISTAKES)
    assert r"bad\x1b" in refused.value.what and "\033" not in str(refused.value)
    assert path.read_bytes() == before


def test_a_file_that_is_not_there(path: Path, tmp_path: Path) -> None:
    with pytest.raises(DataMismatch, match="cannot be read"):
        import_answers(path, [tmp_path / "nothing.json"], MISTAKES)

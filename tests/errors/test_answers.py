"""Answers, checked, on disk and from files: nothing confirmed is ever lost, nothing damaged is taken."""

import itertools
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.errors.answers import (
    AHEAD_MS,
    FORMAT,
    LARGEST,
    NOTE_LONGEST,
    Answer,
    Cause,
    import_answers,
    latest,
    parse_answer,
    read_answers,
    store_answers,
)
from audioset_tools.exceptions import DataMismatch, EnvironmentProblem
from tests.errors.mistaken import answer, key_of, mistake

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


@pytest.mark.parametrize("given", [2**53 - 1, 2**53, 10**29, 10**400, -1, AHEAD_MS + 2000, float("nan"), 1e3])
def test_an_import_from_the_future_is_refused_whole(path: Path, tmp_path: Path, given: float) -> None:
    odd = THREE[1].json() | {"given": given}
    file = tmp_path / "a.json"
    file.write_text(json.dumps({"format": FORMAT, "answers": [THREE[0].json(), odd]}))
    with pytest.raises(DataMismatch, match=r"answer 2: |is damaged: it holds a number of 401 digits"):
        import_answers(path, [file], MISTAKES, lambda: 1.0)
    assert not path.exists()
    fast = export(tmp_path / "b.json", replace(THREE[0], given=AHEAD_MS + 1000))
    assert import_answers(path, [fast], MISTAKES, lambda: 1.0) == (1, 0)


def test_a_time_from_the_future_that_is_stored_counts_as_the_oldest(path: Path) -> None:
    store_answers(path, [answer(0, Cause.OTHER, given=2**53 - 1), answer(0, Cause.UNLABELLED, given=5)])
    store_answers(path, [answer(1, Cause.OTHER, given=2**53 - 1)])
    held = latest(read_answers(path, lambda: 1.0))
    assert held["Ada", key_of(0)].cause is Cause.UNLABELLED
    # Where nothing else was said it is what was said.
    assert held["Ada", key_of(1)] == answer(1, Cause.OTHER, given=0)
    assert latest(read_answers(path, lambda: 2.0**53))["Ada", key_of(0)].cause is Cause.OTHER


def test_what_lies_there_and_is_no_file_is_neither_followed_nor_waited_for(
    path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    path.parent.mkdir()
    path.symlink_to(other)
    with pytest.raises(EnvironmentProblem, match="cannot be used"):
        store_answers(path, THREE)
    assert not other.exists()
    path.unlink()
    os.mkfifo(path)
    for touch in (lambda: store_answers(path, THREE), lambda: read_answers(path)):
        with pytest.raises(EnvironmentProblem, match="no regular file"):
            touch()
    with pytest.raises(DataMismatch, match="no regular file"):
        import_answers(tmp_path / "a", [path], MISTAKES)
    path.unlink()
    path.write_bytes(b'{"given": ' + b"[" * 200_000 + b"\n")
    with pytest.raises(DataMismatch, match="line 1: it is nested too deep"):
        read_answers(path)


# ---- what is an answer

ANSWER = answer(0, Cause.SOUNDS_LIKE, note="häh?").json()


@pytest.mark.parametrize(
    "changes",
    [
        {"cause": "no cause"},
        {"cause": ["other"]},
        {"cause": 1},
        {"note": None},
        {"note": "x" * (NOTE_LONGEST + 1)},
        {"note": "\ud800"},
        {"given": 1.5},
        {"given": True},
        {"given": -1},
        {"given": 2**60},
        {"annotator": ""},
        {"annotator": " Ada"},
        {"annotator": "Ada\n"},
        {"annotator": "Ada,Ben"},
        {"annotator": "a" * 61},
        {"annotator": "\udfff"},
        {"annotator": 7},
        {"key": key_of(1)},
        {"key": "../../x"},
        {"actual": "Flute"},
        {"predicted": "Piano"},
        {"more": 1},
    ],
)
def test_what_is_no_answer_to_this_run_is_refused(changes: dict) -> None:
    mistakes = {key_of(0): mistake(0)}
    assert parse_answer(ANSWER, mistakes).json() == ANSWER
    with pytest.raises(ValueError, match=r"\w"):
        parse_answer(ANSWER | changes, mistakes)


def test_an_answer_needs_all_its_fields() -> None:
    for name in ANSWER:
        with pytest.raises(ValueError, match="fields"):
            parse_answer({key: value for key, value in ANSWER.items() if key != name}, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*ANSWER]) | st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_anything_at_all_is_an_answer_or_a_value_error(content: object) -> None:
    try:
        parse_answer(content, None)
    except ValueError:
        return
    assert isinstance(content, dict)


@given(st.permutations([answer(n % 2, cause, who, given=n) for n, (who, cause) in enumerate(
    itertools.product(("Ada", "Ben"), (*Cause, None))
)]))  # fmt: skip
def test_the_last_answer_of_an_annotator_holds_in_whatever_order_they_arrive(answers: list[Answer]) -> None:
    held = latest(answers)
    assert {key: one.given for key, one in held.items()} == {
        ("Ada", key_of(0)): 4, ("Ada", key_of(1)): 5, ("Ben", key_of(0)): 10, ("Ben", key_of(1)): 11
    }  # fmt: skip


def test_of_equal_times_the_one_stored_last_holds() -> None:
    assert (
        latest([answer(0, Cause.SOUNDS_LIKE), answer(0, Cause.OTHER)])["Ada", key_of(0)].cause is Cause.OTHER
    )

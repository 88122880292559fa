"""What is kept from run to run: the visitor id as long as it works, read by nobody else."""

import json
import stat
from pathlib import Path

import pytest

from audioset_tools.sources.learned import LONGEST_S, Learned, Visitor, read_learned, write_learned
from audioset_tools.types import Reason

KNOWN = Learned("CgtNVXh5Wg%3D%3D", 1_000_000.0, {"unavailable: Video unavailable": (19, 1)})


def test_what_is_kept_is_read_again_and_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "youtube.json"
    write_learned(path, KNOWN)
    assert read_learned(path, 1_000_000.0) == KNOWN
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_old_visitor_id_is_none(tmp_path: Path) -> None:
    path = tmp_path / "youtube.json"
    write_learned(path, KNOWN)
    assert read_learned(path, 1_000_000.0 + LONGEST_S).visitor_id is None
    assert read_learned(path, 999_999.0).visitor_id is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "[" * 90_000,
        '{"visitor_id": "x\\r\\nCookie: y", "asked_at": 1000000, "confirmed": {}}',
        '{"visitor_id": 5, "asked_at": NaN, "confirmed": {}}',
        '{"visitor_id": "abc", "asked_at": 1e400, "confirmed": {}}',
        '{"visitor_id": "abc", "asked_at": 1000000, "confirmed": {"a": [1e400, 0]}}',
        '{"visitor_id": "abc", "asked_at": 1000000, "confirmed": [1]}',
        json.dumps({"visitor_id": "a" * 5_000, "asked_at": 1_000_000, "confirmed": {}}),
    ],
)
def test_a_damaged_or_hostile_file_is_no_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "youtube.json"
    path.write_text(text)
    assert read_learned(path, 1_000_000.0).visitor_id is None


def test_a_folder_in_its_place_is_no_file(tmp_path: Path) -> None:
    assert read_learned(tmp_path, 0) == Learned()
    write_learned(tmp_path, KNOWN)


def test_an_id_that_never_served_is_not_kept_and_one_that_was_limited_is() -> None:
    visitor = Visitor(KNOWN)
    for _ in range(10):
        assert visitor.works
        visitor.note(Reason.CLIENT)
    assert not visitor.works
    visitor.note(Reason.RATE_LIMITED)
    assert visitor.works, "another id must not get round a limit"


@pytest.mark.parametrize("had", [None, "", "with space", "x\ny", "é", "a" * 1_001])
def test_what_is_no_id_is_done_without_and_not_asked_for_again(had: str | None) -> None:
    visitor = Visitor(Learned())
    assert visitor.unknown
    visitor.got(had, 0)
    assert visitor.id is None
    assert not visitor.unknown

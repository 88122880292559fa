"""What lies in a clip's place, and what a damaged record says of it, is never trusted."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.fetch.check import lies_at, look_at, restore_lost
from audioset_tools.fetch.transcode import Sound, write_clip
from audioset_tools.fetch.verify import verify
from audioset_tools.findings import Kind, findings_table
from audioset_tools.forget import finish_forgetting, forget
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.types import CLIP_SAMPLES, Clip
from audioset_tools.workspace import Workspace

from .conftest import candidate

ONE = candidate("abcdefghijA")


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """A workspace with one clip."""
    place = Workspace(tmp_path / "w")
    place.prepare()
    with Ledger(place.ledger) as ledger:
        ledger.load(Origin("paper", "", "", ("Flute",), 0, (10, 1, 1)), [ONE])
        path = place.clip("Flute", ONE.key)
        sha256 = write_clip(Sound(np.full(CLIP_SAMPLES, 16_384, np.int16), 10.0, 0.5), path)
        name = path.relative_to(place.root).as_posix()
        ledger.accept(ONE, Clip(ONE.key, "Flute", 0, name, sha256, 10.0, 0.5, "test"), at=1)
    return place


@pytest.fixture
def ledger(place: Workspace) -> Iterator[Ledger]:
    with Ledger(place.ledger) as ledger:
        yield ledger


def test_a_record_that_names_another_file_moves_nothing_there(place: Workspace, ledger: Ledger) -> None:
    outside = place.root.parent / "outside.wav"
    outside.write_bytes(b"mine")
    ledger._db.execute("UPDATE clip SET path = '../outside.wav'")
    (said,) = restore_lost(ledger, place, at=2)
    assert "outside" in said
    assert outside.read_bytes() == b"mine"
    assert ledger.clips() == []


def test_a_pipe_in_a_clips_place_is_no_file(place: Workspace, ledger: Ledger) -> None:
    ((_, clip),) = ledger.clips()
    path = place.root / lies_at(clip, place)
    path.unlink()
    os.mkfifo(path)
    found = look_at(clip, place, deep=True)
    assert found is not None and found.kind is Kind.DAMAGED


def test_names_of_strays_reach_no_terminal_raw(place: Workspace) -> None:
    (place.clips / "a\033[31mb").write_bytes(b"")
    report = verify(place, False, lambda done, total: None, clock=lambda: 1e12, sleep=lambda seconds: None)
    (row,) = findings_table(report).rows
    assert "\033" not in row[2] and "31mb" in row[2]


def test_what_a_backup_brings_back_of_a_forgotten_clip_goes_again(place: Workspace, ledger: Ledger) -> None:
    path = place.clip("Flute", ONE.key)
    backup = path.read_bytes()
    forget(ledger, place, [ONE.ytid], at=2)
    assert not path.exists()
    path.write_bytes(backup)
    assert finish_forgetting(ledger, place).clips
    assert not path.exists()
    assert not finish_forgetting(ledger, place).anything

"""What a machine that cannot take a clip is told to be."""

import os
from errno import ENOSPC
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from audioset_tools.errors import EnvironmentProblem
from audioset_tools.fetch import attempt as module
from audioset_tools.fetch.attempt import Worker
from audioset_tools.fetch.pace import Pace, parse_pace
from audioset_tools.fetch.source import Excerpt
from audioset_tools.fetch.transcode import Sound
from audioset_tools.types import CLIP_SAMPLES, Candidate
from audioset_tools.workspace import Workspace

from .conftest import candidate


class Anything:
    """A source that has everybody's sound."""

    known_alive = None

    def open(self, wished: Candidate) -> Excerpt:
        return Excerpt(b"", "test")

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("files", "free_files", "free_blocks", "words"),
    [
        (100, 0, 50, "no more files \\(inodes\\)"),
        (100, 0, 0, "is full"),
        (100, 7, 0, "is full"),
        (0, 0, 50, "is full"),
    ],
)
def test_a_full_disk_is_told_from_one_without_inodes(
    files: int, free_files: int, free_blocks: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(ENOSPC, "No space left on device")

    status = SimpleNamespace(f_files=files, f_ffree=free_files, f_favail=free_files, f_bavail=free_blocks)
    monkeypatch.setattr(module, "write_clip", full)
    monkeypatch.setattr(module, "decode", lambda *_: Sound(np.zeros(CLIP_SAMPLES, np.int16), 10, 0.5))
    monkeypatch.setattr(os, "statvfs", lambda _: status)
    worker = Worker(Anything(), Workspace(tmp_path), Pace(parse_pace("guest")), lambda: 0.0)
    with pytest.raises(EnvironmentProblem, match=words):
        worker.attempt(candidate("abcdefghijA"))

"""What a machine that cannot take a clip is told to be."""

import os
from dataclasses import replace
from errno import ENOSPC
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from audioset_tools.audio.ffmpeg import Media
from audioset_tools.audio.fingerprint import fingerprint
from audioset_tools.audio.segment import Sound
from audioset_tools.exceptions import EnvironmentProblem
from audioset_tools.fetch import make
from audioset_tools.fetch.worker import Worker
from audioset_tools.sources.source import Excerpt
from audioset_tools.types import CLIP_SAMPLES, Candidate, Clip
from audioset_tools.workspace import Workspace
from tests.factories import candidate


class Anything:
    """A source that has everybody's sound."""

    name, pace, known_alive = "test", None, None

    def holds(self, wished: Candidate) -> bool:
        return True

    def open(self, wished: Candidate) -> Excerpt:
        return Excerpt(Media(b""), "test")

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
    monkeypatch.setattr(make, "write_clip", full)
    monkeypatch.setattr(make, "decode_segment", lambda *_: Sound(np.zeros(CLIP_SAMPLES, np.int16), 10, 0.5))
    monkeypatch.setattr(os, "statvfs", lambda _: status)
    worker = Worker(Workspace(tmp_path), lambda: 0.0)
    with pytest.raises(EnvironmentProblem, match=words):
        worker.attempt(candidate("abcdefghijA"), Anything())


def test_a_clip_is_known_by_its_sound(
    no_ffmpeg: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(make, "fingerprint", fingerprint)
    wished = replace(candidate("abcdefghijA"), labels=("/m/0l14j_",), split="test")
    worker = Worker(Workspace(tmp_path), lambda: 0.0)
    clip = worker.attempt(wished, Anything())
    assert isinstance(clip, Clip) and clip.fingerprint == fingerprint(np.ones(CLIP_SAMPLES, np.int16))
    assert (clip.labels, clip.split) == (("/m/0l14j_",), "test")
    known_alive = worker.attempt(wished, Anything(), keep=False)
    assert isinstance(known_alive, Clip) and (known_alive.sha256, known_alive.fingerprint) == ("", b"")

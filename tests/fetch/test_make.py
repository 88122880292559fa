"""A clip is made by a task: the same here and in another process, and its failures can be sent."""

import pickle
from errno import ENOENT
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.audio.clip import read_clip
from audioset_tools.audio.ffmpeg import DecodeError, DecodeFault, Media
from audioset_tools.fetch.make import ClipTask, Unwritten, make_clip
from audioset_tools.simulator.sounds import phrase


def task(root: Path, media: Media, **others: object) -> ClipTask:
    return ClipTask(media, 0, 10_000, None, 16_000, root, root / "clips" / "Yabc.wav", **others)  # type: ignore[arg-type]


@pytest.fixture
def media(tmp_path: Path) -> Media:
    path = tmp_path / "source.flac"
    soundfile.write(path, np.resize(phrase("piano", 3), 480_000), 48_000)
    return Media(path.read_bytes())


def test_a_task_is_the_same_after_a_journey(media: Media, tmp_path: Path) -> None:
    first = task(tmp_path, media, kept=tmp_path / "sources" / "Yabc")
    made = make_clip(first)
    content = first.target and first.target.read_bytes()
    again = make_clip(pickle.loads(pickle.dumps(first)))  # noqa: S301 - our own, from here
    assert again == made and first.target and first.target.read_bytes() == content
    assert len(read_clip(first.target, made.sha256)) == 160_000
    assert made.kept and made.kept[0].read_bytes() == media.content and made.fingerprint
    assert make_clip(ClipTask(media, 0, 10_000, None, 16_000, tmp_path)).sha256 == ""


def test_a_failure_survives_a_journey(tmp_path: Path) -> None:
    with pytest.raises(DecodeError) as caught:
        make_clip(task(tmp_path, Media(b"no sound at all" * 100)))
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own, from here
    assert (again.fault, again.message, again.output) == (
        caught.value.fault, caught.value.message, caught.value.output
    )  # fmt: skip
    assert str(DecodeError(DecodeFault.SILENT, "the words", "more")) == "the words"


def test_what_cannot_be_written_is_told_from_what_cannot_be_read(media: Media, tmp_path: Path) -> None:
    with pytest.raises(Unwritten) as caught:
        make_clip(task(tmp_path / "gone", media))
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own, from here
    assert again.errno == ENOENT and not (tmp_path / "gone").exists()


def test_paths_are_those_that_others_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    placed = task(Path("w"), Media(Path("a.wav")), kept=Path("k")).placed(Path.absolute)
    here = Path.cwd()
    assert (placed.root, placed.target, placed.kept) == (here / "w", here / "w/clips/Yabc.wav", here / "k")
    assert placed.media.content == here / "a.wav"

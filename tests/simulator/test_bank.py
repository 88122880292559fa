"""The banks: encoded once, kept on disk, and a failing ffmpeg is reported."""

from pathlib import Path

import pytest

from audioset_tools.audio.binary import FfmpegPath
from audioset_tools.exceptions import EnvironmentProblem
from audioset_tools.simulator import bank, decide
from audioset_tools.simulator.bank import Studio
from audioset_tools.simulator.sounds import phrase
from tests.simulator.files import WEBM, YTID, plan, whole


def test_a_bank_is_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = decide(plan("Piano", 0, "silent"), YTID)
    first = whole(Studio(tmp_path).file(video, WEBM))
    assert [path.suffix for path in tmp_path.iterdir()] == [".webm"]
    monkeypatch.setattr(bank, "_encode", None)
    assert whole(Studio(tmp_path).file(video, WEBM)) == first


def test_where_nothing_can_be_kept_a_bank_is_encoded_for_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setattr(bank, "_encode", lambda voice, format, target: target.write_bytes(b"encoded"))
    for own in (tmp_path / "file" / "x", Path("~/.cache/audioset-tools")):
        monkeypatch.setattr(bank.platformdirs, "user_cache_path", lambda _, own=own: own)
        assert Studio()._encoded("silence", WEBM) == b"encoded"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_ffmpeg_says_reaches_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank, "find_ffmpeg", lambda: FfmpegPath("false", "here"))
    with pytest.raises(EnvironmentProblem, match="could not encode opus"):
        Studio(tmp_path).file(decide(plan("Piano", 0, "silent"), YTID), WEBM)
    assert list(tmp_path.iterdir()) == []


def test_a_phrase_is_whole_packets_of_both_codecs() -> None:
    samples = len(phrase("silence", 0))
    assert samples % 960 == samples % 1024 == 0

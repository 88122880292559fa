"""`predict` as a user runs it; the network is a stand-in, everything else is real."""

import csv
import json
import os
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from audioset_tools.cli import run
from audioset_tools.errors import DataMismatch, UsageError
from audioset_tools.featurize.dataset import read_dataset
from audioset_tools.featurize.mel import logmel
from audioset_tools.featurize.shard import ShardHeader, open_shard
from audioset_tools.featurize.spec import MelSpec
from audioset_tools.predict.files import Recording, find_recordings
from audioset_tools.predict.heard import Heard
from audioset_tools.predict.picture import picture_paths
from audioset_tools.predict.run import PredictConfig, predict, spec_of
from audioset_tools.train.about import about_run
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.models import build
from audioset_tools.train.weights import write_weights

from ..featurized import featurized
from .conftest import CLASSES, SPEC, Ears, noise, tone, write

PNG = b"\x89PNG\r\n"


@pytest.fixture
def loaded(ears: Ears, monkeypatch: pytest.MonkeyPatch) -> Ears:
    """What any run folder holds."""
    monkeypatch.setattr("audioset_tools.train.trained.load_run", lambda folder, device: ears)
    return ears


def told(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> list[dict]:
    assert run(["predict", *map(str, words), "--run", ".", "--json"]) == code
    return json.loads(capsys.readouterr().out)["recordings"]


def refused(capsys: pytest.CaptureFixture[str], code: int, *words: str | Path) -> str:
    assert run(["predict", *map(str, words), "--run", "."]) == code
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


def test_a_long_recording_from_beginning_to_end(
    capsys: pytest.CaptureFixture[str], loaded: Ears, tmp_path: Path
) -> None:
    path = write(tmp_path / "long.flac", tone(30), np.zeros(16_000 * 20), noise(23))
    (answer,) = told(capsys, path)
    assert answer["seconds"] == 73 and answer["notes"] == []
    windows = answer["windows"]
    assert [window["start_s"] for window in windows] == [*range(0, 61, 5), 63]
    assert [window["predicted"] for window in windows[:4]] == [["Tone"]] * 4
    assert [window["silent"] for window in windows] == [n in (6, 7, 8) for n in range(14)]
    assert [window["predicted"] for window in windows[-4:]] == [["Noise"]] * 4
    assert windows[6]["probability"] is None and set(windows[0]["probability"]) == set(CLASSES)
    assert answer["dominant"] == "Tone"
    assert answer["share_of_time"]["Tone"] + answer["share_of_time"]["Noise"] == pytest.approx(
        1 - answer["silent_share_of_time"]
    )


def test_a_clip_gives_the_very_mel_of_its_shard(tmp_path: Path) -> None:
    place = featurized(tmp_path)
    (path,) = place.shards.glob("*/test-*.h5")
    shard = open_shard(path)
    key = shard.key[0].decode()
    (clip,) = (placement for placement in read_dataset(place.dataset) if placement.key == key)
    ears = Ears(spec=MelSpec())
    (answer,) = predict(find_recordings([place.root / clip.path]), ears, PredictConfig())
    assert isinstance(answer, Heard) and answer.windows == ((0, 160_000),)
    (mel,) = ears.seen
    assert mel.tobytes() == shard.read(0, 1)[0].tobytes()


def test_a_recording_shorter_than_a_window_is_padded(
    capsys: pytest.CaptureFixture[str], loaded: Ears, tmp_path: Path
) -> None:
    (answer,) = told(capsys, write(tmp_path / "short.wav", tone(0.5)))
    (window,) = answer["windows"]
    assert (window["start_s"], window["end_s"], window["predicted"]) == (0, 0.5, ["Tone"])


def test_several_classes_at_once(capsys: pytest.CaptureFixture[str], loaded: Ears, tmp_path: Path) -> None:
    loaded.multi_label = True
    loaded.probabilities = lambda mels: np.full((len(mels), 2), 0.75)
    path = write(tmp_path / "both.wav", tone(15))
    (answer,) = told(capsys, path, "--csv", tmp_path / "out.csv")
    assert [window["predicted"] for window in answer["windows"]] == [list(CLASSES)] * 2
    assert answer["share_of_time"] == {"Tone": 1, "Noise": 1}
    _, first, _ = csv.reader((tmp_path / "out.csv").read_text().splitlines())
    assert first == [str(path), "0.000", "10.000", "Tone;Noise", "0.750000", "0.750000"]
    assert run(["predict", str(path), "--run", "."]) == 0
    assert "Tone + Noise" in capsys.readouterr().out


def test_one_bad_recording_stops_no_other(
    capsys: pytest.CaptureFixture[str], loaded: Ears, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    names = ["one.wav", "deeper/two\n\033[31m.flac", "three.mp3", os.fsdecode(b"\xff.ogg")]
    for name in (names[0], names[1], names[3]):
        write(tmp_path / "plain.ogg" if name is names[3] else folder / name, tone(1))
    (tmp_path / "plain.ogg").rename(folder / names[3])
    (folder / names[2]).write_text("no music")
    (folder / ".hidden.wav").write_text("no music")
    (folder / "notes.txt").write_text("no music")
    out, png = tmp_path / "out.csv", tmp_path / "pictures"
    answers = told(capsys, folder, "--csv", out, "--png", png, code=6)
    assert [Path(answer["path"]).name for answer in answers if "error" in answer] == ["three.mp3"]
    drawn = {path.relative_to(png).as_posix() for path in png.rglob("*.png")}
    assert drawn == {f"{name}.png" for name in names if name != "three.mp3"}
    assert all(path.read_bytes().startswith(PNG) for path in png.rglob("*.png"))
    with out.open(newline="", errors="surrogateescape") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["path"] for row in rows} == {str(folder / name) for name in names if name != "three.mp3"}
    said = refused(capsys, 6, folder)
    assert "three.mp3: it cannot be decoded" in said and "1 of 4 recordings" in said


def test_what_is_told_of_names_cannot_command_a_terminal(
    capsys: pytest.CaptureFixture[str], loaded: Ears, tmp_path: Path
) -> None:
    path = write(tmp_path / "a\n\033[31m.wav", tone(1))
    os.truncate(path, 20_000)
    assert run(["predict", str(path), "--run", ".", "--png", str(tmp_path / "a.png")]) == 0
    shown = capsys.readouterr()
    assert "\033" not in shown.out + shown.err and "\\n\\x1b" in shown.out
    assert "damaged or cut off; 0.6 s" in shown.err


def test_what_cannot_be_done_is_told(
    capsys: pytest.CaptureFixture[str], loaded: Ears, tmp_path: Path
) -> None:
    one, two = write(tmp_path / "1.wav", tone(1)), write(tmp_path / "2.wav", tone(1))
    text = tmp_path / "text"
    text.write_text("hello")
    (tmp_path / "empty").mkdir()
    assert "there is no file" in refused(capsys, 2, one, tmp_path / "missing.wav")
    assert "no recording in the folder" in refused(capsys, 2, tmp_path / "empty")
    assert "no window begins 11 s" in refused(capsys, 2, one, "--hop", "11")
    assert "no window begins nan s" in refused(capsys, 2, one, "--hop", "nan")
    assert "text is a file" in refused(capsys, 2, one, two, "--png", text)
    assert "Missing argument" in refused(capsys, 2)
    assert "cannot be decoded" in refused(capsys, 6, text)
    assert "the machine refused" in refused(capsys, 5, one, "--csv", text / "out.csv")
    assert "the machine refused" in refused(capsys, 5, one, "--png", text / "out.png")
    assert not loaded.seen


def test_recordings_are_found_once_and_in_order(tmp_path: Path) -> None:
    for name in ("b.wav", "a.MP3", "c/d.mkv", "c/d.txt", ".c/e.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "c" / "loop").symlink_to(tmp_path)
    found = find_recordings([tmp_path / "b.wav", tmp_path, tmp_path / "c" / "d.txt"])
    assert [recording.name.as_posix() for recording in found] == ["b.wav", "a.MP3", "c/d.mkv", "d.txt"]


def test_pictures_of_the_same_name_do_not_meet(tmp_path: Path) -> None:
    named = [Recording(Path(folder, "x.wav"), Path("x.wav")) for folder in "abc"]
    names = [path.name for path in picture_paths(tmp_path, named)]
    assert names == ["x.wav.png", "x.wav-2.png", "x.wav-3.png"]
    assert picture_paths(tmp_path / "p.png", named[:1]) == [tmp_path / "p.png"]
    (long,) = picture_paths(tmp_path, [Recording(Path("x"), Path("\u7b1b" * 80))])
    long.touch()
    (tmp_path / "p.png").touch()
    with pytest.raises(UsageError):
        picture_paths(tmp_path / "p.png", named)


def test_mels_of_another_version_are_refused(ears: Ears) -> None:
    about = ears.about
    about.spec_digest = "0" * 16
    with pytest.raises(DataMismatch):
        spec_of(SimpleNamespace(about=about))


def test_weights_and_config_alone_are_a_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = ShardHeader(
        split="train", recipe="any", class_names=CLASSES, multi_label=False, spec=SPEC.json(),
        spec_digest=SPEC.digest, inputs="", audioset_tools="0.1.0", librosa="0.11",
    )  # fmt: skip
    config = TrainConfig(filters=(4, 4, 8, 8))
    about = about_run(asdict(config), header, SPEC.shape, {}, 1)
    network = build("paper", 2, SPEC.shape, filters=config.filters, decibels=False, seed=0)
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "config.json").write_text(about.json())
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    write_weights(folder / "model.safetensors", weights, about)
    path = write(tmp_path / "one.wav", tone(10))
    monkeypatch.chdir(tmp_path)
    words = ["predict", str(path), "--run", "published", "--device", "cpu"]
    assert run([*words, "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["recordings"]
    probability = answer["windows"][0]["probability"]
    with torch.inference_mode():
        sound = soundfile.read(path, dtype="float32")[0]
        logits = network.eval()(torch.from_numpy(logmel(sound, SPEC))[None, None])
    assert list(probability.values()) == pytest.approx(logits.double().softmax(1)[0].tolist(), abs=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.wav", "published"]

    (folder / "checkpoint.safetensors").touch()
    assert run(words) == 0
    assert "is not finished" in capsys.readouterr().err

    damaged = bytearray((folder / "model.safetensors").read_bytes())
    damaged[-1] ^= 1
    (folder / "model.safetensors").write_bytes(damaged)
    assert run(words) == 6
    (folder / "model.safetensors").unlink()
    assert run(words) == 6
    said = capsys.readouterr().err
    assert "is damaged" in said and "there are no weights" in said and "Traceback" not in said

"""`predict` as a user runs it; the network is a stand-in, everything else is real."""

import csv
import errno
import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audioset_tools.cli import run
from audioset_tools.csvfile import csv_columns, read_csv
from audioset_tools.featurize.mel import logmel
from audioset_tools.predict import run as run_module
from audioset_tools.runs import folder as folder_module
from audioset_tools.runs.about import about_run
from audioset_tools.shards.shard import ShardHeader
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.networks import build
from audioset_tools.train.weights import Weights, write_weights
from tests.factories import featurized
from tests.predict.conftest import CLASSES, SPEC, Ears, noise, tone, write

PNG = b"\x89PNG\r\n"


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Ears:
    """What any run folder holds."""
    ears = Ears()
    monkeypatch.setattr(run_module, "find_run", lambda workspace, run: run)
    monkeypatch.setattr(folder_module, "find_run", lambda workspace, run: Path(run))
    monkeypatch.setattr(run_module, "load_run", lambda *_: ears)
    return ears


def told(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> list[dict]:
    assert run(["predict", *map(str, words), "--run", ".", "--json"]) == code
    return json.loads(capsys.readouterr().out)["recordings"]


def refused(capsys: pytest.CaptureFixture[str], code: int, *words: str | Path) -> str:
    assert run(["predict", *map(str, words), "--run", "."]) == code
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


def test_who_may_not_read_the_weights_is_told_of_rights_and_not_of_room(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def load(*_: object) -> Ears:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / "model.safetensors"))

    monkeypatch.setattr(run_module, "find_run", lambda workspace, run: run)
    monkeypatch.setattr(folder_module, "find_run", lambda workspace, run: Path(run))
    monkeypatch.setattr(run_module, "load_run", load)
    said = refused(capsys, 5, write(tmp_path / "it.wav", tone(1)))
    assert "model.safetensors" in said and "chmod" in said and "disk" not in said


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


def test_a_recording_shorter_than_a_window_is_padded(
    capsys: pytest.CaptureFixture[str], loaded: Ears, tmp_path: Path
) -> None:
    (answer,) = told(capsys, write(tmp_path / "short.wav", tone(0.5)))
    (window,) = answer["windows"]
    assert (window["start_s"], window["end_s"], window["predicted"]) == (0, 0.5, ["Tone"])
    assert answer["notes"] == ["it is 0.50 s long, shorter than a window: it was padded with silence"]
    (answer,) = told(capsys, write(tmp_path / "ten.wav", tone(10)))
    assert answer["notes"] == []


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


def test_no_class_is_named_that_is_not_probable_enough(
    capsys: pytest.CaptureFixture[str], loaded: Ears, tmp_path: Path
) -> None:
    loaded.probabilities = lambda mels: np.full((len(mels), 2), (0.48, 0.52))
    path, out = write(tmp_path / "it.wav", tone(15)), tmp_path / "out.csv"
    assert {window["unsure"] for window in told(capsys, path)[0]["windows"]} == {False}
    (answer,) = told(capsys, path, "--unsure", "0.6", "--csv", out, "--png", tmp_path / "it.png")
    assert answer["dominant"] is None and answer["unsure_share_of_time"] == 1
    assert {row[3] for row in csv.reader(out.read_text().splitlines()[1:])} == {"unsure"}
    assert run(["predict", str(path), "--run", ".", "--unsure", "0.6"]) == 0
    assert "unsure (at best 0.52)" in capsys.readouterr().out
    assert "no probability is 1.5" in refused(capsys, 2, path, "--unsure", "1.5")
    assert "no probability is nan" in refused(capsys, 2, path, "--unsure", "nan")
    loaded.multi_label = True
    assert told(capsys, path)[0]["unsure_share_of_time"] == 0
    assert "several classes" in refused(capsys, 2, path, "--unsure", "0.6")


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
    assert all(sign.isprintable() or sign == "\n" for sign in out.read_bytes().decode())
    paths = read_csv(out, csv_columns(out, ""), lambda row: row["path"], "")
    assert {*paths} == {str(folder / name) for name in names if name != "three.mp3"}
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
    assert "missing argument" in refused(capsys, 2)
    assert "cannot be decoded" in refused(capsys, 6, text)
    assert "the machine refused" in refused(capsys, 5, one, "--csv", text / "out.csv")
    assert "the machine refused" in refused(capsys, 5, one, "--png", text / "out.png")
    assert not loaded.seen


def test_clips_and_runs_of_a_workspace_are_named_as_everywhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    workspace = featurized(tmp_path / "w")
    runs = [workspace.runs / name for name in ("older", "newer")]
    for at, folder in enumerate(runs):
        folder.mkdir(parents=True)
        for name in ("model.safetensors", "metrics.json"):
            (folder / name).touch()
            os.utime(folder / name, (at, at))
    used = []

    def load(folder: Path, *_: object) -> Ears:
        used.append(folder)
        return Ears()

    monkeypatch.setattr(run_module, "load_run", load)
    path = next(path for path in workspace.clips.rglob("Y*.wav") if path.name.startswith("Y-"))
    key = path.stem[1:]
    where = ["--workspace", str(workspace.root), "--json"]
    forms = [
        key[:11],
        f"Y{key[:11]}",
        key,
        path.name,
        path,
        f"https://www.youtube.com/watch?v={key[:11]}&t=9",
    ]
    for form in forms:
        assert run(["predict", str(form), "--run", "older", *where]) == 0
        (answer,) = json.loads(capsys.readouterr().out)["recordings"]
        assert (answer["path"], used.pop()) == (str(path), runs[0])
    # A file of that name comes first.
    monkeypatch.chdir(tmp_path)
    write(tmp_path / f"{key}.wav", tone(1))
    assert run(["predict", f"{key}.wav", *where]) == 0 and used.pop() == runs[1]
    assert json.loads(capsys.readouterr().out)["recordings"][0]["path"] == f"{key}.wav"
    assert run(["predict", "abcdefghijA", "--run", str(runs[0]), *where]) == 2
    assert "abcdefghijA is neither a file nor a clip of" in capsys.readouterr().err
    assert run(["predict", str(path), "--run", "nosuch", *where]) == 2
    assert "Name one of these: newer, older" in capsys.readouterr().err


def test_weights_and_config_alone_are_a_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = ShardHeader(
        split="train", recipe="any", class_names=CLASSES, multi_label=False, spec=SPEC,
        spec_digest=SPEC.digest, inputs="", audioset_tools="0.1.0", librosa="0.11",
    )  # fmt: skip
    config = TrainConfig(filters=(4, 4, 8, 8))
    about = about_run(asdict(config), header, SPEC.shape, {}, 1)
    network = build("paper", 2, SPEC.shape, filters=config.filters, decibels=False, seed=0)
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "config.json").write_text(about.json())
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    write_weights(folder / "model.safetensors", Weights(about, weights))
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
    assert run(words) == 2
    said = capsys.readouterr().err
    assert "is damaged" in said and "no run 'published'" in said and "Traceback" not in said

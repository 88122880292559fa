"""The probe from training to a recording, as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.audio.clip import write_clip
from audioset_tools.cli import run as command
from audioset_tools.train import every

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("ai_edge_litert")

from taggers import onnx_tagger

from tests.train.probe.places import CLASSES, place, sound


def told(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict:
    assert command([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], code: int, *words: str | Path) -> str:
    assert command([*map(str, words)]) == code
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 2 and "Traceback" not in said
    return said


def test_from_training_to_a_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audioset_tools.plots.draw_confusion", lambda *args: None)
    workspace, tagger = place(tmp_path / "workspace"), tmp_path / "yamnet.onnx"
    root = ["--workspace", str(workspace.root)]
    tagger.write_bytes(onnx_tagger())
    train = ["train", "--model", "probe", "--embedding", tagger, *root]
    assert "no output 'logits'" in refused(capsys, 2, *train, "--embedding-output", "logits")

    run = Path(told(capsys, *train, "--embedding-output", "embeddings")["path"])
    assert run.name == "probe-yamnet-outembeddings"
    trained = (run / "predictions.csv").read_bytes()

    # Away from where it lay, the file must be named, and must be the same.
    moved = tagger.rename(tmp_path / "moved.onnx")
    assert "yamnet.onnx cannot be read" in refused(capsys, 2, "evaluate", run.name, *root)
    assert told(capsys, "evaluate", run.name, *root, "--embedding", moved)["macro"]["f1"] == 1
    assert (run / "predictions.csv").read_bytes() == trained
    rng = np.random.default_rng(5)
    write_clip(np.concatenate([sound((name,), rng) for name in CLASSES]), tmp_path / "song.wav")
    predict = ["predict", tmp_path / "song.wav", "--run", run, "--hop", "10", "--unsure", "0"]
    (answer,) = told(capsys, *predict, "--embedding", moved)["recordings"]
    assert [window["predicted"] for window in answer["windows"]] == [[name] for name in CLASSES]
    moved.write_bytes(onnx_tagger("samples", 2))
    assert "is not the embedding file" in refused(capsys, 6, *predict, "--embedding", moved)


def test_among_all_models_it_stands_where_its_file_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audioset_tools.plots.draw_confusion", lambda *args: None)
    monkeypatch.setattr(every, "MODELS", {})
    monkeypatch.setattr(every, "CLASSICAL", {"knn": every.CLASSICAL["knn"]})
    workspace, tagger = place(tmp_path / "workspace"), tmp_path / "yamnet.onnx"
    tagger.write_bytes(onnx_tagger())
    everything = ["train", "--model", "all", "--workspace", workspace.root]
    for words, models in (([], {"knn"}), (["--embedding", tagger], {"knn", "probe"})):
        assert {run["model"] for run in told(capsys, *everything, *words)["runs"]} == models
    # Once it is trained it is not trained again, unless the file is another.
    assert command([*map(str, everything), "--embedding", str(tagger)]) == 0
    assert capsys.readouterr().err.count("finished already") == 2
    tagger.write_bytes(onnx_tagger("samples", 2))
    assert command([*map(str, everything), "--embedding", str(tagger)]) == 0
    assert capsys.readouterr().err.count("finished already") == 1

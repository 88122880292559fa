"""Fitting the probe, from clips to run folder."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.runs.folder import Run, Trial
from audioset_tools.train.run import train
from audioset_tools.train.trained import load_run
from audioset_tools.train.weights import read_weights, write_weights
from audioset_tools.types import Progress
from audioset_tools.workspace import Workspace

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("ai_edge_litert")

import taggers

from tests.train.probe.places import place


@pytest.fixture(scope="module", autouse=True)
def no_pictures() -> Iterator[None]:
    """They take most of the time of a small run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audioset_tools.plots.draw_confusion", lambda *args: None)
        yield


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return place(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tagger") / "small tagger.tflite"
    path.write_bytes(taggers.tflite_tagger())
    return path


@pytest.fixture(scope="module")
def run(workspace: Workspace, tagger: Path) -> Run:
    return train(workspace, "probe", embedding=tagger)


def test_it_learns_what_the_tagger_hears(workspace: Workspace, tagger: Path) -> None:
    trials: list[Trial] = []
    steps: list[Progress] = []
    run = train(workspace, "probe", embedding=tagger, on_epoch=trials.append, on_progress=steps.append)
    assert run.test.macro_f1 == 1
    assert run.path.name == "probe-small-tagger"
    assert tuple(trials) == run.history and len(trials) == 8
    # Of 12 clips to train on, not of their noise copies.
    assert [(step.done, step.total) for step in steps] == [(12, 12), (6, 6)]
    settings = run.about.config
    assert settings["embedding"] == str(tagger)
    assert settings["embedding_sha256"] == hashlib.sha256(tagger.read_bytes()).hexdigest()
    assert run.about.versions["ai-edge-litert"]
    assert json.loads((run.path / "metrics.json").read_text())["test"]["macro"]["f1"] == 1


def test_the_same_clips_and_file_give_the_same_bytes(workspace: Workspace, tagger: Path, run: Run) -> None:
    again = train(workspace, "probe", embedding=tagger)
    assert again.path != run.path
    for name in ("model.safetensors", "predictions.csv", "metrics.json"):
        assert (run.path / name).read_bytes() == (again.path / name).read_bytes()


def test_several_classes_at_once(tmp_path: Path, tagger: Path) -> None:
    run = train(place(tmp_path, multi_label=True), "probe", embedding=tagger)
    assert run.test.macro_f1 > 0.8
    assert (run.test.probability > 0.5).sum(axis=1).max() > 1


def test_it_cannot_be_resumed_and_needs_a_file(workspace: Workspace, tagger: Path) -> None:
    with pytest.raises(UsageError, match="probe cannot be resumed"):
        train(workspace, "probe", embedding=tagger, resume=True)
    with pytest.raises(UsageError, match="needs an embedding"):
        train(workspace, "probe")
    for model in ("knn", "crnn"):
        with pytest.raises(UsageError, match=f"{model} has no embedding"):
            train(workspace, model, embedding=tagger)


@pytest.mark.parametrize(
    "change",
    [
        {"embedding": 3},
        {"embedding": "a\0b"},
        {"embedding": None},
        {"embedding_sha256": None},
        {"embedding_sha256": "0" * 64},
        {"embedding_rate": "fast"},
        {"embedding_rate": 10**12},
        {"embedding_output": ["scores"]},
        {"lr": 0.1},
    ],
)
def test_settings_of_a_strangers_run_are_refused(run: Run, tmp_path: Path, change: dict[str, object]) -> None:
    weights = read_weights(run.path / "model.safetensors")
    about = replace(weights.about, config={**weights.about.config, **change})
    write_weights(tmp_path / "model.safetensors", replace(weights, about=about))
    with pytest.raises(DataMismatch):
        load_run(tmp_path, torch.device("cpu"))

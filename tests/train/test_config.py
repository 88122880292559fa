"""Settings of a training: which are possible, and what the run is called."""

from dataclasses import replace

import pytest

from audioset_tools.exceptions import UsageError
from audioset_tools.train.config import TrainConfig


@pytest.mark.parametrize(
    "bad",
    [
        {"model": "vgg"},
        {"device": "tpu"},
        {"filters": ()},
        {"filters": (8, 0)},
        {"batch_size": 0},
        {"epochs": 0},
        {"patience": 0},
        {"seed": -1},
        {"lr": 0.0},
        {"lr": float("nan")},
        {"name": "../x"},
        {"name": ".."},
        {"name": ""},
        {"model": "rnn", "filters": (8,)},
        {"augment": ("blur",)},
        {"augment": ("mixup", "mixup")},
        {"threads": 0},
        {"model": "compact", "literal": True},
        {"model": "compact", "patience": 3},
        {"model": "svm", "literal": True},
    ],
)
def test_impossible_settings_are_usage_errors(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        TrainConfig(**bad)


def test_the_run_is_named_by_what_differs() -> None:
    assert TrainConfig().run_name == "paper"
    assert TrainConfig(lr=0.001, device="cpu").run_name == "paper-lr0.001"
    assert TrainConfig(filters=(8, 16), seed=3).run_name == "paper-filters8-16-seed3"
    assert TrainConfig(lr=0.001, name="mine").run_name == "mine"
    assert TrainConfig(batch_size=16, lr=0.001).run_name == "paper-bs16-lr0.001"
    assert TrainConfig(model="han", augment=("mixup",)).run_name == "han-mixup"


def test_the_name_of_a_run_needs_no_quotes_whatever_it_is_made_of() -> None:
    probe = TrainConfig(model="probe", embedding="of a/YAMNet, v1.tflite", embedding_output="x:0;rm *")
    assert probe.run_name == "probe-YAMNet-v1-outx-0-rm-"
    assert TrainConfig(shards="my $HOME").run_name == "paper-on-my-HOME"


def test_what_is_left_out_is_the_models_own() -> None:
    paper = TrainConfig().hyperparameters(8_000)
    assert (paper.lr, paper.batch_size, paper.epochs, paper.patience) == (0.001, 128, 15, 5)
    assert TrainConfig(literal=True).hyperparameters(8_000) == replace(paper, lr=0.01)
    assert TrainConfig(literal=True, lr=0.5).hyperparameters(8_000).lr == 0.5
    compact = TrainConfig(model="compact", epochs=3).hyperparameters(8_000)
    assert (compact.epochs, compact.batch_size, compact.patience) == (3, 32, None)
    assert TrainConfig(patience=2).for_model("compact") == TrainConfig(model="compact")


@pytest.mark.parametrize(("clips", "batch_size"), [(3_200, 128), (3_199, 127), (800, 32), (100, 8), (1, 8)])
def test_of_few_clips_an_epoch_has_many_steps_all_the_same(clips: int, batch_size: int) -> None:
    assert TrainConfig().hyperparameters(clips).batch_size == batch_size
    assert TrainConfig(batch_size=64).hyperparameters(clips).batch_size == 64


def test_only_the_papers_networks_are_taken_literally() -> None:
    literal = TrainConfig(literal=True, epochs=2)
    assert literal.run_name == "paper-literal-ep2"
    assert literal.for_model("paper-7").literal
    assert literal.for_model("rnn") == TrainConfig(model="rnn", epochs=2)


@pytest.mark.parametrize("setting", [{"epochs": 3}, {"lr": 0.1}, {"augment": ("mixup",)}, {"filters": (8,)}])
def test_a_baseline_has_no_settings_of_a_network(setting: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=f"svm has no {next(iter(setting))}"):
        TrainConfig(model="svm", **setting)  # type: ignore[arg-type]
    assert TrainConfig(**setting, seed=3).for_model("svm") == TrainConfig(model="svm", seed=3)  # type: ignore[arg-type]

"""Training killed at some instant and resumed: the same weights and predictions, to the bit."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file

from audioset_tools.errors import DataMismatch, UsageError
from audioset_tools.train import loop
from audioset_tools.train.checkpoint import CHECKPOINT
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.folder import Epoch, Run
from audioset_tools.train.loop import train
from audioset_tools.workspace import Workspace

from .conftest import write_shards

CONFIG = TrainConfig(
    model="rnn", batch_size=8, epochs=4, patience=3, seed=3, augment=("specaugment", "mixup"), name="mine"
)
"""Of everything that is random: weights, order, dropout, augmentation."""

CHILD = """
import itertools, os, signal, sys
from dataclasses import replace
from pathlib import Path
from audioset_tools.train import loop
from audioset_tools.train.config import TrainConfig
from audioset_tools.workspace import Workspace

INSTANTS = {
    "stepping": (loop, "learn"),
    "judging": (loop, "predict"),
    "flushing": (os, "fsync"),
    "renaming": (Path, "replace"),
    "finishing": (loop, "finish_run"),
}

def deadly(whole, calls, nth):
    def call(*words, **named):
        if next(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*words, **named)
    return call

# The first optimiser brings in much of torch: once here, rather than in each of the children.
loop.torch.optim.Adam([loop.torch.zeros(1)])
root, config, *runs = sys.argv[1:]
loop.torch.set_num_threads(1)
for run in runs:
    run_name, *instants = run.split()
    settings = replace(eval(config), name=run_name)
    for number, instant in enumerate(instants):
        if child := os.fork():
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if status != -signal.SIGKILL:
                sys.exit(f"{instant}: {status}")
            continue
        name, nth = instant.split(":")
        where, attribute = INSTANTS[name]
        setattr(where, attribute, deadly(getattr(where, attribute), itertools.count(1), int(nth)))
        loop.train(Workspace(Path(root)), settings, lambda epoch: None, resume=number > 0)
        sys.exit("not killed")
"""


def go(workspace: Workspace, config: TrainConfig = CONFIG, resume: bool = False) -> Run:
    return train(workspace, config, lambda epoch: None, resume=resume)


RUNS = {
    # Before the first epoch stands; in the middle of one; before and after its validation.
    "learning": ["stepping:3", "stepping:7", "judging:2"],
    # Between the writes: config, then checkpoint, weights and history of every epoch, then the results.
    "writing": ["renaming:1", "renaming:2", "renaming:4", "renaming:3", "flushing:5"],
    "finishing": ["finishing:1", "renaming:5"],
}
"""Runs by name, and where each is killed and, resumed, killed again."""


@pytest.fixture(autouse=True)
def one_thread() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def timeless(history: tuple[Epoch, ...]) -> list[Epoch]:
    return [replace(epoch, seconds=0, samples_per_second=0) for epoch in history]


def test_killed_runs_go_on_to_the_same_bits(workspace: Workspace) -> None:
    # All from one process, which takes seconds to start.
    runs = [" ".join([name, *instants]) for name, instants in RUNS.items()]
    subprocess.run([sys.executable, "-c", CHILD, str(workspace.root), repr(CONFIG), *runs], check=True)
    whole = go(workspace, replace(CONFIG, name="whole"))
    first = load_file(whole.path / "model.safetensors")
    for name in RUNS:
        assert not (workspace.runs / name / "metrics.json").exists()
        resumed = go(workspace, replace(CONFIG, name=name), resume=True)
        assert timeless(resumed.history) == timeless(whole.history)
        for file in ("predictions.csv", "metrics.json", "curves.png"):
            assert (resumed.path / file).read_bytes() == (whole.path / file).read_bytes(), (name, file)
        second = load_file(resumed.path / "model.safetensors")
        assert {tensor: value.tobytes() for tensor, value in first.items()} == {
            tensor: value.tobytes() for tensor, value in second.items()
        }
        assert {path.name for path in resumed.path.iterdir() if not path.name.startswith(".")} == {
            path.name for path in whole.path.iterdir()
        }


def stopped(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, epochs: int = 2) -> Path:
    """A run interrupted after some epochs."""

    class Interrupted(Exception):
        pass

    def watch(epoch: Epoch) -> None:
        if epoch.epoch == epochs:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(workspace, CONFIG, watch)
    return workspace.runs / "mine"


def test_the_early_stopping_state_goes_on(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    merits = {1: (0.9, 0.0), 2: (0.5, 0.0), 3: (0.6, 0.0), 4: (0.7, 0.0)}
    monkeypatch.setattr(loop, "_merit", lambda epoch: merits[epoch.epoch])
    stopped(workspace, monkeypatch)
    run = go(workspace, replace(CONFIG, patience=3), resume=True)
    assert (run.best_epoch, len(run.history)) == (1, 4)
    assert run.validation.loss == pytest.approx(run.history[0].validation_loss)


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"lr": 0.1}, "lr None, not 0.1"), ({"seed": 4}, "seed 3, not 4"), ({"augment": ()}, "augment ")],
)
def test_other_settings_are_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, changed: dict[str, object], message: str
) -> None:
    folder = stopped(workspace, monkeypatch, epochs=1)
    before = (folder / CHECKPOINT).read_bytes()
    with pytest.raises(DataMismatch, match=message) as caught:
        go(workspace, replace(CONFIG, **changed), resume=True)
    assert "--resume" in caught.value.remedy
    assert (folder / CHECKPOINT).read_bytes() == before


def test_other_shards_are_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(workspace, monkeypatch, epochs=1)
    write_shards(workspace.shards / "small-1", inputs="another noise")
    with pytest.raises(DataMismatch, match="began on other shards"):
        go(workspace, resume=True)


def test_the_number_of_threads_is_the_one_it_began_with(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(workspace, monkeypatch, epochs=1)
    torch.set_num_threads(2)
    go(workspace, resume=True)
    assert torch.get_num_threads() == 1


def test_a_damaged_checkpoint_is_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stopped(workspace, monkeypatch, epochs=1) / CHECKPOINT
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataMismatch, match="damaged"):
        go(workspace, resume=True)


def test_weights_are_no_checkpoint(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stopped(workspace, monkeypatch, epochs=1)
    (folder / CHECKPOINT).write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(DataMismatch, match="is no checkpoint: it has no best_epoch"):
        go(workspace, resume=True)


def test_there_must_be_something_to_resume(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="no unfinished run"):
        go(workspace, resume=True)
    go(workspace, replace(CONFIG, epochs=1))
    with pytest.raises(UsageError, match="mine exists"):
        go(workspace, resume=True)


def test_without_resume_an_unfinished_run_begins_anew(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stopped(workspace, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "learn", lambda *words: pytest.fail("in the first step"))
        with pytest.raises(pytest.fail.Exception, match="in the first step"):
            go(workspace)
    assert not (folder / CHECKPOINT).exists()
    assert len(go(workspace).history) > 2

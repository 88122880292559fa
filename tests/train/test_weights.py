"""Weights come back bit for bit; whatever else a file holds is refused, and nothing of it is run.

Training killed at some instant and resumed: the same weights and predictions, to the bit.
"""

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file, save, save_file

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.runs.folder import CHECKPOINT, Epoch, Run
from audioset_tools.train import run as run_module
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.run import train_network
from audioset_tools.train.weights import HEADER_KEY, MAX_HEADER_BYTES, Weights, read_weights, write_weights
from audioset_tools.workspace import Workspace
from tests.train.conftest import write_shards
from tests.train.small import about

TENSORS = {
    "0.weight": np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 4).T,
    "count": np.array(7),
    "empty": np.zeros((0, 3)),
    "bytes": np.arange(5, dtype=np.uint8),
}

ANY = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    elements={"allow_nan": False, "allow_infinity": False},
)

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def same(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> bool:
    return found.keys() == wanted.keys() and all(
        (found[name].dtype, found[name].shape, found[name].tobytes())
        == (wanted[name].dtype, wanted[name].shape, wanted[name].tobytes())
        for name in wanted
    )


@same_folder
@given(
    tensors=st.dictionaries(st.text("abc./_", min_size=1, max_size=8), ANY, max_size=4),
    temperature=st.floats(1e-3, 1e6),
)
def test_what_is_written_comes_back_and_the_same_gives_the_same_bytes(
    tmp_path: Path, tensors: dict[str, np.ndarray], temperature: float
) -> None:
    path, again = tmp_path / "model.safetensors", tmp_path / "again.safetensors"
    settings_given = {"model": "svm", "filters": (8, 8), "lr": None}
    write_weights(path, Weights(about(config=settings_given), tensors, temperature))
    found = read_weights(path)
    assert same(found.tensors, tensors) and found.temperature == temperature
    assert found.about == about(config=settings_given | {"filters": [8, 8]})
    write_weights(again, replace(found, tensors=dict(reversed(tensors.items()))))
    assert again.read_bytes() == path.read_bytes()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    write_weights(path, Weights(about(), TENSORS, 1.5))
    return path.read_bytes()


def read_or_refuse(path: Path, content: bytes) -> None:
    """A changed file is refused, or, where the change meant nothing, read as it was."""
    path.write_bytes(content)
    try:
        found = read_weights(path)
    except DataMismatch as error:
        assert str(path) in error.what and error.remedy
    else:
        assert (found.about, found.temperature) == (about(), 1.5) and same(found.tensors, TENSORS)


@same_folder
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found(tmp_path: Path, written: bytes, where: float, bit: int) -> None:
    content = bytearray(written)
    content[int(where * len(content))] ^= 1 << bit
    read_or_refuse(tmp_path / "model.safetensors", bytes(content))


@same_folder
@given(start=st.floats(0, 1), length=st.integers(0, 40), put=st.binary(max_size=40))
def test_bytes_cut_out_put_in_or_overwritten_are_found(
    tmp_path: Path, written: bytes, start: float, length: int, put: bytes
) -> None:
    first = int(start * len(written))
    read_or_refuse(tmp_path / "model.safetensors", written[:first] + put + written[first + length :])


@same_folder
@given(end=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_short_is_refused(tmp_path: Path, written: bytes, end: float) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(written[: int(end * len(written))])
    with pytest.raises(DataMismatch):
        read_weights(path)


class Bomb:
    """Whoever unpickles it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    path, trace = tmp_path / "model.safetensors", tmp_path / "trace"
    path.write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(DataMismatch):
        read_weights(path)
    assert not trace.exists()
    pickle.loads(path.read_bytes())  # noqa: S301 - shows that the trap works
    assert trace.exists()


ENTRY = json.loads(about().json()) | {"sha256": "0", "temperature": 1.0}


def with_entry(entry: str) -> bytes:
    return save(TENSORS | {"0.weight": np.zeros((2, 2))}, {HEADER_KEY: entry})


def bfloat() -> bytes:
    header = json.dumps(
        {
            "__metadata__": {HEADER_KEY: json.dumps(ENTRY)},
            "w": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]},
        }
    ).encode()
    return len(header).to_bytes(8, "little") + header + b"\0\0"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "of 0 bytes"),
        (b"PK\x03\x04" + b"\0" * 40, "of 67,324,752 bytes"),
        (save(TENSORS), "another program"),
        (save(TENSORS, {"format": "pt"}), "another program"),
        (with_entry("no JSON"), "did not write"),
        (with_entry("[" * 100_000), "did not write"),
        (with_entry('{"sha256": ' * 5_000 + "1" + "}" * 5_000), "did not write"),
        (with_entry("[]"), "did not write"),
        (with_entry("{}"), "did not write"),
        (with_entry('{"sha256": "0", "temperature": 1}'), "settings"),
        (with_entry(json.dumps(ENTRY)), "sha256"),
        *(
            (with_entry(json.dumps(ENTRY | {"temperature": bad})), "did not write")
            for bad in (0, -1, "x", None)
        ),
        (with_entry(json.dumps(ENTRY | {"temperature": 1e999})), "did not write"),
        ((MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b" " * 100, "1,048,577"),
        ((2**63).to_bytes(8, "little"), "of 9,223"),
        ((2_000).to_bytes(8, "little") + b"[" * 2_000, "damaged"),
        (bfloat(), "damaged"),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(DataMismatch, match=words):
        read_weights(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    write_weights(tmp_path / "model.safetensors", Weights(about(), {"w": np.array([1, value])}))
    with pytest.raises(DataMismatch, match="no numbers"):
        read_weights(tmp_path / "model.safetensors")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DataMismatch, match="no weights"):
            read_weights(path)


def test_safetensors_of_another_program_do_not_pass_for_ours(tmp_path: Path) -> None:
    save_file(TENSORS | {"0.weight": np.zeros(3)}, tmp_path / "model.safetensors", {"audioset-tools": "{}"})
    with pytest.raises(DataMismatch, match="another program"):
        read_weights(tmp_path / "model.safetensors")


CONFIG = TrainConfig(
    model="rnn", batch_size=8, epochs=4, patience=3, seed=3, augment=("specaugment", "mixup"), name="mine"
)
"""Of everything that is random: weights, order, dropout, augmentation."""

CHILD = """
import itertools, os, signal, sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from audioset_tools.train import run as run_module
from audioset_tools.train.config import TrainConfig
from audioset_tools.workspace import Workspace

INSTANTS = {
    "stepping": (run_module, "learn"),
    "judging": (run_module, "predict"),
    "flushing": (os, "fsync"),
    "renaming": (Path, "replace"),
    "finishing": (run_module, "finish_run"),
}

def deadly(whole, calls, nth):
    def call(*words, **named):
        if next(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*words, **named)
    return call

# The first optimiser brings in much of torch: once here, rather than in each of the children.
run_module.torch.optim.Adam([run_module.torch.zeros(1)])
root, config, *runs = sys.argv[1:]
run_module.torch.set_num_threads(1)
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
        run_module.train_network(Workspace(Path(root)), settings, resume=number > 0)
        sys.exit("not killed")
"""


def go(workspace: Workspace, config: TrainConfig = CONFIG, resume: bool = False) -> Run:
    return train_network(workspace, config, resume=resume)


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


def stopped(workspace: Workspace, config: TrainConfig = CONFIG, epochs: int = 2) -> Path:
    """A run interrupted after some epochs."""

    class Interrupted(Exception):
        pass

    def watch(epoch: Epoch) -> None:
        if epoch.epoch == epochs:
            raise Interrupted

    with pytest.raises(Interrupted):
        train_network(workspace, config, on_epoch=watch)
    return workspace.runs / config.run_name


def test_the_early_stopping_state_goes_on(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, found = run_module.run_epoch, []

    def run_epoch(*arguments: Any) -> Epoch:
        epoch = whole(*arguments)
        found.append(epoch.validation_f1)
        return replace(epoch, validation_f1=2 if epoch.epoch == 1 else 0.5)

    monkeypatch.setattr(run_module, "run_epoch", run_epoch)
    stopped(workspace)
    run = go(workspace, replace(CONFIG, patience=3), resume=True)
    assert (run.best_epoch, len(run.history)) == (1, 4)
    assert run.validation.macro_f1 == found[0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"lr": 0.1}, "lr None, not 0.1"), ({"seed": 4}, "seed 3, not 4"), ({"augment": ()}, "augment ")],
)
def test_other_settings_are_refused(workspace: Workspace, changed: dict[str, object], message: str) -> None:
    folder = stopped(workspace, epochs=1)
    before = (folder / CHECKPOINT).read_bytes()
    with pytest.raises(DataMismatch, match=message) as caught:
        go(workspace, replace(CONFIG, **changed), resume=True)
    assert "--resume" in caught.value.remedy
    assert (folder / CHECKPOINT).read_bytes() == before


def test_other_shards_are_refused(workspace: Workspace) -> None:
    stopped(workspace, epochs=1)
    write_shards(workspace.shards / "small-1", inputs="another noise")
    with pytest.raises(DataMismatch, match="began on other shards"):
        go(workspace, resume=True)


def test_the_number_of_threads_is_the_one_it_began_with(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(workspace, epochs=1)
    torch.set_num_threads(2)
    used: list[int] = []
    monkeypatch.setattr(run_module, "write_checkpoint", lambda *_: used.append(torch.get_num_threads()))
    monkeypatch.setattr(run_module, "_finish", lambda *_: None)
    go(workspace, resume=True)
    assert set(used) == {1} and torch.get_num_threads() == 2


@pytest.mark.parametrize(("given", "others"), [(None, (1, None)), (1, (1, None))])
def test_threads_need_not_be_given_again_but_no_others(
    workspace: Workspace, given: int | None, others: tuple[int | None, ...]
) -> None:
    for number, again in enumerate(others):
        config = replace(CONFIG, name=f"run{number}", threads=given)
        stopped(workspace, config, epochs=1)
        with pytest.raises(DataMismatch, match="threads 1, not 2"):
            go(workspace, replace(config, threads=2), resume=True)
        assert len(go(workspace, replace(config, threads=again), resume=True).history) == 4


def test_a_cycle_goes_on_where_it_was(workspace: Workspace) -> None:
    """Rate, moves, equalisers and crops of an epoch hang on its number, and not on how it was come to."""
    compact = TrainConfig("compact", batch_size=8, epochs=3, seed=1)
    whole = go(workspace, replace(compact, name="whole"))
    stopped(workspace, replace(compact, name="mine"), epochs=2)
    resumed = go(workspace, replace(compact, name="mine"), resume=True)
    assert timeless(resumed.history) == timeless(whole.history)
    assert resumed.test.probability.tobytes() == whole.test.probability.tobytes()


def test_a_damaged_checkpoint_is_refused(workspace: Workspace) -> None:
    path = stopped(workspace, epochs=1) / CHECKPOINT
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataMismatch, match="damaged"):
        go(workspace, resume=True)


def test_weights_are_no_checkpoint(workspace: Workspace) -> None:
    folder = stopped(workspace, epochs=1)
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
    folder = stopped(workspace)
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "learn", lambda *words: pytest.fail("in the first step"))
        with pytest.raises(pytest.fail.Exception, match="in the first step"):
            go(workspace)
    assert not (folder / CHECKPOINT).exists()
    assert len(go(workspace).history) > 2

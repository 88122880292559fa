"""From a recording to what a model says of it."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numba
import numpy as np
import pytest

from audioset_tools.exceptions import DataMismatch
from audioset_tools.predict import run as run_module
from audioset_tools.predict.run import PredictConfig, predict, spec_of, timelines
from audioset_tools.predict.timeline import Timeline, Unreadable, find_recordings
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.shards.shard import open_shard
from audioset_tools.shards.spec import MelSpec
from audioset_tools.types import Message, Progress
from tests.factories import featurized
from tests.predict.conftest import Ears, tone, write


def test_a_clip_gives_the_very_mel_of_its_shard(tmp_path: Path) -> None:
    workspace = featurized(tmp_path)
    (path,) = workspace.shards.glob("*/test-*.h5")
    shard = open_shard(path)
    key = shard.key[0].decode()
    (clip,) = (placement for placement in read_dataset(workspace.dataset) if placement.key == key)
    ears = Ears(spec=MelSpec())
    (answer,) = timelines(find_recordings([workspace.root / clip.path]), ears, PredictConfig())
    assert isinstance(answer, Timeline) and answer.windows == ((0, 160_000),)
    (mel,) = ears.seen
    assert mel.tobytes() == shard.read(0, 1)[0].tobytes()


def test_mels_of_another_version_are_refused(ears: Ears) -> None:
    about = ears.about
    about.spec_digest = "0" * 16
    with pytest.raises(DataMismatch):
        spec_of(SimpleNamespace(about=about))


def test_a_list_of_answers_with_files_beside_them(
    ears: Ears, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "find_run", lambda workspace, run: run)
    monkeypatch.setattr(run_module, "load_run", lambda *_: ears)
    path, bad = write(tmp_path / "one.wav", tone(12)), tmp_path / "bad.wav"
    bad.write_text("no sound")
    seen: list[Progress] = []
    png, out = tmp_path / "drawn", tmp_path / "out.csv"
    found, unreadable = predict([path, str(bad)], "any", png=png, csv=out, on_progress=seen.append)
    assert isinstance(found, Timeline) and found.windows == ((0, 160_000), (32_000, 192_000))
    assert isinstance(unreadable, Unreadable) and "decoded" in unreadable.why
    assert found.spectrogram is None and [file.name for file in png.iterdir()] == ["one.wav.png"]
    assert len(out.read_text().splitlines()) == 3
    counted = [at for at in seen if not isinstance(at, Message)]
    assert counted == [Progress(0, 2, "12 s into number 1"), Progress(1, 2), Progress(2, 2)]


class Slow(Ears):
    """A model whose functions are compiled while it is asked, as those of the mels are at first."""

    def probabilities(self, mels: np.ndarray) -> np.ndarray:
        assert numba.njit(lambda n: n + 1)(1) == 2
        return super().probabilities(mels)


def test_that_something_is_compiled_is_said_once_for_a_recording(tmp_path: Path) -> None:
    path = write(tmp_path / "long.wav", tone(200))
    seen: list[Progress] = []
    list(timelines(find_recordings([path]), Slow(), PredictConfig(), seen.append))
    assert sum(not isinstance(at, Message) for at in seen) > 2
    (told,) = (at for at in seen if isinstance(at, Message))
    assert str(told).startswith("compiling, once")


LOADING = """
import sys
import torch
from audioset_tools.predict import run
from audioset_tools.train.networks import MODELS, build
with torch.device("meta"):
    for name in MODELS:
        build(name, 4, (128, 801))
print(*MODELS, *sys.modules)
"""


def test_no_network_needs_what_would_take_most_of_a_short_prediction() -> None:
    """Weights that are replaced are not drawn: on its device "meta" torch would load its compiler for it."""
    loaded = subprocess.check_output([sys.executable, "-c", LOADING], text=True).split()
    assert {"compact", "paper", "torch"} <= {*loaded}
    assert not {"torch._dynamo", "sympy", "sklearn", "matplotlib", "librosa", "scipy.signal"} & {*loaded}

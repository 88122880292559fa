"""All models on the same hard clips: one table, and what each took.

    python bench/models.py [--per-class 240] [--models paper,han,svm] [--preset log] [--epochs 15]
                           [--folder DIR]

The clips are the simulator's scenes (`audioset_tools.simulator.scenes`): an instrument before or behind other
sounds, noise, cheap microphones, some wrong labels. They go through ledger, featurize and train as fetched
ones do. With --folder the data set stays there, and is used again by the next run with the same settings.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from audioset_tools.featurize.run import FeaturizeConfig, featurize
from audioset_tools.fetch.transcode import Sound, peak_of, write_clip
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.simulator.scenes import direct, render
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.loop import train
from audioset_tools.train.metrics import scores
from audioset_tools.train.models import MODELS
from audioset_tools.types import Candidate, Clip, Splits
from audioset_tools.workspace import Workspace

CLASSES = ("Piano", "Drums", "Flute", "Other")
SPLITS = Splits(6, 2, 2)
"""More to test on than the paper has: of few clips a tenth would say little."""


def candidate(class_name: str, rank: int) -> Candidate:
    """A made-up segment; its id is one that YouTube could give."""
    digest = hashlib.sha256(f"{class_name} {rank}".encode()).hexdigest()
    return Candidate(f"{digest[:10]}A", 0, 10_000, class_name, 3, rank, "eval")


def make_clip(place: Workspace, one: Candidate) -> Clip:
    """Write one clip as fetch does."""
    samples = render(direct(one.key, (one.class_name,), CLASSES))
    path = place.clip(one.class_name, one.key)
    sound = Sound(samples, 10.0, peak_of(samples))
    digest = write_clip(sound, path)
    return Clip(
        one.key,
        one.class_name,
        one.rank,
        str(path.relative_to(place.root)),
        digest,
        10.0,
        sound.peak,
        "scene",
    )


def make_workspace(place: Workspace, per_class: int, preset: str) -> None:
    """The data set as fetch and featurize leave it; what is there already is kept."""
    queues = [candidate(name, rank) for name in CLASSES for rank in range(per_class)]
    with Ledger(place.ledger) as ledger:
        if ledger.origin() is None:
            ledger.load(Origin("scenes", "", "", CLASSES, 0, (6, 2, 2)), queues)
        there = {clip.key for _, clip in ledger.clips()}
        for one in queues:
            if one.key not in there:
                ledger.accept(one, make_clip(place, one), at=0)
        clips = [clip for _, clip in ledger.clips()]
    featurize(clips, CLASSES, "scenes", place, FeaturizeConfig(preset, splits=SPLITS), lambda done, of: None)


def compare(place: Workspace, models: Sequence[str], arguments: argparse.Namespace) -> None:
    """Train each model and print its line of the table."""
    print(f"{'model':10}{'precision':>10}{'recall':>8}{'F1':>7}{'best epoch':>12}{'seconds':>9}")
    for model in models:
        config = TrainConfig(
            model=model, epochs=arguments.epochs, batch_size=arguments.batch_size, lr=arguments.lr,
            shards=FeaturizeConfig(arguments.preset).folder,
        )  # fmt: skip
        began = time.perf_counter()
        run = train(place, config, on_epoch=lambda epoch: None)
        precision, recall, f1 = (100 * value for value in scores(run.test.confusion).macro)
        seconds = time.perf_counter() - began
        print(
            f"{model:10}{precision:10.1f}{recall:8.1f}{f1:7.1f}{run.best_epoch:12}{seconds:9.0f}", flush=True
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-class", type=int, default=240)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--preset", default="log", help="paper or log")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--lr", type=float, default=0.001)
    parser.add_argument("--folder", type=Path, help="keep the data set here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Workspace(arguments.folder or Path(name))
        place.prepare()
        began = time.perf_counter()
        make_workspace(place, arguments.per_class, arguments.preset)
        taken = time.perf_counter() - began
        print(f"{arguments.per_class} clips of each class, mels {arguments.preset}, made in {taken:.0f} s")
        compare(place, arguments.models.split(","), arguments)


if __name__ == "__main__":
    main()

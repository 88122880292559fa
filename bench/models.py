"""All models on the same hard clips: one table, and what each took.

    python bench/models.py [--per-class 300] [--models paper,han,svm] [--preset log] [--multi-label]
                           [--seeds 3] [--epochs N] [--batch-size N] [--lr RATE] [--threads 1] [--folder DIR]

The clips are the simulator's scenes (`audioset_tools.simulator.scenes`): an instrument before or behind other
sounds, noise, cheap microphones, some wrong labels; with --multi-label several instruments at once. They go
through ledger, featurize and train as fetched ones do, each model with settings of its own. With --folder the
data set and the runs stay there, and what is finished is not done again.
"""

import argparse
import hashlib
import tempfile
import time
from pathlib import Path

from audioset_tools import console
from audioset_tools.audio.clip import write_clip
from audioset_tools.audio.segment import peak_of
from audioset_tools.exceptions import AudiosetToolsError
from audioset_tools.featurize.run import FeaturizeConfig, featurize
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.runs.compare import compare, compare_table
from audioset_tools.simulator.scenes import Difficulty, direct, render
from audioset_tools.train.baselines import CLASSICAL
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.every import train_every
from audioset_tools.train.networks import MODELS
from audioset_tools.types import Candidate, Clip
from audioset_tools.workspace import Workspace

INSTRUMENTS = ("Piano", "Drums", "Flute")

SPLITS = (6, 2, 2)
"""More to test on than the paper has: of few clips a tenth would say little."""

TOGETHER = 0.35
"""With several classes at once: how probable each further one is."""


def candidate(class_name: str, rank: int, multi_label: bool) -> Candidate:
    """A made-up segment; its id is one that YouTube could give."""
    digest = hashlib.sha256(f"{class_name} {rank}".encode()).hexdigest()
    others = [name for name in INSTRUMENTS if name != class_name] if multi_label else []
    drawn = (int(digest[12 + 8 * n : 20 + 8 * n], 16) / 16**8 for n in range(len(others)))
    also = tuple(name for name, chance in zip(others, drawn, strict=True) if chance < TOGETHER)
    return Candidate(f"{digest[:10]}A", 0, 10_000, class_name, 3, rank, "eval", also)


def make_clip(
    workspace: Workspace, one: Candidate, class_names: tuple[str, ...], difficulty: Difficulty
) -> Clip:
    """Write one clip as fetch does."""
    samples = render(direct(one.key, (one.class_name, *one.also), class_names, difficulty))
    path = workspace.clip(one.class_name, one.key)
    digest = write_clip(samples, path)
    return Clip(
        one.key, one.class_name, one.rank, str(path.relative_to(workspace.root)), digest, 10.0,
        peak_of(samples), "scene", one.also,
    )  # fmt: skip


def make_workspace(
    workspace: Workspace,
    per_class: int,
    preset: str,
    multi_label: bool,
    difficulty: Difficulty = Difficulty(),
) -> None:
    """The data set as fetch and featurize leave it; what is there already is kept."""
    classes = INSTRUMENTS if multi_label else (*INSTRUMENTS, "Other")
    queues = [candidate(name, rank, multi_label) for name in classes for rank in range(per_class)]
    with Ledger(workspace.ledger) as ledger:
        if ledger.origin() is None:
            ledger.load(Origin("scenes", "", "", classes, 0, SPLITS, multi_label), queues)
        there = {clip.key for _, clip in ledger.clips()}
        for one in queues:
            if one.key not in there:
                ledger.accept(one, make_clip(workspace, one, classes, difficulty), at=0)
    featurize(workspace, preset=preset)


def begin(config: TrainConfig, done: Path | None) -> None:
    """Say which model is trained next, or which run stands for it."""
    console.say(f"{config.model}: finished already, {done}" if done else config.model)


def complain(config: TrainConfig, error: AudiosetToolsError) -> None:
    """Say which model failed, and why."""
    console.complain(f"{config.model}: {error.what}", error.remedy)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-class", type=int, default=300)
    parser.add_argument("--models", default=",".join([*MODELS, *CLASSICAL]))
    parser.add_argument("--preset", default="log", help="paper or log")
    parser.add_argument("--multi-label", action="store_true", help="several instruments at once")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--folder", type=Path, help="keep the data set and the runs here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        workspace = Workspace(arguments.folder or Path(name))
        workspace.prepare()
        began = time.perf_counter()
        make_workspace(workspace, arguments.per_class, arguments.preset, arguments.multi_label)
        taken = time.perf_counter() - began
        console.say(f"{arguments.per_class} clips of each class, mels {arguments.preset}: {taken:.0f} s")
        # A run is called after what differs from the defaults: the shards only where there is a choice.
        several = len(list(workspace.shards.iterdir())) > 1
        every = train_every(
            workspace, arguments.models.split(","), on_run=begin, on_failure=complain,
            seeds=arguments.seeds, epochs=arguments.epochs, batch_size=arguments.batch_size, lr=arguments.lr,
            threads=arguments.threads,
            shards=FeaturizeConfig(arguments.preset).folder if several else None,
        )  # fmt: skip
        if every.runs:
            console.table(compare_table(compare(every.runs)))


if __name__ == "__main__":
    main()

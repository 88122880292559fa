"""A split cut into shards, and all that decides the bytes of one."""

from dataclasses import replace
from pathlib import Path

from audioset_tools.featurize.task import Classes, Noise, ShardTask, plan
from audioset_tools.shards.placements import Placement, Placements
from audioset_tools.shards.spec import PRESETS

CLASSES = Classes("paper", ("Tone", "Noise"))


def placements(count: int, split: str) -> list[Placement]:
    return [Placement(f"{split}_{n}", "Tone", (), split, f"clips/{n}.wav", "a" * 64) for n in range(count)]


def tasks(train: int) -> list[ShardTask]:
    members = [*placements(train, "train"), *placements(2, "validation"), *placements(3, "test")]
    noise = Noise(2, (10.0, 30.0), seed=7)
    where = Path("w"), Path("w/shards/paper")
    return plan(*where, Placements(members), 4, classes=CLASSES, spec=PRESETS["paper"], noise=noise)


def test_growing_changes_only_the_last_shard_of_a_split_and_only_train_has_noise() -> None:
    before, after = ({task.target.name: task for task in tasks(count)} for count in (9, 10))
    assert [*before] == [
        "train-00000.h5", "train-00001.h5", "train-00002.h5", "validation-00000.h5", "test-00000.h5",
    ]  # fmt: skip
    assert [task.rows for task in before.values()] == [12, 12, 3, 2, 3]
    changed = [name for name in before if before[name].inputs != after[name].inputs]
    assert changed == ["train-00002.h5"]


def test_whatever_decides_the_bytes_changes_the_digest_and_nothing_else_does() -> None:
    task = tasks(4)[0]
    clip = task.placements[0]
    changed = [
        replace(task, split="test"),
        replace(task, classes=replace(CLASSES, recipe="clean")),
        replace(task, classes=replace(CLASSES, names=("Tone", "Hiss"))),
        replace(task, classes=replace(CLASSES, multi_label=True)),
        replace(task, spec=PRESETS["log"]),
        replace(task, noise=replace(task.noise, seed=8)),
        replace(task, placements=task.placements[:-1]),
        replace(task, placements=(replace(clip, sha256="b" * 64), *task.placements[1:])),
        replace(task, placements=(replace(clip, also=("Noise",)), *task.placements[1:])),
    ]
    assert len({one.inputs for one in (task, *changed)}) == 1 + len(changed)
    elsewhere = replace(clip, path="elsewhere.wav")
    same = replace(task, root=Path("v"), target=Path("v/x.h5"), placements=(elsewhere, *task.placements[1:]))
    assert same.inputs == task.inputs
    silent = replace(task, noise=Noise(0, (10.0, 30.0), seed=7))
    assert silent.inputs == replace(silent, noise=Noise(0, (0.0, 0.0), seed=8)).inputs

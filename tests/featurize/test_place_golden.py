"""Made-up workspaces of every shape come to the very splits and shards that they came to before.

What is hashed is `dataset.csv` and what decides the bytes of every shard, at each growth of a data set. The
digests were written down before planning was made to hold two million clips; they change only with a decision
that splits shall be others.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.audio.fingerprint import FINGERPRINT_BYTES, FRAMES
from audioset_tools.featurize.place import classes_of, place
from audioset_tools.featurize.task import Noise, plan
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.shards.spec import PRESETS
from audioset_tools.shards.splits import leak_of
from audioset_tools.types import Candidate, Clip, Splits, VideoInfo
from audioset_tools.workspace import Workspace

NAMES = ("Piano", "Übung, hard", "=Drums", "Flute")
LABELS = ("/m/05r5c", "/m/04rlf", "-minus", "a, b", "/t/dd00003", 'quote"d')

Pair = tuple[Candidate, Clip]


def made_up(
    seed: int, sizes: dict[str, int], *, multi_label: bool = False, splits: tuple[str, ...] = ()
) -> list[Pair]:
    """Clips of some classes: of videos with several segments, of channels, of groups, and some twins."""
    rng, pairs = np.random.default_rng(seed), []
    heard = b"\xff" * (FRAMES // 8)
    prints: list[bytes] = []
    for class_name, size in sizes.items():
        for rank in range(size):
            video = int(rng.integers(0, 3 * sum(sizes.values())))
            start = 10_000 * (7 * rank + 1000 * list(sizes).index(class_name))
            bits = rng.integers(0, 256, FINGERPRINT_BYTES - len(heard), np.uint8)
            if prints and rng.random() < 0.08:
                bits = np.frombuffer(prints[int(rng.integers(len(prints)))], np.uint8)[: len(bits)].copy()
                bits[rng.integers(0, len(bits), 100)] ^= np.uint8(1 << int(rng.integers(8)))
            prints.append(bits.tobytes() + heard)
            others = [name for name in sizes if name != class_name and rng.random() < 0.2]
            labels = tuple(sorted({LABELS[int(n)] for n in rng.integers(0, len(LABELS), 3)}))
            split = splits[int(rng.integers(len(splits)))] if splits else ""
            channel = f"UC{int(rng.integers(0, 200)):022}" if rng.random() < 0.2 else ""
            one = Candidate(
                f"{'-_' [video % 2]}{video:09d}A", start, start + 10_000, class_name, 3, rank, "eval",
                also=tuple(others) if multi_label else (), labels=labels, split=split,
                group=f"name {int(rng.integers(0, 50))}" if rng.random() < 0.1 else "",
            )  # fmt: skip
            twin = rng.random() < 0.05
            clip = Clip(
                one.key, class_name, rank, f"clips/{class_name[:3]}/Y{one.key}.wav",
                hashlib.sha256((one.key if not twin else f"twin {rank % 7}").encode()).hexdigest(),
                10.0, 0.5, "youtube webm", one.also, "soundfile", prints[-1],
                VideoInfo(channel, "a channel", "a title") if channel else None,
                labels, split, None, one.group,
            )  # fmt: skip
            pairs.append((one, clip))
    return pairs


def digest_of(
    root: Path, pairs: list[Pair], origin: Origin, steps: tuple[float, ...], rewrite: bool = False
) -> str:
    """Of all that is decided while a workspace grows: such a share of its clips is there at each step."""
    found = hashlib.sha256()
    workspace = Workspace(root)
    with Ledger(workspace.ledger) as ledger:
        ledger.load(origin, [one for one, _ in pairs])
        accepted = 0
        order = np.random.default_rng(1).permutation(len(pairs)).tolist()
        for step in steps:
            upto = round(step * len(pairs))
            for number in order[accepted:upto]:
                ledger.accept(*pairs[number], at=1.0 + number)
            accepted = upto
            found.update(decided(workspace, ledger, origin).encode())
            if rewrite:
                # As an older version left it: without groups; and as if one clip had been fetched again.
                lines = workspace.dataset.read_text().splitlines()
                workspace.dataset.write_text("".join(f"{line.rpartition(',')[0]}\n" for line in lines))
                one, clip = pairs[order[0]]
                ledger.accept(one, replace(clip, sha256="c" * 64), at=9.0)
    return found.hexdigest()


def decided(workspace: Workspace, ledger: Ledger, origin: Origin) -> str:
    """What becomes of the clips that are there."""
    classes = classes_of(origin)
    clips = [clip for _, clip in ledger.clips()]
    made = place(workspace, clips, classes, Splits(*origin.splits), origin.seed)
    tasks = plan(
        workspace.root,
        workspace.shards / "log",
        made.placements,
        16,
        classes=classes,
        spec=PRESETS["log"],
        noise=Noise(1, (10.0, 30.0), origin.seed),
    )
    told = [f"{task.target.name} {task.split} {task.rows} {task.inputs}" for task in tasks]
    told += [str(dict(made.waiting)), str(sorted(made.short.items())), str(made.twins)]
    return "\n".join([workspace.dataset.read_text(), *told, str(leak_of(made.placements))])


def origin(names: tuple[str, ...], **more: object) -> Origin:
    return Origin("made up", "", "", names, 7, (8, 1, 1), **more)  # type: ignore[arg-type]


SIZES = {"Piano": 90, "Übung, hard": 50, "=Drums": 70, "Flute": 60}


@pytest.mark.parametrize("shape", ["recipe", "multi-label", "open list", "list", "no validation", "older"])
def test_the_splits_and_shards_are_those_of_before(shape: str, tmp_path: Path) -> None:
    listed = origin(NAMES, of_list=True)
    if shape == "recipe":
        found = digest_of(tmp_path, made_up(1, SIZES), origin(NAMES), (0.5, 0.8, 0.8, 1.0))
    elif shape == "multi-label":
        pairs = made_up(2, SIZES, multi_label=True)
        found = digest_of(tmp_path, pairs, origin(NAMES, multi_label=True), (0.6, 1.0))
    elif shape == "open list":
        pairs = apart(made_up(3, {**SIZES, "Flute": 2}))
        found = digest_of(tmp_path, pairs, listed, (0.3, 0.6, 1.0))
    elif shape == "list":
        pairs = apart(made_up(4, SIZES, splits=("train", "train", "validation", "test", "")))
        found = digest_of(tmp_path, pairs, listed, (0.3, 1.0))
    elif shape == "no validation":
        pairs = apart(made_up(5, SIZES, splits=("train", "train", "train", "test", "")))
        found = digest_of(tmp_path, pairs, listed, (0.3, 0.7, 1.0))
    else:
        found = digest_of(tmp_path, made_up(6, SIZES), origin(NAMES), (0.7, 1.0), rewrite=True)
    assert found == BEFORE[shape]


def apart(pairs: list[Pair]) -> list[Pair]:
    """Without twins, which a list may not put into several splits."""
    return [
        (one, replace(clip, sha256=hashlib.sha256(one.key.encode()).hexdigest(), fingerprint=b""))
        for one, clip in pairs
    ]


BEFORE = {
    "recipe": "1c12c9f628599c33d12ee01f34a3616b1826c88dc227daac163268b2235cea8a",
    "multi-label": "350ad78b433d1ab35bf2ca338a1d5b76fc2679218f92440965b553bfa234efaa",
    "open list": "00d92b174352f8d599512078d0d9c397bda41d26a38ca0aca3cc8d3dd9eb3072",
    "list": "855e930b9d65c5df1187f66598e4061ecfe1e23a256741c79e318833c6ca066f",
    "no validation": "979f4ce20f73b9cfd8778f2c92a043d1d366c2981d2f75e5bd674a6ef4efef23",
    "older": "85e5103a944578b67ad9704a2afc48cb06b9e2d207a5c4dd58954a32b08f78f8",
}

"""Workspaces of every age, and one in which a stranger wrote whatever can be written."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile

from audioset_tools.ledger import Ledger, Origin
from audioset_tools.ledger.schema import seal_of
from audioset_tools.shards.dataset import HEADER, read_dataset
from audioset_tools.shards.spec import MelSpec
from audioset_tools.types import Candidate, Clip, Failure, Reason
from audioset_tools.workspace import Workspace
from tests.factories import CLASSES

HOSTILE = (
    """</script><script>window.hacked=1</script><img src=x onerror="window.hacked=2">'"&{{ 7*7 }}\033[31m"""
)
"""In every field that a stranger can fill."""

RUN = "paper-lr0.001"


def ledger_only(
    root: Path, funnel: str | None = None, said: str = "HTTP 429", name: str = "Tone"
) -> Workspace:
    """Candidates of two classes, some dead, one waiting, one pause; no clip."""
    workspace = Workspace(root)
    workspace.prepare()
    origin = Origin("paper", "a" * 64, "b" * 64, (name, "Noise"), 2019, (8, 1, 1))
    queue = [
        Candidate(f"{n:010}A", 30_000, 40_000, one, 3 - n // 5, n, "eval")
        for one in (name, "Noise")
        for n in range(10)
    ]
    with Ledger(workspace.ledger) as ledger:
        ledger.load(origin, queue, **({} if funnel is None else {"funnel": funnel}))
        ledger.put("per_class", "6")
        for n, reason in enumerate((Reason.REMOVED, Reason.REMOVED, Reason.PRIVATE)):
            ledger.fail(queue[n], Failure(queue[n].key, reason, said, 1, None), at=1_000 + 60 * n)
        ledger.note("paused", Reason.TOO_MANY_REQUESTS, said, at=1_130)
        ledger.note("paused", Reason.TOO_MANY_REQUESTS, said, at=1_140)
        ledger.fail(queue[12], Failure(queue[12].key, Reason.TIMEOUT, said, 1, 9e9), at=4_800)
    return workspace


def odd_clips(root: Path, source: str = "youtube webm/opus 251", name: str = "Tone") -> Workspace:
    """A clip nearly silent, one clipped, one twice, one ordinary; the last class has none."""
    workspace = Workspace(root)
    workspace.prepare()
    time = np.arange(160_000) / 16_000
    tone = np.sin(2 * np.pi * 440 * time)
    sounds = {
        "quiet": 1e-3 * tone,
        "loud": np.clip(4 * tone, -1, 32_767 / 32_768),
        "one": 0.3 * tone,
        "two": 0.3 * tone,
    }
    queue = [Candidate(f"{word:_<10}A", 0, 10_000, name, 3, n, "eval") for n, word in enumerate(sounds)]
    with Ledger(workspace.ledger) as ledger:
        ledger.load(Origin("paper", "a" * 64, "b" * 64, (name, "Noise"), 0, (8, 1, 1)), queue)
        for one, samples in zip(queue, sounds.values(), strict=True):
            ledger.accept(one, write_clip(workspace, one, samples, source), at=100 + 10 * one.rank)
    return workspace


def write_clip(workspace: Workspace, one: Candidate, samples: np.ndarray, source: str) -> Clip:
    import hashlib

    path = workspace.clip(one.class_name, one.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, 16_000, subtype="PCM_16")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    where = str(path.relative_to(workspace.root))
    return Clip(one.key, one.class_name, one.rank, where, digest, 7.5, float(np.abs(samples).max()), source)


def add_run(
    workspace: Workspace,
    name: str = RUN,
    wrong: int = 1,
    class_names: Sequence[str] = CLASSES,
    model: str = "paper",
) -> list[tuple[str, int, int]]:
    """A finished run that judged all clips of `dataset.csv` and took the first of them for another class.

    Returns:
        Key, actual and predicted class of every prediction.
    """
    folder = workspace.runs / name
    folder.mkdir(parents=True)
    answers = []
    for number, placed in enumerate(read_dataset(workspace.dataset)):
        actual = CLASSES.index(placed.class_name)
        answers.append((placed.key, actual, (actual + 1) % len(CLASSES) if number < wrong else actual))
    counts = np.zeros((len(CLASSES), len(CLASSES)), int)
    for _, actual, predicted in answers:
        counts[actual, predicted] += 1
    about = {
        "config": {"model": model, "lr": 0.001},
        "class_names": list(class_names),
        "multi_label": False,
        "recipe": "paper",
        "spec": asdict(MelSpec()),
        "spec_digest": MelSpec().digest,
        "shape": MelSpec().shape,
        "versions": {"torch": "2.13.0"},
        "threads": 2,
        "precision": "float32",
    }
    (folder / "config.json").write_text(json.dumps(about))
    rows = [(n, 1000.0 / n**3, 0.5, 800.0 / n**2, 0.4, 1.0, 99.0) for n in range(1, 5)]
    columns = "epoch train_loss train_f1 validation_loss validation_f1 seconds samples_per_second"
    write_csv(folder / "history.csv", columns.split(), rows)
    write_csv(
        folder / "predictions.csv",
        ["key", "actual", "predicted", *class_names],
        [
            [
                key,
                class_names[actual],
                class_names[predicted],
                *(0.9 if n == predicted else 0.1 for n in range(2)),
            ]
            for key, actual, predicted in answers
        ],
    )
    write_csv(
        folder / "confusion.csv",
        ["actual \\ predicted", *class_names],
        [[one, *row] for one, row in zip(class_names, counts.tolist(), strict=True)],
    )
    scores = {"precision": 0.9, "recall": 0.8, "f1": 0.85}
    split = {"classes": dict.fromkeys(class_names, scores), "macro": scores}
    ends = {"macro": {"f1": [0.7, 0.95]}, "classes": {class_names[0]: {"recall": [0.44, 1.0]}}}
    test = {**split, "intervals": ends, "calibration": {"error": 0.0421}}
    metrics = {"best_epoch": 3, "test": test, "validation": split}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return answers


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        table = csv.writer(handle, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)


def hostile(root: Path) -> Workspace:
    """Every field that a stranger can fill holds a script."""
    workspace = odd_clips(root, source=f"youtube {HOSTILE}", name=HOSTILE)
    with Ledger(workspace.ledger) as ledger:
        dead = Candidate("deaddeaddeA", 0, 10_000, HOSTILE, 3, 4, "eval")
        with ledger.transaction() as execute:
            row = "deaddeaddeA", 0, 10_000, 0, 3, 4, HOSTILE, "", HOSTILE, ""
            execute(
                "INSERT INTO candidate (ytid, start_ms, end_ms, class, tier, rank, subset, also, labels,"
                " split, seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, seal_of(*row)),
            )
        ledger.fail(dead, Failure(dead.key, Reason.REMOVED, HOSTILE, 1, None), at=200)
        ledger.note("paused", Reason.BOT_CHECK, HOSTILE, at=210)
        told = {
            "outcomes": {HOSTILE: 7},
            "subsets": {HOSTILE: 1},
            "pools": {HOSTILE: 1},
            "tiers": {"L3": HOSTILE},
        }
        ledger.put("funnel", json.dumps({"recipe": HOSTILE, "rows": 8, "classes": {HOSTILE: told}}))
        clips = [clip for _, clip in ledger.clips()]
    splits = [[clip.key, HOSTILE, "", "test", clip.path, clip.sha256] for clip in clips]
    write_csv(workspace.dataset, HEADER, splits)
    folder = workspace.runs / "<b onclick=alert(1)>x"
    folder.mkdir(parents=True)
    about: Mapping[str, object] = {
        "config": {"model": HOSTILE, HOSTILE: HOSTILE},
        "class_names": [HOSTILE, "Noise"],
        "multi_label": False,
        "recipe": HOSTILE,
        "spec": asdict(MelSpec()),
        "spec_digest": HOSTILE,
        "shape": MelSpec().shape,
        "versions": {HOSTILE: HOSTILE},
        "threads": 1,
        "precision": "float32",
    }
    (folder / "config.json").write_text(json.dumps(about))
    rows = [["../../etc/passwd", HOSTILE, "Noise", 0.5, 0.5], [HOSTILE, "Noise", HOSTILE, 0.5, 0.5]]
    rows.append([clips[2].key, HOSTILE, "Noise", 0.5, 0.5])
    write_csv(folder / "predictions.csv", ["key", "actual", "predicted", HOSTILE, "Noise"], rows)
    (folder / "metrics.json").write_text(json.dumps({"test": {"macro": {"f1": HOSTILE}, "classes": HOSTILE}}))
    (workspace.runs / "broken").mkdir()
    (workspace.runs / "broken" / "config.json").write_text(f"[{HOSTILE}")
    return workspace

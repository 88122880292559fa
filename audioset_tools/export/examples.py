"""What is exported: the clips of a workspace with their splits, and what their targets count."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np

from ..catalog.labels import Labels, find_labels
from ..exceptions import DataMismatch, UsageError
from ..featurize.place import placed
from ..ledger import Ledger, Origin
from ..ledger.queries import last_accepted_at
from ..shards.placements import SPLITS, Placements
from ..types import KeptSource
from ..workspace import Workspace, printable

TARGETS = ("classes", "mids")
"""What the targets of an export count: the recipe's classes, or AudioSet's labels."""


@dataclass(frozen=True, slots=True)
class Example:
    """One clip to export.

    Args:
        key: names its video, `ytid`, and where it starts.
        start_ms, end_ms: of the segment in its video.
        classes: the recipe's, the one it was drawn for first.
        labels: all that the lists say of it, `mid`s of AudioSet's.
        human_labels: the display names of those labels, in their order.
        targets: indices into `Exported.target_names`, ascending.
        file: where its WAV file lies in the workspace; see `path`.
        sha256: what the bytes of that file hash to.
        kept: what it was decoded from, where that was kept; its path is relative to the workspace.
    """

    key: str
    ytid: str
    start_ms: int
    end_ms: int
    split: str
    classes: tuple[str, ...]
    labels: tuple[str, ...]
    human_labels: tuple[str, ...]
    targets: tuple[int, ...]
    file: str
    sha256: str
    kept: KeptSource | None = None

    @property
    def path(self) -> Path:
        """Where its WAV file lies; as a path, each of two million would take half a kilobyte."""
        return Path(self.file)

    @property
    def name(self) -> str:
        """The name of its file in an export, the same for good.

        An id may begin with `-` and hold `_`, at which readers split names: it stands inside, never in one.
        """
        return hashlib.sha256(self.key.encode()).hexdigest()[:16]

    def told(self) -> dict[str, object]:
        """What a row about it says, by AudioSet's names; times in seconds of its video."""
        return {
            "key": self.key,
            "video_id": self.ytid,
            "start": self.start_ms / 1000,
            "end": self.end_ms / 1000,
            "labels": list(self.labels),
            "human_labels": list(self.human_labels),
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class Exported:
    """A data set to export.

    Args:
        name: the recipe's, or the list's.
        root: the folder of the workspace.
        examples: by split, then by key.
        target_names: what the targets count.
        target_mids: the `mid` of each; empty where the targets are classes.
        multi_label: whether a clip may have several targets.
        sample_rate: of the clips, in hertz.
        left_out: labels that are none of the 527, and how many clips have each; of `mids` only.
        origin: what the workspace was begun with.
        out: the export's folder, absolute.
        complete_at: when its last clip was recorded, in seconds since the epoch.
        clips_from: how many clips came from each source.
    """

    name: str
    root: Path
    examples: tuple[Example, ...]
    target_names: tuple[str, ...]
    target_mids: tuple[str, ...]
    multi_label: bool
    sample_rate: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    origin: Origin | None = None
    out: Path = Path()
    complete_at: float = 0.0
    clips_from: Mapping[str, int] = field(default_factory=dict)

    def file(self, name: str) -> str:
        """Where a file of the export lies, for readers that open a path as it stands.

        Raises:
            UsageError: the folder's name holds what is no text, or would end a line.
        """
        path = str(self.out / name)
        if not path.isprintable():
            raise UsageError(
                f"the name of the folder {printable(self.out)} is no plain text: its readers fail on it",
                "Choose another with --out.",
            )
        return path

    @property
    def targeted(self) -> tuple["Exported", int]:
        """The same without the clips that have no target, and how many these are.

        Raises:
            UsageError: no clip has any.
        """
        kept = tuple(one for one in self.examples if one.targets)
        if not kept:
            raise UsageError(
                "no clip has any of the labels that the targets count", "Give --targets classes."
            )
        return replace(self, examples=kept), len(self.examples) - len(kept)

    @property
    def splits(self) -> dict[str, list[Example]]:
        """The examples of each split that has any."""
        return {split: list(of) for split, of in groupby(self.examples, key=lambda one: one.split)}

    def chunks(self, most: int) -> Iterator[tuple[str, int, list[Example]]]:
        """The examples in pieces of at most so many: the split, the piece's number in it, and the piece."""
        for split, examples in self.splits.items():
            for start in range(0, len(examples), most):
                yield split, start // most, examples[start : start + most]


def read_exported(workspace: Workspace, targets: str = "classes", metadata: Path | None = None) -> Exported:
    """All that is to export of a workspace; its splits are decided now if they are not.

    Args:
        targets: what the targets count, one of `TARGETS`.
        metadata: folder with AudioSet's label file, for display names and the order of the 527; the
            workspace's own if left out, to which it is downloaded.

    Raises:
        UsageError: there is no such workspace, or its labels are not AudioSet's where `mids` are asked for.
        DataMismatch: no clips, or damaged files.
        EnvironmentProblem: the label file could not be downloaded.
    """
    if targets not in TARGETS:
        raise UsageError(f"there are no targets {targets!r}", f"Choose one of {', '.join(TARGETS)}.")
    placements = placed(workspace)
    with Ledger(workspace.ledger, read_only=True) as ledger:
        origin, complete_at = ledger.origin(), last_accepted_at(ledger)
        if origin is None:
            raise DataMismatch(f"no clips in {workspace.root}", "Run `audioset-tools fetch` first.")
        labels = _labels(ledger, targets, metadata, workspace)
        names = _index(origin.class_names if targets == "classes" else labels.mids)
        examples, clips_from = _examples(ledger, placements, workspace.root, names, labels, targets)
    strangers = Counter(mid for one in examples for mid in one.labels if mid not in labels.index)
    return Exported(
        name=origin.recipe,
        root=workspace.root,
        examples=tuple(sorted(examples, key=lambda one: (SPLITS.index(one.split), one.key))),
        target_names=origin.class_names if targets == "classes" else labels.names,
        target_mids=() if targets == "classes" else labels.mids,
        multi_label=targets == "mids" or origin.multi_label,
        sample_rate=origin.sample_rate,
        left_out=dict(sorted(strangers.items())) if targets == "mids" else {},
        origin=origin,
        complete_at=complete_at or 0.0,
        clips_from=clips_from,
    )


def _labels(ledger: Ledger, targets: str, metadata: Path | None, workspace: Workspace) -> Labels:
    """AudioSet's labels; none where what the clips carry is somebody's own."""
    if any(is_mid(label) for candidate, _ in ledger.each_clip() for label in candidate.labels):
        return find_labels(metadata, workspace.metadata)
    if targets == "mids":
        raise UsageError(f"the labels of {workspace.root} are not AudioSet's", "Give --targets classes.")
    return Labels((), ())


def is_mid(label: str) -> bool:
    """Whether a label is one of AudioSet's, and not somebody's own word."""
    return label.startswith(("/m/", "/t/", "/g/"))


def _index(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def _examples(
    ledger: Ledger,
    placements: Placements,
    root: Path,
    index: Mapping[str, int],
    labels: Labels,
    targets: str,
) -> tuple[list[Example], Counter[str]]:
    """The placed clips of a ledger, in its order, and how many came from each source.

    Raises:
        DataMismatch: one that is placed is not there.
    """
    number, there = {key: n for n, key in enumerate(placements.key.tolist())}, np.zeros(len(placements), bool)
    examples, sources = [], Counter[str]()
    # What many clips have in common is there once.
    told = cache(
        lambda classes, mids: (
            classes,
            mids,
            tuple(map(labels.name, mids)),
            _targets(classes if targets == "classes" else mids, index),
        )
    )
    for candidate, clip in ledger.each_clip():
        n = number.get(clip.key.encode())
        if n is None:
            continue
        there[n] = True
        sources[clip.source.partition(" ")[0]] += 1
        classes, mids, human_labels, its_targets = told((clip.class_name, *clip.also), candidate.labels)
        examples.append(
            Example(
                key=clip.key,
                ytid=candidate.ytid,
                start_ms=candidate.start_ms,
                end_ms=candidate.end_ms,
                split=SPLITS[placements.split[n]],
                classes=classes,
                labels=mids,
                human_labels=human_labels,
                targets=its_targets,
                file=str(root / clip.path),
                sha256=clip.sha256,
                kept=clip.kept,
            )
        )
    if not there.all():
        one = placements[int(there.argmin())]
        raise DataMismatch(
            f"clip {one.key} of the frozen {one.split} split is no longer among the clips",
            "Run `audioset-tools fetch` again to get it back.",
        )
    return examples, sources


def _targets(carried: Sequence[str], index: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(sorted(index[name] for name in carried if name in index))

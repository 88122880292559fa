"""A small workspace as fetch and featurize leave it: ledger, clips, `dataset.csv` and shards."""

from dataclasses import replace
from pathlib import Path

import soundfile

from audioset_tools.featurize.run import FeaturizeConfig, featurize
from audioset_tools.fetch.transcode import peak_of
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.types import Candidate, Clip, Failure, Reason
from audioset_tools.workspace import Workspace

from .featurize.conftest import CLASSES, write_clip

DEAD = "deaddeaddeA_30000"
"""The key of a candidate that was found removed."""


def featurized(root: Path, preset: str = "paper") -> Workspace:
    """Five clips of each of two classes, one noise copy, three shards."""
    place = Workspace(root)
    clips = {name: [_as_fetched(place, name, n) for n in range(5)] for name in CLASSES}
    queues = [_candidate(clip) for members in clips.values() for clip in members]
    dead = Candidate(DEAD[:11], 30_000, 40_000, CLASSES[0], 2, 5, "eval")
    with Ledger(place.ledger) as ledger:
        ledger.load(Origin("paper", "", "", CLASSES, 0, (8, 1, 1)), [*queues, dead])
        for candidate, clip in zip(queues, (c for members in clips.values() for c in members), strict=True):
            ledger.accept(candidate, clip, at=1)
        ledger.fail(dead, Failure(DEAD, Reason.REMOVED, "gone \033[31m", 1, None), at=2)
        accepted = [clip for _, clip in ledger.clips()]
    make_shards(place, accepted, preset)
    return place


def make_shards(place: Workspace, clips: list[Clip], preset: str) -> None:
    """The shards of one preset."""
    config = FeaturizeConfig(preset, jobs=1)
    featurize(clips, CLASSES, "paper", place, config, lambda done, total: None)


def _as_fetched(place: Workspace, class_name: str, number: int) -> Clip:
    """With the peak of the file rather than that of the sound before it was rounded."""
    clip = write_clip(place, class_name, number)
    samples, _ = soundfile.read(place.root / clip.path, dtype="int16")
    return replace(clip, peak=peak_of(samples))


def _candidate(clip: Clip) -> Candidate:
    start_ms = int(clip.key[12:])
    return Candidate(clip.key[:11], start_ms, start_ms + 10_000, clip.class_name, 3, clip.rank, "eval")

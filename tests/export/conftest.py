"""A featurized workspace to export, and AudioSet's labels in the official form."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.ledger import Ledger
from audioset_tools.types import KeptSource
from audioset_tools.workspace import Workspace
from tests.factories import candidate, featurized, origin, write_clip

LABELS = 'index,mid,display_name\n0,/m/04rlf,"Music"\n1,/m/05zppz,"Male speech, man speaking"\n'
"""The clips of `featurized` carry `/m/04rlf`, which is a label here, and `/m/0l14j_`, which is none."""


@pytest.fixture(scope="session")
def _featurized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return featurized(tmp_path_factory.mktemp("featurized") / "audioset").root


@pytest.fixture
def exportable(_featurized: Path, tmp_path: Path) -> Workspace:
    """Five clips of each of two classes, three splits."""
    shutil.copytree(_featurized, tmp_path / "audioset")
    return Workspace(tmp_path / "audioset")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A folder with `class_labels_indices.csv`."""
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "class_labels_indices.csv").write_text(LABELS)
    return folder


@pytest.fixture
def all_labels(tmp_path: Path) -> Path:
    """See `label_file`."""
    return label_file(tmp_path / "all")


def label_file(folder: Path) -> Path:
    """Write a label file of 527, among which `/m/04rlf` is number 137, into a folder."""
    folder.mkdir(exist_ok=True)
    mids = [f"/m/{number:05}" for number in range(526)]
    mids.insert(137, "/m/04rlf")
    lines = [f'{number},{mid},"Label, number {number}"' for number, mid in enumerate(mids)]
    (folder / "class_labels_indices.csv").write_text("\n".join(["index,mid,display_name", *lines, ""]))
    return folder


@pytest.fixture
def with_sources(tmp_path: Path) -> Workspace:
    """Clips of 16 kHz whose sources of 48 kHz were kept, each with a tone of 12 kHz that no clip has."""
    workspace = Workspace(tmp_path / "kept")
    queue, clips = [], []
    for number in range(4):
        clip = write_clip(workspace, "Tone", number)
        queue.append(
            replace(candidate(clip.key[:11], int(clip.key[12:]), "Tone", number), labels=("/m/04rlf",))
        )
        path = workspace.kept_source("Tone", clip.key).with_suffix(".flac")
        path.parent.mkdir(parents=True, exist_ok=True)
        time = np.arange(11 * 48_000) / 48_000
        # The file begins a second before the segment, from which on there is sound.
        sound = 0.2 * (np.sin(2 * np.pi * 12_000 * time) + np.sin(2 * np.pi * 500 * time)) * (time >= 1)
        soundfile.write(path, sound, 48_000)
        begins_ms = queue[-1].start_ms - 1_000
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        kept = KeptSource(path.relative_to(workspace.root).as_posix(), digest, begins_ms)
        clips.append(replace(clip, kept=kept))
    with Ledger(workspace.ledger) as ledger:
        ledger.load(origin("Tone", splits=(2, 1, 1)), queue)
        for one, its_clip in zip(queue, clips, strict=True):
            ledger.accept(one, its_clip, at=1)
    return workspace

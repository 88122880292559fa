"""Sounds and pictures beside a page: only of the clips that are shown, made once, by several threads.

A sound is the clip's own samples as FLAC, which every browser plays and which takes a twentieth of the time
that MP3 takes; a picture is the clip's mel, from the shard that holds it, else from its samples.
"""

import hashlib
import io
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from ..audio.clip import read_clip
from ..exceptions import DataMismatch
from ..files import write_beside
from ..shards.index import shard_files
from ..shards.shard import Shard, open_shard
from ..shards.spec import PRESETS, MelSpec, in_decibels
from ..types import CLIP_SECONDS, KEY
from ..workspace import Workspace, printable

SOUNDS, MELS = "sounds", "mels"

SOUND_FORM = "flac 1"
"""Changed whenever other bytes are to be made of the same clip."""

SOUND_SUFFIX = ".flac"

MEL_FORM = "strip 1"
"""Changed whenever another picture is to be made of the same mel."""

_COMPRESSION = 0.625
"""Of FLAC, from 0 to 1; less makes larger files, more takes longer."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A clip to be shown: its key, and its file in the workspace with the sha256 of that."""

    key: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ClipMedia:
    """What a page shows of a clip: paths beside the page, empty where there is none, and then why."""

    key: str
    sound: str
    mel: str
    trouble: str = ""


def make_media(
    sources: Iterable[ClipFile], workspace: Workspace, folder: Path, jobs: int | None = None
) -> dict[str, ClipMedia]:
    """Make the sounds and pictures of clips, as far as they are not there from an earlier time.

    Their names hold a digest of the clip and of the form they are in, so what stands there under a name is
    that. What is the matter with a clip that is gone or damaged is in the result, not raised.

    Args:
        sources: the clips; one whose key is no key is left out.
        folder: of the page; sounds and pictures go into two folders of it.
        jobs: threads; as many as there are processors if left out.

    Returns:
        What there is of each clip, by key.
    """
    wanted = {source.key: source for source in sources if KEY.fullmatch(source.key)}
    spec = shown_spec(workspace)
    named = [(source, *_paths(source, spec.digest)) for source in wanted.values()]
    lacking = [
        (source, sound, mel)
        for source, sound, mel in named
        if not (folder / sound).exists() or not (folder / mel).exists()
    ]
    troubles: dict[str, str] = {}
    if lacking:
        rows = _mel_rows(workspace, {source.key for source, _, _ in lacking})
        count = min(jobs or os.cpu_count() or 1, len(lacking))
        with ThreadPoolExecutor(count) as pool:
            parts = [lacking[number::count] for number in range(count)]
            for found in pool.map(lambda part: _make(part, workspace, folder, rows), parts):
                troubles |= found
    return {
        source.key: ClipMedia(
            source.key,
            sound if (folder / sound).exists() else "",
            mel if (folder / mel).exists() else "",
            troubles.get(source.key, ""),
        )
        for source, sound, mel in named
    }


def shown_spec(workspace: Workspace) -> MelSpec:
    """The spec of the pictures: of the first folder of shards by name, the paper's where there are none."""
    return next((shard.header.spec for shard in _shards(workspace)), PRESETS["paper"])


def sweep(folder: Path, shown: Collection[ClipMedia]) -> None:
    """Delete the sounds and pictures of clips that are shown no longer; nothing that is not ours."""
    kept = {name for media in shown for name in (media.sound, media.mel)}
    for inner, suffix in ((SOUNDS, SOUND_SUFFIX), (MELS, ".jpg")):
        for path in (folder / inner).glob(f"*{suffix}"):
            key = path.name[: -len(suffix) - 11]
            if KEY.fullmatch(key) and f"{inner}/{path.name}" not in kept:
                with suppress(FileNotFoundError):
                    path.unlink()


def write_sound(target: Path, samples: npt.NDArray[np.float32]) -> None:
    """Write a clip as FLAC: what one hears is the clip to the sample, and the same clip gives the same bytes.

    Args:
        samples: within [-1, 1], ten seconds at any of `SAMPLE_RATES`, [T].
    """
    # libsndfile would take 32,767 for full scale, and change the loud half of the samples by one.
    whole = np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype(np.int16)
    # In memory first: of a full disk libsndfile says no more than "System error".
    encoded = io.BytesIO()
    with soundfile.SoundFile(
        encoded,
        "w",
        len(samples) // CLIP_SECONDS,
        1,
        format="FLAC",
        subtype="PCM_16",
        compression_level=_COMPRESSION,
    ) as sound:
        sound.write(whole)
    with write_beside(target) as temporary:
        temporary.write_bytes(encoded.getvalue())


@dataclass(frozen=True, slots=True)
class _MelRows:
    """Where the mels of a workspace lie, noise copies left out.

    Args:
        spec: of all of them; the paper's where there are none.
        rows: the shard and which of its rows, by key.
    """

    spec: MelSpec
    rows: Mapping[str, tuple[Shard, int]]

    def mel(self, key: str) -> Floats | None:
        """The mel of a clip, [bands, frames], or None where no shard has it undamaged."""
        if key not in self.rows:
            return None
        shard, row = self.rows[key]
        try:
            mel: Floats = shard.read(row, row + 1)[0]
        except DataMismatch:
            return None
        return mel


def _paths(source: ClipFile, spec: str) -> tuple[str, str]:
    sound = hashlib.sha256(f"{SOUND_FORM} {source.sha256}".encode()).hexdigest()[:10]
    mel = hashlib.sha256(f"{MEL_FORM} {spec} {source.sha256}".encode()).hexdigest()[:10]
    return f"{SOUNDS}/{source.key}-{sound}{SOUND_SUFFIX}", f"{MELS}/{source.key}-{mel}.jpg"


def _make(
    part: Sequence[tuple[ClipFile, str, str]], workspace: Workspace, folder: Path, rows: _MelRows
) -> Mapping[str, str]:
    """Make what is lacking of some clips; returns what is the matter with which."""
    # Imported here because they take seconds, which a report that has all pictures need not wait.
    from ..featurize.mel import LogMel
    from ..plots import draw_mel_strip

    engines: dict[int, LogMel] = {}
    troubles = {}
    for source, sound, mel in part:
        samples = None
        try:
            samples = read_clip(workspace.root / source.path, source.sha256)
        except DataMismatch as error:
            troubles[source.key] = printable(error.what.replace(f"{workspace.root}/", ""))
        if samples is not None and not (folder / sound).exists():
            write_sound(folder / sound, samples)
        if not (folder / mel).exists():
            picture = rows.mel(source.key)
            if picture is None and samples is not None:
                rate = len(samples) // CLIP_SECONDS
                engine = engines.setdefault(rate, LogMel(rows.spec.at(rate)))
                picture = engine(samples)
            if picture is not None:
                draw_mel_strip(folder / mel, in_decibels(picture, rows.spec))
    return troubles


def _mel_rows(workspace: Workspace, keys: Collection[str]) -> _MelRows:
    """Find the mels of some clips; opens all shards of a folder but reads no mel."""
    wanted = np.array(sorted(key.encode() for key in keys))
    rows: dict[str, tuple[Shard, int]] = {}
    spec = None
    for shard in _shards(workspace):
        spec = spec or shard.header.spec
        if shard.header.spec == spec:
            plain = np.flatnonzero((shard.noise == 0) & np.isin(shard.key, wanted)).tolist()
            rows |= {shard.key[row].decode("ascii", "replace"): (shard, row) for row in plain}
    return _MelRows(spec or PRESETS["paper"], rows)


def _shards(workspace: Workspace) -> Iterator[Shard]:
    """The readable shards of the first folder that has one, by name."""
    for folder in sorted(path for path in workspace.shards.glob("*") if path.is_dir()):
        found = False
        for path in shard_files(folder):
            try:
                shard = open_shard(path)
            except DataMismatch:
                continue
            found = True
            yield shard
        if found:
            return

"""Sounds and pictures beside a page: only of the clips that are shown, made once, by several threads."""

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataMismatch
from ..featurize.audio import read_clip
from ..featurize.mel import LogMel
from ..types import KEY
from ..workspace import Workspace, printable
from . import mels, sounds
from .mels import MelRows, draw_strip, mel_rows, shown_spec
from .sounds import write_sound

SOUNDS, MELS = "sounds", "mels"


@dataclass(frozen=True, slots=True)
class Source:
    """A clip to be shown: its key, and its file in the workspace with the sha256 of that."""

    key: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Media:
    """What a page shows of a clip: paths beside the page, empty where there is none, and then why."""

    key: str
    sound: str
    mel: str
    trouble: str = ""


def make_media(
    sources: Iterable[Source], place: Workspace, folder: Path, jobs: int | None = None
) -> dict[str, Media]:
    """Make the sounds and pictures of clips, as far as they are not there from an earlier time.

    Their names hold a digest of the clip and of the form they are in, so what stands there under a name is
    that. A clip that is gone or damaged is told, not raised.

    Args:
        sources: the clips; those whose key is none are left out.
        place: the workspace.
        folder: of the page; sounds and pictures go into two folders of it.
        jobs: threads; as many as there are processors if left out.

    Returns:
        What there is, by key.
    """
    wanted = {source.key: source for source in sources if KEY.fullmatch(source.key)}
    spec = shown_spec(place)
    named = [(source, *_paths(source, spec.digest)) for source in wanted.values()]
    lacking = [
        (source, sound, mel)
        for source, sound, mel in named
        if not (folder / sound).exists() or not (folder / mel).exists()
    ]
    troubles: dict[str, str] = {}
    if lacking:
        rows = mel_rows(place)
        count = min(jobs or os.cpu_count() or 1, len(lacking))
        with ThreadPoolExecutor(count) as pool:
            parts = [lacking[number::count] for number in range(count)]
            for told in pool.map(lambda part: _make(part, place, folder, rows), parts):
                troubles |= told
    return {
        source.key: Media(
            source.key,
            sound if (folder / sound).exists() else "",
            mel if (folder / mel).exists() else "",
            troubles.get(source.key, ""),
        )
        for source, sound, mel in named
    }


def sweep(folder: Path, shown: Collection[Media]) -> None:
    """Delete the sounds and pictures of clips that are shown no longer; nothing that is not ours."""
    kept = {name for media in shown for name in (media.sound, media.mel)}
    for inner, suffix in ((SOUNDS, ".mp3"), (MELS, ".jpg")):
        for path in (folder / inner).glob(f"*{suffix}"):
            key = path.name[: -len(suffix) - 11]
            if KEY.fullmatch(key) and f"{inner}/{path.name}" not in kept:
                with suppress(FileNotFoundError):
                    path.unlink()


def _paths(source: Source, spec: str) -> tuple[str, str]:
    sound = hashlib.sha256(f"{sounds.FORM} {source.sha256}".encode()).hexdigest()[:10]
    mel = hashlib.sha256(f"{mels.FORM} {spec} {source.sha256}".encode()).hexdigest()[:10]
    return f"{SOUNDS}/{source.key}-{sound}.mp3", f"{MELS}/{source.key}-{mel}.jpg"


def _make(
    part: Sequence[tuple[Source, str, str]], place: Workspace, folder: Path, rows: MelRows
) -> Mapping[str, str]:
    """Make what is lacking of some clips; returns what is the matter with which."""
    engine = LogMel(rows.spec)
    troubles = {}
    for source, sound, mel in part:
        samples = None
        try:
            samples = read_clip(place.root / source.path, source.sha256)
        except DataMismatch as error:
            troubles[source.key] = printable(error.what.replace(f"{place.root}/", ""))
        if samples is not None and not (folder / sound).exists():
            write_sound(folder / sound, samples)
        if not (folder / mel).exists():
            picture = rows.mel(source.key)
            if picture is None and samples is not None:
                picture = engine(samples)
            if picture is not None:
                draw_strip(folder / mel, picture, rows.spec)
    return troubles

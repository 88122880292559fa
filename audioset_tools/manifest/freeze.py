"""From a workspace to its manifest: what is in the ledger, with the sha256 of each clip's samples."""

import hashlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from .. import __version__
from ..audio.binary import ffmpeg_build
from ..audio.clip import read_clip
from ..exceptions import DataMismatch, EnvironmentProblem
from ..ledger import Ledger, Origin
from ..ledger.queries import failures
from ..shards.dataset import read_dataset
from ..types import Candidate, Clip, OnProgress, Progress, Reason, silent
from ..words import utc
from ..workspace import AnyPath, Workspace, printable
from .document import LeftOut, MadeFrom, Manifest, ManifestClip, write_manifest

OWN_CUT, COPYS_CUT = "time stamps", "copy"
"""Who cut a clip: we, by the stream's time stamps, to 50 ms; or whoever made the copy that it comes from."""

_PACKAGES = ("yt-dlp", "numpy", "soundfile", "soxr", "av", "imageio-ffmpeg")

_MOST_WORDS = 2_000


def freeze(workspace: Workspace, out: AnyPath, *, on_progress: OnProgress = silent) -> Manifest:
    """Write the manifest of a workspace, from which the same data set can be made elsewhere and compared.

        freeze(Workspace("audioset"), "set.json")

    Nothing is changed in the workspace; the same one gives the same bytes with the same tools.

    Args:
        workspace: with at least one clip; `featurize` freezes its splits, which are then in the manifest.
        out: the file to write; it arrives whole or not at all.
        on_progress: called after each clip.

    Raises:
        UsageError: there is no such workspace.
        DataMismatch: it holds no clip, or a clip is gone or damaged.
        EnvironmentProblem: the file cannot be written.
    """
    manifest = make_manifest(workspace, on_progress)
    write_manifest(manifest, Path(out))
    return manifest


def make_manifest(workspace: Workspace, on_progress: OnProgress = silent) -> Manifest:
    """The manifest of a workspace; every clip is read.

    Args:
        on_progress: called after each clip.

    Raises:
        UsageError: there is no such workspace.
        DataMismatch: it holds no clip, or a clip is gone or damaged.
    """
    workspace.require_ledger()
    with Ledger(workspace.ledger, read_only=True) as ledger:
        origin, pairs = ledger.origin(), ledger.clips()
        if origin is None or not pairs:
            raise DataMismatch(f"{workspace.root} holds no clip", "Run `audioset-tools fetch` first.")
        made_from = _made_from(origin, ledger.get("recipe_text") or "")
        left_out = tuple(_left_out(ledger, pairs))
    splits = {placement.key: placement.split for placement in read_dataset(workspace.dataset)}
    clips = []
    for done, (candidate, clip) in enumerate(pairs, start=1):
        split = splits.get(clip.key, "" if splits else candidate.split)
        clips.append(_clip(candidate, clip, split, samples_sha256(workspace, clip)))
        on_progress(Progress(done, len(pairs), "clips"))
    return Manifest(made_from, tuple(clips), left_out)


def samples_sha256(workspace: Workspace, clip: Clip) -> str:
    """The sha256 of a clip's samples, of which the file must be the one that was fetched.

    Raises:
        DataMismatch: it is gone, or has changed.
    """
    samples = read_clip(workspace.root / clip.path, clip.sha256)
    return hashlib.sha256(np.round(samples * 32768).astype("<i2").tobytes()).hexdigest()


def cut_of(source: str) -> str:
    """Who cut a clip, by where it came from."""
    return OWN_CUT if source.split(" ", 1)[0] == "youtube" else COPYS_CUT


def _clip(candidate: Candidate, clip: Clip, split: str, sha256: str) -> ManifestClip:
    return ManifestClip(
        key=clip.key,
        end_ms=candidate.end_ms,
        class_name=clip.class_name,
        also=clip.also,
        labels=candidate.labels,
        split=split,
        sha256=sha256,
        fingerprint=clip.fingerprint,
        source=printable(clip.source)[:_MOST_WORDS],
        cut=cut_of(clip.source),
        decoder=printable(clip.decoder)[:_MOST_WORDS],
    )


def _left_out(ledger: Ledger, pairs: list[tuple[Candidate, Clip]]) -> Iterator[LeftOut]:
    """Who gave no clip, by class and rank.

    Not those that were forgotten, of whom nothing is to be told; nor those that no source has and that stand
    behind the last clip of their class, of whom there may be millions and for whom nobody asked.
    """
    last = {candidate.class_name: candidate.rank for candidate, _ in pairs}
    order = {name: number for number, name in enumerate(ledger.class_names)}
    found = [
        one
        for one in failures(ledger)
        if one.reason is not Reason.FORGOTTEN
        and (
            one.reason is not Reason.NOT_IN_SOURCE
            or one.candidate.rank < last.get(one.candidate.class_name, 0)
        )
    ]
    for one in sorted(found, key=lambda one: (order[one.candidate.class_name], one.candidate.rank)):
        yield LeftOut(one.candidate.key, one.candidate.class_name, str(one.reason), utc(one.tried_at))


def _made_from(origin: Origin, recipe_text: str) -> MadeFrom:
    return MadeFrom(
        recipe=printable(origin.recipe)[:200],
        recipe_digest=origin.recipe_digest,
        recipe_text=recipe_text,
        lists_digest=origin.lists_digest,
        of_list=origin.of_list,
        multi_label=origin.multi_label,
        class_names=origin.class_names,
        seed=origin.seed,
        splits=origin.splits,
        least_ms=origin.least_ms,
        sample_rate=origin.sample_rate,
        versions=installed_versions(),
    )


def installed_versions() -> dict[str, str]:
    """What is installed here of what makes clips, by name."""
    versions = {"audioset-tools": __version__}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    try:
        build = ffmpeg_build()
    except EnvironmentProblem:
        return versions
    return {**versions, "ffmpeg": build.version + (" soxr" if build.soxr else "")}

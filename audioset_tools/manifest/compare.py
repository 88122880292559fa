"""A workspace against a manifest: of each clip whether it is the same, to the byte or by its sound.

Bytes differ from one ffmpeg to the next, so a clip of other bytes is judged by its fingerprint, and why its
bytes may differ is said.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from ..audio.fingerprint import SAME_BELOW, distance
from ..exceptions import DataMismatch
from ..ledger import Ledger
from ..ledger.queries import failures
from ..shards.dataset import read_dataset
from ..types import Candidate, Clip, OnProgress, Progress, Table, silent
from ..workspace import Workspace, printable
from .document import Manifest, ManifestClip
from .freeze import samples_sha256

_EXAMPLES, _MOST_REASONS = 3, 20


class Likeness(StrEnum):
    """What a clip of a manifest is here."""

    SAME_BYTES = "same bytes"
    SAME_SOUND = "same sound"
    """Other bytes, of which the fingerprint says that they sound alike."""
    UNTOLD = "too quiet to tell"
    """Other bytes, with too little to be heard for a fingerprint."""
    OTHER_SOUND = "another sound"
    GONE = "gone"


ALIKE = (Likeness.SAME_BYTES, Likeness.SAME_SOUND)
"""What is as it should be."""


@dataclass(frozen=True, slots=True)
class ClipCompared:
    """One clip of a manifest here.

    Args:
        why: why it is gone, or why its bytes may differ: what decoded it, and where it came from.
        apart: the share of its fingerprint's bits that differ; None where nothing was compared.
        placed: how it is placed otherwise, as `class Piano there, Drums here`; "" if it is not.
    """

    key: str
    likeness: Likeness
    why: str = ""
    apart: float | None = None
    placed: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All clips of a manifest, and the keys of those that are here and not in it."""

    clips: tuple[ClipCompared, ...]
    extra: tuple[str, ...]

    @property
    def alike(self) -> bool:
        """Whether every clip is here with the same sound, in its class and split."""
        return all(one.likeness in ALIKE and not one.placed for one in self.clips)

    @property
    def counts(self) -> dict[Likeness, int]:
        """How many clips are what."""
        found = Counter(one.likeness for one in self.clips)
        return {likeness: found[likeness] for likeness in Likeness}


def compare(
    ledger: Ledger, workspace: Workspace, manifest: Manifest, on_progress: OnProgress = silent
) -> Comparison:
    """Compare what is in a workspace with a manifest; changes nothing.

    Raises:
        DataMismatch: `dataset.csv` is damaged.
    """
    rates = manifest.made_from.sample_rate, ledger.sample_rate
    other_rate = "" if rates[0] == rates[1] else f"{rates[0]:,} Hz there, {rates[1]:,} Hz here; "
    here = {clip.key: (candidate, clip) for candidate, clip in ledger.clips()}
    reasons = {one.candidate.key: str(one.reason) for one in failures(ledger)}
    splits = {placement.key: placement.split for placement in read_dataset(workspace.dataset)}
    compared = []
    for done, wanted in enumerate(manifest.clips, start=1):
        found = here.pop(wanted.key, None)
        if found is None:
            why = reasons.get(wanted.key, "it was not fetched")
            compared.append(ClipCompared(wanted.key, Likeness.GONE, why))
        else:
            one = _compared(wanted, *found, workspace, splits)
            differs = one.likeness in (Likeness.SAME_SOUND, Likeness.OTHER_SOUND, Likeness.UNTOLD)
            compared.append(replace(one, why=other_rate + one.why) if differs else one)
        on_progress(Progress(done, len(manifest.clips), "clips of the manifest"))
    return Comparison(tuple(compared), tuple(sorted(here)))


def _compared(
    wanted: ManifestClip, candidate: Candidate, clip: Clip, workspace: Workspace, splits: Mapping[str, str]
) -> ClipCompared:
    placed = _placed(wanted, candidate, clip, splits)
    try:
        sha256 = samples_sha256(workspace, clip)
    except DataMismatch as error:
        return ClipCompared(wanted.key, Likeness.GONE, error.what, placed=placed)
    if sha256 == wanted.sha256:
        return ClipCompared(wanted.key, Likeness.SAME_BYTES, placed=placed)
    apart = distance(wanted.fingerprint, clip.fingerprint)
    likeness = Likeness.UNTOLD
    if apart is not None:
        likeness = Likeness.SAME_SOUND if apart < SAME_BELOW else Likeness.OTHER_SOUND
    return ClipCompared(wanted.key, likeness, _why(wanted, clip), apart, placed)


def _why(wanted: ManifestClip, clip: Clip) -> str:
    """Why the bytes of a clip may differ."""
    reasons = []
    if not (wanted.decoder and clip.decoder):
        reasons.append("what decoded it is not recorded")
    elif wanted.decoder != clip.decoder:
        reasons.append(f"decoded by {wanted.decoder}, here by {clip.decoder}")
    there, here = (source.split(" ", 1)[0] for source in (wanted.source, clip.source))
    if there != here:
        reasons.append(f"from {there}, here from {here}")
    elif wanted.source != clip.source:
        reasons.append(f"from another copy, or in another form, of {here}")
    return "; ".join(reasons) or "by the same decoder from the same source: its sound there has changed"


def _placed(wanted: ManifestClip, candidate: Candidate, clip: Clip, splits: Mapping[str, str]) -> str:
    """How a clip's class, labels or split differ; a split that is not frozen here yet differs from none."""
    there = {
        "class": ", ".join((wanted.class_name, *sorted(wanted.also))),
        "labels": ", ".join(wanted.labels),
        "split": wanted.split,
    }
    here = {
        "class": ", ".join((clip.class_name, *sorted(clip.also))),
        "labels": ", ".join(candidate.labels),
        "split": splits.get(clip.key, "" if splits else wanted.split),
    }
    return "; ".join(
        f"{what} {there[what] or 'none'} there, {here[what] or 'none'} here"
        for what in there
        if there[what] != here[what]
    )


def comparison_tables(found: Comparison) -> list[Table]:
    """The counts, and why bytes differ or clips are gone."""
    rows = [
        (str(likeness), f"{n:,}", _examples(found, likeness)) for likeness, n in found.counts.items() if n
    ]
    if placed := [one for one in found.clips if one.placed]:
        rows.append(
            ("placed otherwise", f"{len(placed):,}", f"{placed[0].key}: {printable(placed[0].placed)}")
        )
    if found.extra:
        named = ", ".join(found.extra[:_EXAMPLES])
        rows.append(("not wanted", f"{len(found.extra):,}", named))
    counts = Table("Clips of the manifest", ("here", "count", "such as"), tuple(rows))
    why = Counter((str(one.likeness), one.why) for one in found.clips if one.why).most_common(_MOST_REASONS)
    if not why:
        return [counts]
    lines = tuple((likeness, f"{n:,}", printable(words)) for (likeness, words), n in why)
    return [counts, Table("Why", ("here", "count", "because"), lines)]


def _examples(found: Comparison, likeness: Likeness) -> str:
    if likeness is Likeness.SAME_BYTES:
        return ""
    some = [one for one in found.clips if one.likeness is likeness][:_EXAMPLES]
    return ", ".join(
        one.key + ("" if one.apart is None else f" ({one.apart:.2f} of the bits)") for one in some
    )


def comparison_json(found: Comparison) -> dict[str, Any]:
    """The same for `--json`, with every clip."""
    return {
        "alike": found.alike,
        "counts": {str(likeness): n for likeness, n in found.counts.items()},
        "clips": [asdict(one) for one in found.clips],
        "not_wanted": list(found.extra),
    }

"""What there is to say of a data set, whichever document says it."""

import hashlib

from ... import __version__
from ...manifest.licences import LICENCES
from ...sources.source import cut_remark
from ...types import CLIP_SECONDS
from ...workspace import printable
from ..examples import Exported, is_mid


def title(data: Exported) -> str:
    """A name for people."""
    return f"{printable(data.name)}: clips of AudioSet" if of_audioset(data) else printable(data.name)


def of_audioset(data: Exported) -> bool:
    """Whether the labels are AudioSet's, and not those of somebody's own list."""
    return any(is_mid(label) for one in data.examples for label in one.labels)


def summary(data: Exported) -> str:
    """Two sentences of what it is."""
    counts = ", ".join(f"{len(examples):,} {split}" for split, examples in data.splits.items())
    several = "each with any number of" if data.multi_label else "each with one of"
    whose = "AudioSet's labels" if data.target_mids else "classes"
    return (
        f"{len(data.examples):,} clips of {CLIP_SECONDS} seconds from YouTube ({counts}), mono, 16 bits,"
        f" {data.sample_rate:,} Hz, {several} {len(data.target_names):,} {whose}."
        f" Made with audioset-tools {__version__}."
    )


def collected(data: Exported) -> str:
    """Where the sound comes from."""
    sources = ", ".join(f"{n:,} from {printable(name)}" for name, n in sorted(data.clips_from.items()))
    remark = cut_remark(data.clips_from)
    return (
        f"Segments of videos on YouTube, chosen by the "
        f"{'list' if data.origin is not None and data.origin.of_list else 'recipe'} {printable(data.name)};"
        f" clips by their source: {sources}." + (f" {remark[0].upper()}{remark[1:]}." if remark else "")
    )


MISSING = (
    "Segments whose video was removed, made private or blocked, and those that were silent or cut short, are"
    " not in it. Which clips there are depends on which videos were alive."
)

PROCESSED = (
    "Each segment was decoded, mixed down to one channel, resampled, cut or padded with zeros to ten seconds,"
    " and written as 16-bit samples without changing its level."
)


def annotated(data: Exported) -> str:
    """Who says what is heard."""
    if not of_audioset(data):
        return f"The labels are those of the list {printable(data.name)}."
    return (
        "Labels are AudioSet's: people listened to each segment and said whether a label that was proposed to"
        " them is heard (Gemmeke et al., 2017). They speak of a segment as a whole, not of when in it."
    )


def biased(data: Exported) -> str:
    """What it is no fair sample of."""
    if not of_audioset(data):
        return "Nothing was done against a bias of the list, or of what people upload to YouTube."
    return (
        "What people upload to YouTube is no fair sample of what there is to hear. A label that is not given"
        " was not always found absent: it may never have been proposed, and the ancestors of a label in the"
        " ontology are often not given."
    )


LIMITED = (
    "Clips of one channel, or of one sound uploaded several times, may stand in several splits where nobody"
    " could know it, or where the splits are somebody's own. Some labels are wrong."
)

USED_FOR = "Training and judging classifiers of sounds; nothing that identifies a person."

IMPACT = "A classifier trained on it may be used to watch people; it was not made for that."

PERSONAL = (
    "Voices may be heard, and an id leads to a video and to whoever uploaded it. No name, title or channel is"
    " part of the data."
)

MAINTAINED = (
    "Whoever hands this on removes a clip when its uploader asks: `audioset-tools forget` erases a video"
    " everywhere and never fetches it again, and the data set is then exported again."
)


def clips_digest(data: Exported) -> str:
    """Which clips these are, in one sha256 over theirs."""
    return hashlib.sha256("\n".join(one.sha256 for one in data.examples).encode()).hexdigest()


def licences() -> str:
    """All licences, in one sentence."""
    return "; ".join(f"{what}: {which}" for what, which in LICENCES)

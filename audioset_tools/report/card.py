"""The data card: what the data set is made of, by which versions, under which licences, how to cite it."""

import hashlib
import json
from collections import Counter

from .. import __version__
from ..featurize.split import SPLITS
from ..ledger import State
from ..types import CLIP_BYTES, SAMPLE_RATE, Table
from .blocks import Block, Heading, Missing, Section, Shown, Verbatim, Words
from .holding import Fetched, Holding

AUDIOSET = """@inproceedings{gemmeke2017audioset,
  author    = {Gemmeke, Jort F. and Ellis, Daniel P. W. and Freedman, Dylan and Jansen, Aren
               and Lawrence, Wade and Moore, R. Channing and Plakal, Manoj and Ritter, Marvin},
  title     = {Audio Set: An ontology and human-labeled dataset for audio events},
  booktitle = {Proc. IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)},
  pages     = {776--780},
  year      = {2017},
  doi       = {10.1109/ICASSP.2017.7952261}
}"""

PAPER = """@misc{haidarahmad2019music,
  author = {Haidar-Ahmad, Lara},
  title  = {Music and Instrument Classification using Deep Learning Technics},
  note   = {Stanford University, CS230},
  year   = {2019}
}"""

LICENCES = (
    ("AudioSet's lists of segments and labels", "CC BY 4.0, Google Inc."),
    ("AudioSet's ontology", "CC BY-SA 4.0, Google Inc."),
    ("the audio", "that of whoever uploaded it; it is not part of AudioSet and not ours to license"),
    ("audioset-tools", "MIT"),
)


def card_section(holding: Holding) -> Section:
    """The data card, as far as the workspace has come."""
    blocks: list[Block] = []
    if holding.fetched is None:
        blocks.append(
            Missing("There is no data set yet to describe.", "audioset-tools fetch --per-class 2400")
        )
    else:
        blocks.append(Shown(_made_of(holding.fetched)))
        blocks.append(Shown(_counts(holding, holding.fetched)))
    if holding.fetched is not None and not holding.placements:
        blocks.append(Missing("The splits are not drawn yet.", "audioset-tools featurize"))
    blocks += [
        Shown(_versions(holding)),
        Shown(Table("Licences", ("what", "licence"), LICENCES)),
        Heading("How to cite"),
        Words(
            "AudioSet, whose segments and labels these are, and the paper whose recipe and network these are:"
        ),
        Verbatim(AUDIOSET),
        Verbatim(PAPER),
    ]
    return Section("card", "Data card", tuple(blocks))


def _made_of(fetched: Fetched) -> Table:
    origin = fetched.origin
    rows = (
        ("recipe", origin.recipe),
        ("recipe, sha256", origin.recipe_digest),
        ("AudioSet's lists and ontology, sha256", origin.lists_digest),
        ("classes", ", ".join(origin.class_names)),
        ("seed", str(origin.seed)),
        ("proportions of the splits", "/".join(map(str, origin.splits))),
        ("a clip", f"mono, {SAMPLE_RATE:,} Hz, 16 bits, ten seconds, {CLIP_BYTES:,} bytes"),
        ("the clips, sha256", _digest([clip.sha256 for _, clip in fetched.clips])),
    )
    return Table("What it is made of", ("what", "value"), rows)


def _counts(holding: Holding, fetched: Fetched) -> Table:
    in_split = Counter((p.class_name, p.split) for p in holding.placements)
    states: Counter[tuple[str, State]] = Counter()
    for tally in fetched.status.tallies:
        states[tally.class_name, tally.state] += tally.n
    rows = [
        (
            name,
            f"{states[name, State.ACCEPTED]:,}",
            *(f"{in_split[name, split]:,}" for split in SPLITS),
            f"{states[name, State.DEAD]:,}",
        )
        for name in fetched.origin.class_names
    ]
    totals = [sum(int(row[column].replace(",", "")) for row in rows) for column in range(1, len(rows[0]))]
    rows.append(("all", *(f"{n:,}" for n in totals)))
    return Table("Clips", ("class", "verified", *SPLITS, "candidates left out"), tuple(rows))


def _versions(holding: Holding) -> Table:
    """What made it, from the files themselves: pages made today say nothing of what made the shards."""
    rows = [("this page", f"audioset-tools {__version__}")]
    for run in holding.runs:
        versions = run.about.get("versions")
        if isinstance(versions, dict):
            told = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
            rows.append((f"run {run.name}", told))
        if digest := run.about.get("spec_digest"):
            spec = run.about.get("spec")
            rows.append((f"mels of run {run.name}", f"{digest}: {json.dumps(spec, sort_keys=True)}"))
    return Table("Versions", ("what", "made by"), tuple(rows))


def _digest(digests: list[str]) -> str:
    """One digest over those of all clips, in the order of classes and ranks."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest() if digests else "there are none yet"

"""The data card: what the data set is made of, by which versions, under which licences, how to cite it."""

import hashlib
from collections import Counter
from collections.abc import Sequence

from ... import __version__
from ...ledger import State
from ...manifest.licences import AUDIOSET, LICENCES, PAPER
from ...shards.placements import SPLITS
from ...sources.source import cut_remark
from ...types import Table, clip_bytes
from ...words import MOST_ROWS
from ..page import Block, Heading, Missing, Section, Shown, Verbatim, Words
from ..snapshot import Fetched, Snapshot


def card_section(snapshot: Snapshot) -> Section:
    """The data card, as far as the workspace has come."""
    blocks: list[Block] = []
    if snapshot.fetched is None:
        blocks.append(
            Missing("There is no data set yet to describe.", "audioset-tools fetch --per-class 2400")
        )
    else:
        blocks.append(Shown(_made_of(snapshot.fetched)))
        many = len(snapshot.fetched.origin.class_names) > MOST_ROWS
        blocks.append(Shown(_counts(snapshot, snapshot.fetched), folded=many))
        if snapshot.leak:
            blocks.append(Words(snapshot.leak, warn=True))
        if remark := cut_remark(snapshot.fetched.status.clips_from):
            blocks.append(Words(f"{remark[0].upper()}{remark[1:]}."))
    if snapshot.fetched is not None and not snapshot.placements:
        blocks.append(Missing("The splits are not drawn yet.", "audioset-tools featurize"))
    blocks += [
        Shown(_versions(snapshot)),
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
    made_from = (
        (("list", origin.recipe), ("what it says, sha256", origin.lists_digest))
        if not origin.by_recipe
        else (
            ("recipe", origin.recipe),
            ("recipe, sha256", origin.recipe_digest),
            ("AudioSet's lists and ontology, sha256", origin.lists_digest),
        )
    )
    rate = origin.sample_rate
    rows = (
        *made_from,
        ("classes", _named(origin.class_names)),
        ("seed", str(origin.seed)),
        ("proportions of the splits", "/".join(map(str, origin.splits))),
        ("a clip", f"mono, {rate:,} Hz, 16 bits, ten seconds, {clip_bytes(rate):,} bytes"),
        ("the clips, sha256", _digest([clip.sha256 for _, clip in fetched.clips])),
    )
    return Table("What it is made of", ("what", "value"), rows)


def _named(class_names: Sequence[str]) -> str:
    """All classes, or how many where they are very many."""
    return ", ".join(class_names) if len(class_names) <= MOST_ROWS else f"{len(class_names):,}"


def _counts(snapshot: Snapshot, fetched: Fetched) -> Table:
    in_split = Counter((p.class_name, p.split) for p in snapshot.placements)
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


def _versions(snapshot: Snapshot) -> Table:
    """What made it, from the files themselves: pages made today say nothing of what made the shards."""
    rows = [("this page", f"audioset-tools {__version__}")]
    for run in snapshot.in_full:
        if run.about is not None:
            versions = ", ".join(f"{name} {version}" for name, version in sorted(run.about.versions.items()))
            rows.append((f"run {run.name}", versions))
            rows.append((f"mels of run {run.name}", f"{run.about.spec_digest}: {run.about.spec.json()}"))
    return Table("Versions", ("what", "made by"), tuple(rows))


def _digest(digests: list[str]) -> str:
    """One digest over those of all clips, in the order of classes and ranks."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest() if digests else "there are none yet"

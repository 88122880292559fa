"""The data card: what the data set is made of, by which versions, under which licences, how to cite it."""

import hashlib
import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from ...files import open_file
from ...ledger import State
from ...manifest.freeze import installed_versions
from ...manifest.licences import CITATIONS, LICENCES, MAKE_AGAIN
from ...shards.placements import SPLITS, Placements
from ...sources.source import cut_remark
from ...types import Table, clip_bytes
from ...words import MOST_ROWS, counted
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
        blocks.append(Shown(_made_of(snapshot, snapshot.fetched)))
        many = len(snapshot.fetched.origin.class_names) > MOST_ROWS
        blocks.append(Shown(_counts(snapshot, snapshot.fetched), folded=many))
        if snapshot.leak:
            blocks.append(Words(snapshot.leak, warn=True))
        if remark := cut_remark(snapshot.fetched.status.clips_from):
            blocks.append(Words(f"{remark[0].upper()}{remark[1:]}."))
    if snapshot.fetched is not None and not snapshot.placements:
        blocks.append(Missing("The splits are not drawn yet.", "audioset-tools featurize"))
    blocks += [
        *_versions(snapshot),
        Shown(Table("Licences", ("what", "licence"), LICENCES)),
        *_again(snapshot),
        Heading("How to cite", "cite"),
        Words(
            "AudioSet, whose segments and labels these are; the paper whose recipe and network these are; and"
            " this tool:"
        ),
        *map(Verbatim, CITATIONS),
    ]
    return Section("card", "Data card", tuple(blocks))


def _again(snapshot: Snapshot) -> list[Block]:
    """The commands that make the data set again, elsewhere."""
    if snapshot.fetched is None:
        return []
    return [
        Heading("How to make it again", "again"),
        Words("Here, once, a manifest: which segments these are, and the digest of every clip's sound."),
        Verbatim("audioset-tools freeze --out manifest.json"),
        Words("Elsewhere, from that file alone: fetched as far as the videos are alive, then compared."),
        Verbatim(MAKE_AGAIN),
    ]


def _made_of(snapshot: Snapshot, fetched: Fetched) -> Table:
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
        ("sources, clips", _sources(fetched)),
        ("the clips, sha256", _digest(fetched.clips)),
        ("dataset.csv, sha256", _file_digest(snapshot.workspace.dataset) if snapshot.placements else ""),
    )
    rows = tuple(row for row in rows if row[1])
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


def _versions(snapshot: Snapshot) -> list[Block]:
    """What made it, from the files themselves, and what is installed here, which need not have made it."""
    rows = []
    if snapshot.fetched is not None:
        decoders = Counter({name: n for name, n in snapshot.fetched.decoders.items() if name})
        rows += [
            (f"{counted(n, 'clip')} decoded by", decoder) for decoder, n in decoders.most_common(MOST_ROWS)
        ]
    specs: dict[str, tuple[str, list[str]]] = {}
    for run in snapshot.in_full:
        if run.about is not None:
            versions = ", ".join(f"{name} {number}" for name, number in sorted(run.about.versions.items()))
            rows.append((f"run {run.name}", versions))
            specs.setdefault(run.about.spec_digest, (run.about.spec.json(), []))[1].append(run.name)
    here = {"Python": platform.python_version(), **installed_versions(), "librosa": version("librosa")}
    rows.append(("installed here", ", ".join(f"{name} {number}" for name, number in here.items())))
    mels = tuple((digest, text, ", ".join(names)) for digest, (text, names) in specs.items())
    blocks: list[Block] = [Shown(Table("Versions", ("what", "made by"), tuple(rows)))]
    if mels:
        blocks.append(Shown(Table("Mel specs of the runs", ("digest", "spec", "runs"), mels), folded=True))
    return blocks


def _sources(fetched: Fetched) -> str:
    """Where the clips come from, and how many."""
    return ", ".join(f"{name} {n:,}" for name, n in sorted(fetched.status.clips_from.items()))


def _file_digest(path: Path) -> str:
    """Of a file's bytes; nothing where it has gone meanwhile."""
    try:
        with open_file(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _digest(clips: Placements) -> str:
    """One digest over those of all clips, in the order of classes and ranks."""
    together, between = hashlib.sha256(), ""
    for some in clips.blocks():
        together.update((between + "\n".join(some.sha256)).encode())
        between = "\n"
    return together.hexdigest() if clips else "there are none yet"

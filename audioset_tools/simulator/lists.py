"""Lists in AudioSet's official format, small and made up, for a demo and for tests without the genuine ones.

What a row is follows from its labels alone: `write_lists` decides on a class, then draws labels that the
recipes must read as that class, and returns the table that a `Plan` needs to play the right sound.

Their ontology has enough of AudioSet's labels for every rule of a recipe to have work to do: names and ids
are AudioSet's, the shape is a cut of its tree, and nothing else of it is copied.
"""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..exceptions import UsageError
from ..files import write_beside
from .plan import TableRow

NODES = {
    "/m/04rlf": ("Music", ("/m/04szw", "/t/dd00028")),
    "/t/dd00028": ("Music role", ("/m/0y4f8",)),
    "/m/0y4f8": ("Vocal music", ("/m/0z9c", "/m/02bk07", "/m/02cz_7")),
    "/m/0z9c": ("A capella", ()),
    "/m/02cz_7": ("Beatboxing", ()),
    "/m/04szw": (
        "Musical instrument",
        (
            *("/m/0fx80y", "/m/05148p4", "/m/0l14md", "/m/05pd6", "/m/01kcd", "/m/0l14_3", "/m/085jw"),
            *("/m/03m5k", "/m/0l14jd", "/m/0395lw", "/m/0mkg"),
        ),
    ),
    "/m/0fx80y": ("Plucked string instrument", ("/m/0342h",)),
    "/m/0342h": ("Guitar", ("/m/02sgy", "/m/042v_gx", "/m/01glhc", "/m/07s0s5r")),
    "/m/02sgy": ("Electric guitar", ()),
    "/m/042v_gx": ("Acoustic guitar", ()),
    "/m/01glhc": ("Tapping (guitar technique)", ()),
    "/m/07s0s5r": ("Strum", ()),
    "/m/05148p4": ("Keyboard (musical)", ("/m/05r5c", "/m/013y1f", "/m/03q5t")),
    "/m/05r5c": ("Piano", ("/m/01s0ps",)),
    "/m/01s0ps": ("Electric piano", ()),
    "/m/013y1f": ("Organ", ("/m/03xq_f", "/m/03gvt")),
    "/m/03xq_f": ("Electronic organ", ()),
    "/m/03gvt": ("Hammond organ", ()),
    "/m/03q5t": ("Harpsichord", ()),
    "/m/0l14md": ("Percussion", ("/m/02hnl", "/m/026t6", "/m/01qbl")),
    "/m/02hnl": ("Drum kit", ("/m/0cfdd",)),
    "/m/0cfdd": ("Drum machine", ()),
    "/m/026t6": ("Drum", ("/m/06rvn", "/m/0bm02", "/m/011k_j", "/m/01p970")),
    "/m/06rvn": ("Snare drum", ("/m/03t3fj", "/m/02k_mr")),
    "/m/03t3fj": ("Rimshot", ()),
    "/m/02k_mr": ("Drum roll", ()),
    "/m/0bm02": ("Bass drum", ()),
    "/m/011k_j": ("Timpani", ()),
    "/m/01p970": ("Tabla", ()),
    "/m/01qbl": ("Cymbal", ("/m/03qtq", "/m/0bm0k")),
    "/m/03qtq": ("Hi-hat", ()),
    "/m/0bm0k": ("Crash cymbal", ()),
    "/m/05pd6": ("Orchestra", ()),
    "/m/01kcd": ("Brass instrument", ("/m/07gql",)),
    "/m/07gql": ("Trumpet", ()),
    "/m/0l14_3": ("Bowed string instrument", ("/m/02qmj0d", "/m/07y_7", "/m/01xqw")),
    "/m/02qmj0d": ("String section", ()),
    "/m/07y_7": ("Violin, fiddle", ("/m/0d8_n",)),
    "/m/0d8_n": ("Pizzicato", ()),
    "/m/01xqw": ("Cello", ()),
    "/m/085jw": ("Wind instrument, woodwind instrument", ("/m/0l14j_", "/m/06ncr", "/m/01wy6")),
    "/m/0l14j_": ("Flute", ()),
    "/m/06ncr": ("Saxophone", ()),
    "/m/01wy6": ("Clarinet", ()),
    "/m/03m5k": ("Harp", ()),
    "/m/0l14jd": ("Choir", ()),
    "/m/0395lw": ("Bell", ()),
    "/m/0mkg": ("Accordion", ()),
    "/m/0dgw9r": ("Human sounds", ("/m/09l8g", "/m/01w250")),
    "/m/09l8g": ("Human voice", ("/m/09x0r", "/m/015lz1", "/m/02fxyj")),
    "/m/09x0r": ("Speech", ("/m/05zppz", "/m/02zsn")),
    "/m/05zppz": ("Male speech, man speaking", ()),
    "/m/02zsn": ("Female speech, woman speaking", ()),
    "/m/015lz1": (
        "Singing",
        (
            *("/m/0l14jd", "/m/01swy6", "/m/02bk07", "/t/dd00003", "/t/dd00004", "/t/dd00005"),
            *("/t/dd00006", "/m/06bxc"),
        ),
    ),
    "/m/01swy6": ("Yodeling", ()),
    "/m/02bk07": ("Chant", ("/m/01c194",)),
    "/m/01c194": ("Mantra", ()),
    "/t/dd00003": ("Male singing", ()),
    "/t/dd00004": ("Female singing", ()),
    "/t/dd00005": ("Child singing", ()),
    "/t/dd00006": ("Synthetic singing", ()),
    "/m/06bxc": ("Rapping", ()),
    "/m/02fxyj": ("Humming", ()),
    "/m/01w250": ("Whistling", ()),
    "/m/0jbk": ("Animal", ("/m/068hy", "/m/015p6")),
    "/m/068hy": ("Domestic animals, pets", ("/m/0bt9lr", "/m/01yrx")),
    "/m/0bt9lr": ("Dog", ("/m/05tny_", "/m/0ghcn6")),
    "/m/05tny_": ("Bark", ()),
    "/m/0ghcn6": ("Growling", ()),
    "/m/01yrx": ("Cat", ("/m/07qrkrw", "/m/0ghcn6")),
    "/m/07qrkrw": ("Meow", ()),
    "/m/015p6": ("Bird", ()),
    "/m/07yv9": ("Vehicle", ()),
    "/m/02mk9": ("Engine", ()),
    "/m/0838f": ("Water", ("/m/06mb1",)),
    "/m/06mb1": ("Rain", ()),
    "/m/03m9d0z": ("Wind", ()),
    "/m/01x3z": ("Clock", ()),
}
"""mid -> its name and the mids right below it."""

UNUSED = {"/t/dd00028": "abstract", "/m/0dgw9r": "abstract", "/m/09l8g": "abstract", "/m/0bm0k": "blacklist"}
"""Nodes that no clip is labelled with, and the ontology's word for why."""

SUBSETS = {"balanced_train": 0.1, "eval": 0.1, "unbalanced_train": 0.8}
"""The three lists and the share of the rows that each gets."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LAST_LETTERS = "AEIMQUYcgkosw048"

_CLASSES: Mapping[str, Sequence[Sequence[str]]] = {
    "Piano": (("/m/05r5c",), ("/m/05r5c",), ("/m/01s0ps",), ("/m/05r5c", "/m/05148p4")),
    "Drums": (
        *(("/m/02hnl",), ("/m/026t6",), ("/m/06rvn",), ("/m/03t3fj",), ("/m/02k_mr",), ("/m/0bm02",)),
        *(("/m/01qbl",), ("/m/03qtq",), ("/m/02hnl", "/m/0l14md"), ("/m/06rvn", "/m/03qtq", "/m/0l14md")),
    ),
    "Flute": (("/m/0l14j_",), ("/m/0l14j_", "/m/085jw")),
    "Other": (),
}
_OTHER_INSTRUMENTS = (
    *(("/m/0342h", "/m/0fx80y"), ("/m/0342h",), ("/m/07y_7",), ("/m/01xqw", "/m/0l14_3"), ("/m/07gql",)),
    *(("/m/06ncr",), ("/m/03m5k",), ("/m/0395lw",), ("/m/0mkg",), ("/m/013y1f",), ("/m/03q5t",)),
)
_NO_MUSIC = ("/m/0jbk", "/m/0bt9lr", "/m/015p6", "/m/07yv9", "/m/02mk9", "/m/06mb1", "/m/03m9d0z", "/m/01x3z")
_NO_CLASS = (
    ("/m/05r5c", "/m/02hnl"),
    ("/m/05r5c", "/m/0l14j_"),
    ("/m/0l14j_", "/m/0342h"),
    ("/m/01p970",),
    ("/m/011k_j", "/m/0l14md"),
    ("/m/0cfdd",),
)
_MUSIC, _INSTRUMENT = "/m/04rlf", "/m/04szw"
_SPEECH, _VOICES = ("/m/09x0r", "/m/05zppz", "/m/02zsn"), ("/m/015lz1", "/t/dd00004", "/m/0y4f8")


def write_lists(
    folder: Path,
    per_class: Mapping[str, int],
    seed: int = 0,
    classes: Mapping[str, Sequence[Sequence[str]]] = _CLASSES,
) -> dict[str, TableRow]:
    """Write the three lists, ontology.json and class_labels_indices.csv.

    A tenth more rows than asked for are written that belong to no class of the paper's: two classes'
    instruments at once, or an instrument that the recipes reject. No row has a label of `UNUSED`: no clip of
    AudioSet's has one, and its file of labels lacks them.

    Args:
        folder: where to; made if it is not there.
        per_class: how many rows of each class. Of the class of everything else, one half has another
            instrument and one half no music.
        seed: another seed gives other rows.
        classes: the sets of labels of which a row of a class has one, none for the class of everything else;
            by default those of Piano, Drums, Flute and Other.

    Returns:
        What each id of a class holds, for `Plan.table`.

    Raises:
        UsageError: a class of another name, or one of unused labels alone.
    """
    used = {name: [mids for mids in sets if UNUSED.keys().isdisjoint(mids)] for name, sets in classes.items()}
    unknown = per_class.keys() - {name for name, sets in classes.items() if used[name] or not sets}
    if unknown:
        raise UsageError(
            f"no labels are known for the class {', '.join(sorted(unknown))}",
            f"Ask for {', '.join(classes)}.",
        )
    known = {mid for sets in used.values() for mids in sets for mid in mids}
    others = [mids for mids in _OTHER_INSTRUMENTS if known.isdisjoint(mids)]
    rng = random.Random(seed)
    meant = [(name, number) for name, count in per_class.items() for number in range(count)]
    meant += [("", number) for number in range(len(meant) // 10)]
    table: dict[str, TableRow] = {}
    lines: dict[str, list[tuple[str, int, int, set[str]]]] = {name: [] for name in SUBSETS}
    for class_name, number in meant:
        # Some genuine ids begin with a dash; in a short list that must not be left to chance.
        ytid = _ytid(rng, dashed=number % 33 == 0)
        sets = used[class_name] if class_name else _NO_CLASS
        mids = _labels(sets, rng) if sets else _everything_else(others, number, rng)
        start_ms, end_ms = _segment(rng, whole=bool(class_name))
        if class_name:
            table[ytid] = TableRow(class_name, start_ms, end_ms)
        subset = rng.choices(list(SUBSETS), list(SUBSETS.values()))[0]
        # Of so short a list chance could leave a subset without a row, which the genuine ones never are.
        subset = next((name for name, rows in lines.items() if not rows), subset)
        lines[subset].append((ytid, start_ms, end_ms, mids))
    for subset, its_rows in lines.items():
        _write(folder / f"{subset}_segments.csv", _csv(sorted(its_rows)))
    _write(folder / "ontology.json", json.dumps(ontology(), indent=2) + "\n")
    _write(folder / "class_labels_indices.csv", class_labels())
    return table


def ontology() -> list[dict[str, Any]]:
    """The nodes in the form of ontology.json."""
    return [
        {
            "id": mid,
            "name": name,
            "description": "",
            "citation_uri": "",
            "positive_examples": [],
            "child_ids": list(children),
            "restrictions": [UNUSED[mid]] if mid in UNUSED else [],
        }
        for mid, (name, children) in NODES.items()
    ]


def class_labels() -> str:
    """The labels in the form of class_labels_indices.csv."""
    used = [(mid, name) for mid, (name, _) in NODES.items() if mid not in UNUSED]
    rows = (f'{index},{mid},"{name}"' for index, (mid, name) in enumerate(used))
    return "\n".join(["index,mid,display_name", *rows, ""])


def _ytid(rng: random.Random, *, dashed: bool) -> str:
    first = "-" if dashed else rng.choice(_LETTERS)
    return first + "".join(rng.choices(_LETTERS, k=9)) + rng.choice(_LAST_LETTERS)


def _labels(sets: Sequence[Sequence[str]], rng: random.Random) -> set[str]:
    """One of some sets of labels and, mostly, nothing but music besides, for the best tier."""
    return _besides({*rng.choice(sets), _MUSIC}, rng)


def _everything_else(instruments: Sequence[Sequence[str]], number: int, rng: random.Random) -> set[str]:
    """Labels of no class: an instrument, and every other time no music at all."""
    if number % 2:
        return {rng.choice(_NO_MUSIC), *rng.choices(_SPEECH, k=rng.random() < 0.2)}
    return _besides({*rng.choice(instruments), _MUSIC}, rng)


def _besides(mids: set[str], rng: random.Random) -> set[str]:
    if rng.random() < 0.4:
        mids.add(_INSTRUMENT)
    besides = rng.random()
    if besides < 0.05:
        mids.add(rng.choice(_VOICES))
    elif besides < 0.12:
        mids.add(rng.choice(_SPEECH))
    elif besides < 0.2:
        mids.add(rng.choice(_NO_MUSIC))
    return mids


def _segment(rng: random.Random, *, whole: bool) -> tuple[int, int]:
    """Start and end in ms: mostly ten seconds at a multiple of ten, as in the genuine lists.

    A `whole` one has ten seconds, as a segment of a class must have by the shipped recipes.
    """
    start_ms = 10_000 * rng.choice([0, 1, 2, 3, 3, 3, 3, 4, 6, 9, 12, 21, 30])
    if rng.random() < 0.07:
        start_ms += 1_000 * rng.randrange(1, 10)
    length_ms = 10_000 if rng.random() < 0.99 else 1_000 * rng.randrange(4, 10)
    return start_ms, start_ms + (10_000 if whole else length_ms)


def _csv(rows: list[tuple[str, int, int, set[str]]]) -> str:
    labels = [mid for *_, mids in rows for mid in mids]
    numbers = (
        f"num_ytids={len({ytid for ytid, *_ in rows})}, num_segs={len(rows)}, "
        f"num_unique_labels={len(set(labels))}, num_positive_labels={len(labels)}"
    )
    lines = [
        "# Segments csv created Mon Nov 23 09:00:00 2026",
        f"# {numbers}",
        "# YTID, start_seconds, end_seconds, positive_labels",
    ]
    for ytid, start_ms, end_ms, mids in rows:
        lines.append(f'{ytid}, {start_ms / 1000:.3f}, {end_ms / 1000:.3f}, "{",".join(sorted(mids))}"')
    return "\n".join([*lines, ""])


def _write(path: Path, text: str) -> None:
    with write_beside(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")

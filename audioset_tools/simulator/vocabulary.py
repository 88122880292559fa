"""A small ontology in AudioSet's form: enough of its labels for every rule of a recipe to have work to do.

Names and ids are AudioSet's; the shape is a cut of its tree. Nothing else of it is copied.
"""

from typing import Any

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
    "/m/0jbk": ("Animal", ("/m/0bt9lr", "/m/015p6")),
    "/m/0bt9lr": ("Dog", ()),
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

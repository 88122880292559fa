"""A recipe of one's own to begin with: it runs as it is, and its comments say what can be changed."""

import json
import os
import shlex
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..exceptions import EnvironmentProblem, UsageError
from ..files import remedy_of, write_beside
from ..workspace import AnyPath, Workspace, folder_name, printable
from .official import find_metadata, find_ontology
from .ontology import Ontology, folded, read_ontology
from .recipe import Recipe, parse_recipe
from .resolve import find_mids, resolve

OTHER = "Other"
"""The class of everything else, as one asks for it."""

_SPEECH, _VOCAL = ("Speech",), ("Singing", "Vocal music", "Humming", "Whistling")
_INSTRUMENT = "Musical instrument"
_WIDTH, _MOST_NAMED = 100, 20

_HEAD = """\
# {title}. What the lists hold of each, and how to get it:
#   audioset-tools select --workspace {folder} --recipe {file}
#   audioset-tools fetch --workspace {folder} --recipe {file} --per-class 500
# Labels are display names or mids: `audioset-tools select --labels WORD` searches them.
# docs/classes.md explains every key.

name = {name}
seed = 2019              # another number draws other clips
# least_seconds = 5      # take shorter segments too, padded to ten seconds; 10 if left out
# multi_label = true     # a clip may carry several of the classes; otherwise such a clip is in none
# propagate = true       # and then it carries also a class that lies above another which it carries
# descendants = false    # a label stands for itself alone, not for all below it too

# [splits]               # these are the proportions if left out
# train = 8000
# validation = 800
# test = 800

# To be stricter about what else may sound, make a table of these, with any of its keys:
# [instruments]
# root = {root}  # a clip with any other label below this one is in no class
# transparent = []  # but these never count so
# rejected = []  # with one of these, or of those below them, a clip is in no class

# The cleanest clips come first: those with no other label, then without speech, then without a voice.
# Without [tiers] all are shuffled alike.
[tiers]
speech = {speech}
vocal = {vocal}
"""

_REST = """
[[classes]]
name = "Other"           # no include: what has no label of the other classes, nor one that might be theirs
"""


def write_recipe(
    workspace: Workspace,
    target: AnyPath,
    classes: Sequence[str],
    *,
    metadata: AnyPath | None = None,
    any_ontology: bool = False,
) -> Recipe:
    """Write a recipe for some classes, never over a file that is there.

        write_recipe(Workspace("audioset"), "pets.toml", ["Dog", "Cat"])

    Args:
        workspace: keeps the ontology, once it is downloaded.
        target: must end in `.toml`, or `--recipe` would take it for the name of a shipped one.
        classes: display names or `mid`s of labels, each to be a class, or "Other" for the class of everything
            else; where there is but one, that is added.
        metadata: folder with the ontology; nothing is downloaded then.
        any_ontology: take an ontology that is not AudioSet's own.

    Raises:
        UsageError: there is such a file, a class is no label, or the classes make no recipe.
        DataMismatch: the ontology is damaged, or not AudioSet's.
        EnvironmentProblem: a download failed, or the file cannot be written.
    """
    path = Path(target)
    if path.suffix != ".toml":
        raise UsageError(
            f"{path} does not end in .toml", "Without it --recipe takes it for a shipped recipe."
        )
    if os.path.lexists(path):
        raise UsageError(f"{path} is there already", "Choose another name; nothing was changed.")
    given = None if metadata is None else Path(metadata)
    folder = find_metadata(given, workspace.metadata, wanted=["ontology"])
    ontology = read_ontology(find_ontology(folder), genuine=not any_ontology)
    text = recipe_text(path, classes, ontology)
    try:
        with write_beside(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be written: {error.strerror}", remedy_of(error)) from error
    return parse_recipe(text, str(path))


def recipe_text(path: Path, classes: Sequence[str], ontology: Ontology) -> str:
    """The text of a recipe; see `write_recipe`.

    Raises:
        UsageError: a class is no label, or the classes make no recipe.
    """
    labels = [word for word in classes if folded(word) != folded(OTHER) or ontology.called(word)]
    mids = list(dict.fromkeys(find_mids([word], ontology, "--class")[word] for word in labels))
    if unknown := [mid for mid in mids if mid not in ontology.names]:
        raise UsageError(f"--class names what is no label of AudioSet's: {unknown[0]}", "Try --labels WORD.")
    rest = _REST if len(labels) < len(classes) or len(mids) < 2 else ""
    names = [_quoted(ontology.name(mid)) for mid in mids]
    includes = [mid if len(ontology.called(ontology.name(mid))) > 1 else ontology.name(mid) for mid in mids]
    listed = [
        f"\n[[classes]]\nname = {name}\ninclude = [{_quoted(label)}]\n"
        for name, label in zip(names, includes, strict=True)
    ]
    head = _head(path, [*names, *([_quoted(OTHER)] if rest else [])], mids, ontology)
    recipe = resolve(parse_recipe("".join([head, *listed, rest]), str(path)), ontology)
    for number, mid in enumerate(mids):
        listed[number] += "".join(_comments(mid, recipe.classes[number].include, ontology))
    return "".join([head, *listed, rest])


def _head(path: Path, classes: Sequence[str], mids: Sequence[str], ontology: Ontology) -> str:
    above = [ontology.name(mid) for one in mids[:1] for mid in [*ontology.way(one), one]]
    return _HEAD.format(
        title=" and ".join(classes),
        file=printable(shlex.quote(path.name)),
        folder=folder_name(path.stem),
        name=_quoted(path.stem),
        root=_quoted(_INSTRUMENT if _INSTRUMENT in above else above[0] if above else _INSTRUMENT),
        speech=_listed(_SPEECH, ontology),
        vocal=_listed(_VOCAL, ontology),
    )


def _comments(mid: str, included: frozenset[str], ontology: Ontology) -> Iterator[str]:
    """What lies below a label: what of it makes a clip one of the class, and what does not."""
    below = ontology.subtree(mid) - {mid}
    for words, mids in (
        ("with", below & included),
        ("but not, being another class's too:", below - included),
    ):
        names = sorted(printable(ontology.name(one)) for one in mids)
        more = [f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
        told = f"{words} {'; '.join([*names[:_MOST_NAMED], *more])}"
        for line in textwrap.wrap(told, _WIDTH) if names else ():
            yield f"# {line}\n"


def _listed(names: Sequence[str], ontology: Ontology) -> str:
    """Those of some labels that there are, as TOML."""
    return f"[{', '.join(_quoted(name) for name in names if ontology.called(name))}]"


def _quoted(name: str) -> str:
    """A text as TOML has it."""
    return json.dumps(printable(name), ensure_ascii=False)

"""What sets a recipe apart from the one that a workspace was made with, and how to go on."""

import shlex
from collections.abc import Sequence
from dataclasses import astuple
from itertools import count
from pathlib import Path

from ..ledger import Origin
from ..workspace import Workspace, folder_name
from .official import official_files
from .recipe import SHIPPED, Recipe

_NAMED = 4
"""So many classes are named; the others are counted."""


def differences(origin: Origin, recipe: Recipe) -> list[str]:
    """In words, each with what the workspace has (`there`) and what the recipe says (`here`).

    Args:
        origin: what the workspace was made from.
        recipe: the one asked for now.
    """
    settings = [
        ("name", origin.recipe, recipe.name),
        ("seed", str(origin.seed), str(recipe.seed)),
        ("multi_label", str(origin.multi_label).lower(), str(recipe.multi_label).lower()),
        ("splits", _parted(origin.splits), _parted(astuple(recipe.splits))),
        ("least_seconds", _seconds(origin.least_ms), _seconds(recipe.least_ms)),
    ]
    told = [f"{word} ({there} there, {here} here)" for word, there, here in settings if there != here]
    only = [
        f"{_few(names)} only {where}"
        for names, where in (
            ([name for name in origin.class_names if name not in recipe.class_names], "there"),
            ([name for name in recipe.class_names if name not in origin.class_names], "here"),
        )
        if names
    ]
    if only:
        told.append(f"the classes ({', '.join(only)})")
    elif origin.class_names != recipe.class_names:
        told.append("the order of the classes")
    parts = [
        part
        for part, digest in recipe.label_digests.items()
        if origin.label_digests.get(part, digest) != digest
    ]
    if parts:
        told.append(f"the labels of {_few(parts)}")
    return told


def way_on(workspace: Workspace, origin: Origin, recipe: Recipe, metadata: Path | None) -> str:
    """What to do, as a command: nothing that was fetched need be fetched again.

    Args:
        workspace: the one that is there.
        origin: what it was made from.
        recipe: the one asked for now.
        metadata: `--metadata`, if it was given.
    """
    own = f" (--recipe {origin.recipe})" if origin.recipe in SHIPPED and origin.recipe != recipe.name else ""
    stay = f"Go on with its own recipe{own} and lists"
    if not workspace.clips.is_dir():
        return f"{stay}, or choose another --workspace."
    lists = metadata or (workspace.metadata if _has_lists(workspace.metadata) else None)
    words = [
        *("audioset-tools", "fetch", "--recipe", recipe.given),
        *(("--metadata", str(lists)) if lists else ()),
        *("--workspace", str(_free(workspace.root, recipe))),
        *("--source", f"local:{workspace.clips}"),
    ]
    return (
        f"{stay}, or make a new data set from its clips, with your --per-class: `{shlex.join(words)}`;"
        " then the same without --source, for what they lack."
    )


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:g}" if milliseconds else "none"


def _parted(numbers: Sequence[int]) -> str:
    return "/".join(map(str, numbers))


def _few(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _has_lists(folder: Path) -> bool:
    return all((folder / official.file).is_file() for official in official_files().values())


def _free(root: Path, recipe: Recipe) -> Path:
    """A folder beside a workspace that is not there yet."""
    beside = root if root.name not in ("", "..") else root.resolve()
    named = beside.with_name(f"{beside.name}-{folder_name(recipe.name)}")
    others = (named.with_name(f"{named.name}-{n}") for n in count(2))
    return named if not named.exists() else next(path for path in others if not path.exists())

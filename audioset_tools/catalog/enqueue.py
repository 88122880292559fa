"""From a selection to the ledger of a workspace, once; later runs continue what is there."""

import hashlib
import json
from dataclasses import astuple
from itertools import chain
from pathlib import Path

from ..errors import DataMismatch
from ..ledger import Ledger, Origin
from ..workspace import Workspace
from .changed import differences, way_on
from .funnel import funnel_json
from .labels import read_ontology
from .official import find_metadata, official_files
from .recipe import Recipe
from .segments import read_catalog
from .select import Selection, select


def read_selection(folder: Path, recipe: Recipe) -> Selection:
    """Read the lists and the ontology in `folder` and select by `recipe`."""
    ontology = read_ontology(folder / official_files()["ontology"].file)
    return select(read_catalog(folder), ontology, recipe)


def enqueue(ledger: Ledger, recipe: Recipe, metadata: Path | None, workspace_copy: Path) -> None:
    """Fill an empty ledger with the recipe's queues, or see that a filled one is of the same origin.

    Args:
        ledger: the workspace's.
        recipe: what the classes are.
        metadata: `--metadata`; a filled ledger needs none.
        workspace_copy: where the workspace keeps lists of its own.

    Raises:
        DataMismatch: the workspace belongs to another recipe or other lists.
    """
    origin = ledger.origin()
    if origin is None:
        folder = find_metadata(metadata, workspace_copy)
        origin = Origin(
            recipe=recipe.name,
            recipe_digest=recipe.digest,
            lists_digest=lists_digest(folder),
            class_names=recipe.class_names,
            seed=recipe.seed,
            splits=astuple(recipe.splits),
            multi_label=recipe.multi_label,
            least_ms=recipe.least_ms,
            label_digests=recipe.label_digests,
        )
        selection = read_selection(folder, recipe)
        candidates = chain.from_iterable(map(selection.candidates, selection.queues))
        # With the account of the rows left out, which the queues alone no longer tell.
        ledger.load(origin, candidates, funnel=json.dumps(funnel_json(selection)))
        return
    place, told = Workspace(ledger.path.parent), []
    if origin.recipe_digest != recipe.digest:
        parts = "; ".join(differences(origin, recipe))
        told.append(f"was made with another recipe than {recipe.given} as it is now ({parts})")
    if metadata is not None and lists_digest(find_metadata(metadata, workspace_copy)) != origin.lists_digest:
        told.append(f"was made from other lists than those in {metadata}")
    if told:
        raise DataMismatch(f"{place.root} {' and '.join(told)}", way_on(place, origin, recipe, metadata))


def lists_digest(folder: Path) -> str:
    """A sha256 over the lists and the ontology in a folder."""
    digest = hashlib.sha256()
    for official in official_files().values():
        with (folder / official.file).open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()

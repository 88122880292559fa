"""What a recipe makes of AudioSet's lists."""

from pathlib import Path

from ..ledger import Ledger
from ..workspace import AnyPath, Workspace
from .official import find_metadata, find_ontology, has_lists
from .ontology import read_ontology
from .recipe import Recipe, parse_recipe, read_recipe
from .resolve import resolve
from .select import read_selection
from .selection import Selection

DEFAULT = "paper"
"""The recipe where nobody names one, and the workspace has none of its own."""


def select(
    workspace: Workspace,
    recipe: str | None = None,
    *,
    metadata: AnyPath | None = None,
    any_ontology: bool = False,
) -> Selection:
    """Rank the candidates of each class, and account for every row of the lists that is left out.

        selection = select(Workspace("audioset"), "clean")
        selection.funnels[2].kept        # candidates of the third class

    Args:
        workspace: keeps the lists, once they are downloaded.
        recipe: the name of a shipped one, or the path of a TOML file; None for the one that the workspace was
            made by, or `paper`.
        metadata: folder with the lists and the ontology; nothing is downloaded then.
        any_ontology: take an ontology that is not AudioSet's own.

    Raises:
        UsageError: there is no such recipe, it makes no sense, or `metadata` lacks a file.
        DataMismatch: the lists or the ontology are damaged, or lack a label of the recipe.
        EnvironmentProblem: a download failed.
    """
    return select_from(recipe_of(workspace, recipe), metadata, workspace.metadata, any_ontology)[1]


def select_from(
    recipe: Recipe, metadata: AnyPath | None, workspace_copy: Path, any_ontology: bool
) -> tuple[Path, Selection]:
    """The same by a recipe that was read, with the folder that the lists are in.

    Args:
        workspace_copy: where lists are kept, once they are downloaded.
    """
    given = None if metadata is None else Path(metadata)
    if given is None and not has_lists(workspace_copy):
        # A hundred megabytes are not downloaded for a recipe that makes no sense.
        ontology = find_ontology(find_metadata(None, workspace_copy, wanted=["ontology"]))
        resolve(recipe, read_ontology(ontology, genuine=not any_ontology))
    folder = find_metadata(given, workspace_copy)
    return folder, read_selection(folder, recipe, genuine=not any_ontology)


def recipe_of(workspace: Workspace, given: str | None) -> Recipe:
    """The recipe that is asked for or, where none is, that of a workspace.

    Args:
        workspace: it need not exist; then `paper` is its recipe, as where a list made it.
        given: a recipe's name or TOML file.

    Raises:
        UsageError: there is no such recipe, or it makes no sense.
        DataMismatch: the ledger is damaged.
    """
    if given is not None or not workspace.ledger.exists():
        return read_recipe(given or DEFAULT)
    with Ledger(workspace.ledger, read_only=True) as ledger:
        return own_recipe(ledger)


def own_recipe(ledger: Ledger) -> Recipe:
    """The recipe that filled a ledger, as it was then; `paper` where none did.

    Raises:
        UsageError: an older version noted its name alone, and there is none of that name.
    """
    origin, text = ledger.origin(), ledger.get("recipe_text")
    if origin is None or not origin.by_recipe:
        return read_recipe(DEFAULT)
    return parse_recipe(text, origin.recipe) if text else read_recipe(origin.recipe)

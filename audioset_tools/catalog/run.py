"""What a recipe makes of AudioSet's lists."""

from pathlib import Path

from ..ledger import Ledger
from ..workspace import AnyPath, Workspace
from .official import find_metadata
from .recipe import Recipe, parse_recipe, read_recipe
from .select import read_selection
from .selection import Selection

DEFAULT = "paper"
"""The recipe where nobody names one, and the workspace has none of its own."""


def select(workspace: Workspace, recipe: str | None = None, *, metadata: AnyPath | None = None) -> Selection:
    """Rank the candidates of each class, and account for every row of the lists that is left out.

        selection = select(Workspace("audioset"), "clean")
        selection.funnels[2].kept        # candidates of the third class

    Args:
        workspace: keeps the lists, once they are downloaded.
        recipe: the name of a shipped one, or the path of a TOML file; None for the one that the workspace was
            made by, or `paper`.
        metadata: folder with the lists and the ontology; nothing is downloaded then.

    Raises:
        UsageError: there is no such recipe, it makes no sense, or `metadata` lacks a file.
        DataMismatch: the lists or the ontology are damaged, or lack a label of the recipe.
        EnvironmentProblem: a download failed.
    """
    found = recipe_of(workspace, recipe)
    given = None if metadata is None else Path(metadata)
    return read_selection(find_metadata(given, workspace.metadata), found)


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

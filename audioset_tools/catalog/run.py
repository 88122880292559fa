"""What a recipe makes of AudioSet's lists."""

from pathlib import Path

from ..workspace import AnyPath, Workspace
from .official import find_metadata
from .recipe import read_recipe
from .select import read_selection
from .selection import Selection


def select(workspace: Workspace, recipe: str = "paper", *, metadata: AnyPath | None = None) -> Selection:
    """Rank the candidates of each class, and account for every row of the lists that is left out.

        selection = select(Workspace("audioset"), "clean")
        selection.funnels[2].kept        # candidates of the third class

    Args:
        workspace: keeps the lists, once they are downloaded.
        recipe: the name of a shipped one, or the path of a TOML file.
        metadata: folder with the lists and the ontology; nothing is downloaded then.

    Raises:
        UsageError: there is no such recipe, it makes no sense, or `metadata` lacks a file.
        DataMismatch: the lists or the ontology are damaged, or lack a label of the recipe.
        EnvironmentProblem: a download failed.
    """
    found = read_recipe(recipe)
    given = None if metadata is None else Path(metadata)
    return read_selection(find_metadata(given, workspace.metadata), found)

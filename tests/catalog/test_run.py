"""`select` as a notebook calls it: what the lists make of a recipe, and a recipe that there is not."""

from pathlib import Path

import pytest

from audioset_tools.catalog.recipe import SHIPPED
from audioset_tools.catalog.run import select
from audioset_tools.exceptions import UsageError
from audioset_tools.workspace import Workspace
from tests.catalog.conftest import ROWS, write_folder


@pytest.mark.parametrize("recipe", ["paper", "several"])
def test_lists_of_the_workspace_and_lists_given_are_the_same_to_it(tmp_path: Path, recipe: str) -> None:
    workspace = Workspace(tmp_path)
    workspace.metadata.mkdir()
    write_folder(workspace.metadata, {"balanced_train": ROWS})
    own = select(workspace, recipe)
    given = select(Workspace(tmp_path / "nowhere"), recipe, metadata=workspace.metadata)
    assert own.recipe.name == recipe and own.funnels == given.funnels
    assert [[*own.candidates(queue)] for queue in own.queues] == [
        [*given.candidates(queue)] for queue in given.queues
    ]
    assert not (tmp_path / "nowhere").exists()


def test_a_recipe_that_there_is_not_is_refused_before_anything_is_downloaded(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no recipe nosuch") as refused:
        select(Workspace(tmp_path), "nosuch")
    assert all(name in refused.value.remedy for name in SHIPPED)
    assert list(tmp_path.iterdir()) == []

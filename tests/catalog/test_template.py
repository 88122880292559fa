"""A recipe to begin with runs as it is, is never written over another file, and quotes what it holds."""

from pathlib import Path

import pytest

from audioset_tools.catalog.ontology import Ontology
from audioset_tools.catalog.recipe import read_recipe
from audioset_tools.catalog.run import select
from audioset_tools.catalog.template import recipe_text, write_recipe
from audioset_tools.exceptions import EnvironmentProblem, UsageError
from audioset_tools.simulator.lists import write_lists
from audioset_tools.workspace import Workspace

NOWHERE = Workspace("nowhere")


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lists")
    write_lists(folder, {"Other": 60})
    return folder


def test_it_runs_as_it_is_and_with_each_comment_taken_away(lists: Path, tmp_path: Path) -> None:
    path = tmp_path / "pets.toml"
    written = write_recipe(NOWHERE, path, ["dog", "/m/01yrx", "Dog"], metadata=lists)
    assert written.class_names == ("Dog", "Cat") and written == read_recipe(str(path))
    text = path.read_text()
    assert "# with Bark" in text and "# but not, being another class's too: Growling" in text
    assert max(map(len, text.splitlines())) <= 110
    selection = select(NOWHERE, str(path), metadata=lists)
    assert selection.funnels[0].kept > 0 and selection.funnels[0].tiers
    free = "".join(
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
        for line in text.replace("# descendants = false", "").splitlines(keepends=True)
    )
    path.write_text(free)
    all_set = read_recipe(str(path))
    assert (all_set.multi_label, all_set.propagate, all_set.least_ms) == (True, True, 5_000)
    assert all_set.instrument_root == "Animal"


def test_the_class_of_everything_else_is_added_to_one_and_where_it_is_asked_for(ontology: Ontology) -> None:
    for classes, names in [
        (["Dog"], ["Dog", "Other"]),
        (["other", "Dog", "Flute"], ["Dog", "Flute", "Other"]),
    ]:
        text = recipe_text(Path("x.toml"), classes, ontology)
        assert [line for line in text.splitlines() if line.startswith("name = ")][1:] == [
            f'name = "{name}"' + " " * 11 * (name == "Other") + _REMARK * (name == "Other") for name in names
        ]
    assert 'root = "Musical instrument"' in recipe_text(Path("x.toml"), ["Flute"], ontology)


_REMARK = "# no include: what has no label of the other classes, nor one that might be theirs"


def test_it_is_never_written_over_what_is_there(lists: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.toml"
    there.write_text("mine")
    (tmp_path / "dangling.toml").symlink_to(tmp_path / "nothing")
    for name in ["there.toml", "dangling.toml"]:
        with pytest.raises(UsageError, match="is there already"):
            write_recipe(NOWHERE, tmp_path / name, ["Dog"], metadata=lists)
    assert there.read_text() == "mine" and not (tmp_path / "nothing").exists()
    with pytest.raises(UsageError, match="does not end in"):
        write_recipe(NOWHERE, tmp_path / "pets", ["Dog"], metadata=lists)
    with pytest.raises(EnvironmentProblem, match="cannot be written"):
        write_recipe(NOWHERE, there / "pets.toml", ["Dog"], metadata=lists)


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (["Dgo"], "'Dgo' .perhaps 'Dog'"),
        (["/m/0nothing"], "no label of AudioSet's: /m/0nothing"),
        (["Other"], "two or more classes"),
        ([""], "no label of AudioSet's: ''"),
    ],
)
def test_classes_that_make_no_recipe_leave_no_file(
    lists: Path, tmp_path: Path, classes: list[str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        write_recipe(NOWHERE, tmp_path / "x.toml", classes, metadata=lists)
    assert not (tmp_path / "x.toml").exists()


def test_names_with_anything_in_them_are_quoted() -> None:
    names = {
        "/m/1": 'Say "no", friend',
        "/m/2": "Line\nseed = 3",
        "/m/3": "Twin",
        "/m/4": "twin",
        "/m/5": "Back\\",
    }
    strange = Ontology(names, {"/m/1": ("/m/2",)})
    text = recipe_text(Path('a "b"\n.toml'), ["/m/1", "/m/3", "/m/5"], strange)
    assert "# with Line\\nseed = 3\n" in text
    assert 'include = ["/m/3"]' in text and 'include = ["Say \\"no\\", friend"]' in text
    assert "\nseed = 2019" in text and "\nseed = 3" not in text

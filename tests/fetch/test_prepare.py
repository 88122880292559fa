"""A workspace met with another recipe, or other lists, says what differs and which command goes on."""

import json
import shlex
from pathlib import Path

import pytest

from audioset_tools.catalog.official import manifest
from audioset_tools.catalog.recipe import read_recipe
from audioset_tools.exceptions import UsageError
from audioset_tools.fetch.listed import OtherOrigin, Wanted
from audioset_tools.fetch.prepare import enqueue, look_ahead, refuse_other_recipe
from audioset_tools.ledger import Ledger
from audioset_tools.sources.local import Local
from audioset_tools.workspace import Workspace
from tests.catalog.conftest import ROWS, write_folder, ytid
from tests.factories import both, loaded

PAPER = manifest("paper.toml").read_text()
CLASSES = "the classes (Drums only there, Percussion only here)"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace of the paper's recipe and of the lists in `tmp_path / "lists"`, with a folder of clips."""
    workspace = Workspace(tmp_path / "data")
    workspace.clips.mkdir(parents=True)
    (tmp_path / "lists").mkdir()
    write_folder(tmp_path / "lists", {})
    with Ledger(workspace.ledger) as ledger:
        enqueue(ledger, read_recipe("paper"), Wanted(metadata=tmp_path / "lists"), workspace.metadata)
    return workspace


def told(workspace: Workspace, recipe: str, metadata: Path | None) -> OtherOrigin:
    with Ledger(workspace.ledger) as ledger, pytest.raises(OtherOrigin) as caught:
        refuse_other_recipe(ledger, read_recipe(recipe), metadata, workspace.metadata)
    return caught.value


def rewritten(path: Path, *changes: tuple[str, str]) -> str:
    """The paper's recipe with changes, as a file; its path."""
    text = PAPER
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ([("seed = 2019", "seed = 7")], "seed (2019 there, 7 here)"),
        ([("train = 8000", "train = 80")], "splits (8000/800/800 there, 80/800/800 here)"),
        ([("least_seconds = 10 ", "least_seconds = 2.5 ")], "least_seconds (10 there, 2.5 here)"),
        ([("seed = 2019", "seed = 2019\nmulti_label = true")], "multi_label (false there, true here)"),
        ([('"Drums"', '"Percussion"')], CLASSES),
        ([('  "/m/01s0ps",', "")], "the labels of class Piano"),
        ([("instruments = [0, 1]", "instruments = [1, 1]")], "the labels of class Other"),
        ([('speech = ["/m/09x0r"]', "speech = []")], "the labels of [tiers]"),
        ([('"/m/0cfdd"', '"/m/03m5k"')], "the labels of [instruments]"),
        ([('"Piano"', '"X"'), ('"Flute"', '"Piano"'), ('"X"', '"Flute"')],
         "the order of the classes; the labels of class Flute, class Piano"),
        ([('name = "paper"', 'name = "mine"'), ("seed = 2019", "seed = 1")],
         "name (paper there, mine here); seed (2019 there, 1 here)"),
    ],
)  # fmt: skip
def test_every_part_that_changed_is_named(
    workspace: Workspace, tmp_path: Path, changes: list[tuple[str, str]], parts: str
) -> None:
    recipe = rewritten(tmp_path / "mine.toml", *changes)
    assert told(workspace, recipe, tmp_path / "lists").what == (
        f"{workspace.root} was made with another recipe than {recipe} as it is now ({parts})"
    )


def test_of_many_classes_some_are_named_and_the_others_counted(workspace: Workspace) -> None:
    assert (
        "Cello, Clarinet, Acoustic guitar, Electric guitar and 5 more only here"
        in told(workspace, "several", None).what
    )


def test_other_lists_are_told_with_and_without_another_recipe(workspace: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write_folder(other, {"eval": [(ytid(1), 0, 10_000, ("/m/05r5c",))]})
    lists = f"was made from other lists than those in {other}"
    assert told(workspace, "paper", other).what == f"{workspace.root} {lists}"
    assert told(workspace, "clean", other).what.endswith(
        f"(name (paper there, clean here); the labels of class Other) and {lists}"
    )


def test_the_way_on_is_a_command_that_a_shell_takes(tmp_path: Path, workspace: Workspace) -> None:
    recipe = rewritten(tmp_path / "it's mine.toml", ("seed = 2019", "seed = 7"))
    workspace.root.with_name("data-paper").mkdir()
    for metadata in (tmp_path / "lists", None):
        remedy = told(workspace, recipe, metadata).remedy
        assert remedy.startswith("Go on with its own recipe and lists, or make a new data set from its clips")
        assert "\n" not in remedy
        assert shlex.split(remedy.split("`")[1]) == [
            "audioset-tools", "fetch", "--recipe", recipe,
            *(["--metadata", str(metadata)] if metadata else []),
            "--workspace", f"{workspace.root}-paper-2", "--source", f"local:{workspace.clips}",
        ]  # fmt: skip
    write_folder(workspace.metadata, {})
    assert f"--metadata {workspace.metadata} " in told(workspace, recipe, None).remedy
    assert told(workspace, "clean", None).remedy.startswith(
        "Go on with its own recipe (--recipe paper) and lists"
    )


def test_without_clips_there_is_nothing_to_take_along(workspace: Workspace) -> None:
    workspace.clips.rmdir()
    assert told(workspace, "clean", None).remedy == (
        "Go on with its own recipe (--recipe paper) and lists, or choose another --workspace."
    )


def test_a_workspace_in_the_folder_one_stands_in_gets_a_neighbour(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.root)
    assert (
        f"--workspace {workspace.root}-clean --source local:clips`"
        in told(Workspace(Path()), "clean", None).remedy
    )


def test_the_ledger_is_filled_once_and_only_from_one_origin(tmp_path: Path) -> None:
    lists = write_folder(tmp_path, {"balanced_train": ROWS})
    other = tmp_path / "other"
    other.mkdir()
    write_folder(other, {"balanced_train": ROWS[:10]})
    nowhere = tmp_path / "nowhere"
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        enqueue(ledger, read_recipe("paper"), Wanted(metadata=lists), nowhere)
        first = ledger.next_queued("Flute", -1)
        account = json.loads(ledger.get("funnel") or "")
        assert list(account["classes"]) == ["Piano", "Drums", "Flute", "Other"]
        assert "per_class" not in account
        assert account["classes"]["Flute"]["outcomes"]["kept"] == sum(
            tally.n for tally in ledger.tallies() if tally.class_name == "Flute"
        )
        refuse_other_recipe(ledger, read_recipe("paper"), lists, nowhere)
        refuse_other_recipe(ledger, read_recipe("paper"), None, nowhere)
        assert ledger.next_queued("Flute", -1) == first
        with pytest.raises(OtherOrigin, match="another recipe"):
            refuse_other_recipe(ledger, read_recipe("clean"), lists, nowhere)
        with pytest.raises(OtherOrigin, match="other lists"):
            refuse_other_recipe(ledger, read_recipe("paper"), other, nowhere)


def test_a_folder_is_told_which_videos_will_be_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "abcdefghijA.wav").touch()
    told: list[list[str]] = []
    monkeypatch.setattr(Local, "expect", lambda self, ytids: told.append(list(ytids)))
    with loaded(tmp_path / "ledger.sqlite") as ledger:
        look_ahead(ledger, [Local(tmp_path)], per_class=4)
        assert told == [[one.ytid for one in sorted(both(5), key=lambda one: one.class_name != "Piano")]]


PETS = """name = "pets"
seed = 1
[[classes]]
name = "Dog"
include = ["Dog"]
[[classes]]
name = "Rest"
"""


def test_a_recipe_of_names_goes_on_without_the_lists_while_it_is_written_as_it_was(tmp_path: Path) -> None:
    lists = write_folder(tmp_path, {"balanced_train": [(ytid(1), 0, 10_000, ("/m/05tny_",))]})
    nowhere, path = tmp_path / "nowhere", tmp_path / "pets.toml"

    def asked(text: str, metadata: Path | None) -> None:
        path.write_text(text)
        refuse_other_recipe(ledger, read_recipe(str(path)), metadata, nowhere)

    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        path.write_text(PETS)
        enqueue(ledger, read_recipe(str(path)), Wanted(metadata=lists), nowhere)
        origin = ledger.origin()
        assert origin is not None and ledger.get("recipe_text") == PETS
        first = ledger.next_queued("Dog", -1)
        assert first is not None and first.ytid == ytid(1)
        asked(PETS, None)
        asked(PETS.replace("\n", "\r\n"), None)
        same = PETS.replace('["Dog"]', '["/m/0bt9lr"] # dogs')
        asked(same, lists)
        with pytest.raises(OtherOrigin, match="is not written as it was") as refused:
            asked(same, None)
        assert "--metadata" in refused.value.remedy
        with pytest.raises(OtherOrigin, match="the labels of class Dog"):
            asked(PETS.replace('["Dog"]', '["Cat"]'), lists)
        with pytest.raises(OtherOrigin, match=r"seed .1 there, 2 here"):
            asked(PETS.replace("seed = 1", "seed = 2"), lists)
        with pytest.raises(UsageError, match="perhaps 'Dog'"):
            asked(PETS.replace('["Dog"]', '["Dgo"]'), lists)
        assert ledger.origin() == origin


def test_the_switch_of_propagation_is_told_where_nothing_else_differs(tmp_path: Path) -> None:
    lists, path = write_folder(tmp_path, {}), tmp_path / "pets.toml"
    several = PETS.replace("seed = 1", "seed = 1\nmulti_label = true")
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        path.write_text(several)
        enqueue(ledger, read_recipe(str(path)), Wanted(metadata=lists), tmp_path)
        path.write_text(several.replace("multi", "propagate = true\nmulti"))
        with pytest.raises(OtherOrigin, match=r"as it is now \(propagate \(true here\)\)"):
            refuse_other_recipe(ledger, read_recipe(str(path)), lists, tmp_path)

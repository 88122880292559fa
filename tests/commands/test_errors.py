"""`errors` as a user runs it: the page, what it lacks, import, table, and what it refuses."""

import json
import shutil
from pathlib import Path

import pytest

from audioset_tools.catalog.official import SUBSETS, official_files
from audioset_tools.cli import run
from audioset_tools.errors.answers import FORMAT, Cause, read_answers, store_answers
from audioset_tools.ledger import Ledger
from audioset_tools.removal.run import erase
from audioset_tools.types import Candidate, clip_key
from audioset_tools.workspace import ANSWERS, Workspace
from tests.catalog.conftest import write_folder
from tests.errors.mistaken import PAPER, answer, key_of, mistaken, paper_answers, write_predictions
from tests.factories import origin


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Six mistakes and their page; to be copied, not changed."""
    workspace = mistaken(tmp_path_factory.mktemp("made"), 6)
    assert run(["errors", "--workspace", str(workspace.root), "--run", "paper", "--per-class", "2"]) == 0
    return workspace


@pytest.fixture
def workspace(made: Workspace, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(made.root, tmp_path / "w")))


def errors(workspace: Workspace, *words: str) -> int:
    return run(["errors", "--workspace", str(workspace.root), "--run", "paper", *words])


def data(folder: Path) -> dict:
    """What the scripts of a page read."""
    text = (folder / "index.html").read_text()
    return json.loads(text.split('<script type="application/json" id="data">')[1].split("</script>")[0])


def test_the_page_is_whole_and_the_same_each_time(workspace: Workspace) -> None:
    folder = workspace.runs / "paper" / "errors"
    told = data(folder)
    assert [clip["labelled"] for clip in told["clips"]] == ["Tone"] * 2 + ["Noise"] * 2
    assert told["causes"] == [str(cause) for cause in Cause] and told["format"] == FORMAT
    for clip in told["clips"]:
        assert (folder / clip["sound"]).is_file() and (folder / clip["mel"]).is_file()
        assert [one["name"] for one in clip["chances"]] == [clip["guessed"], clip["labelled"]]
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    assert errors(workspace, "--per-class", "2") == 0
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before
    # Another draw: what is shown no longer goes.
    assert errors(workspace, "--per-class", "1") == 0
    assert len(list(folder.rglob("*.flac"))) == len(list(folder.rglob("*.jpg"))) == 2


def test_a_clip_that_is_gone_is_said_and_asked_about_all_the_same(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shutil.rmtree(workspace.clips)
    workspace.dataset.unlink()
    assert errors(workspace, "--out", str(tmp_path / "out")) == 0
    said = capsys.readouterr()
    assert "6 of the clips cannot be heard here" in said.err and "clips to listen to: 6," in said.out
    clips = data(tmp_path / "out")["clips"]
    assert len(clips) == 6 and not any(clip["sound"] or clip["mel"] for clip in clips)
    assert {clip["trouble"] for clip in clips} == {"the workspace knows no such clip"}


def test_labels_by_name_from_lists_that_are_here(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(key_of(n)[:11], 1000 * n, 1000 * n + 10_000, ("/m/05r5c", "/m/04rlf")) for n in range(5)]
    # The same video elsewhere is another clip.
    rows += [(key_of(5)[:11], 77_000, 87_000, ("/m/05r5c",))]
    lists = write_folder(tmp_path / "lists", {SUBSETS[0]: rows})
    assert errors(workspace, "--metadata", str(lists)) == 0
    assert "labels are not shown" not in capsys.readouterr().err
    labels = {clip["key"]: clip["labels"] for clip in data(workspace.runs / "paper" / "errors")["clips"]}
    assert labels.pop(clip_key(key_of(5)[:11], 5000)) == [] and len(labels) == 5
    assert all(names == ["Music", "Piano"] for names in labels.values())
    (lists / official_files()["ontology"].file).unlink()
    assert errors(workspace, "--metadata", str(lists)) == 2
    # The workspace's own are taken if all are there, and never fetched.
    shutil.copytree(lists, workspace.metadata)
    assert errors(workspace) == 0
    assert "labels are not shown" in capsys.readouterr().err


def test_the_papers_table_from_two_annotators(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace(tmp_path)
    rows, answers = paper_answers()
    write_predictions(workspace.runs / "paper", PAPER, rows)
    for name in ("Ada", "Ben"):
        store_answers(workspace.runs / "paper" / ANSWERS, paper_answers(name)[1])
    assert errors(workspace, "--table", "--relabel", str(tmp_path / "out.csv")) == 0
    said = capsys.readouterr()
    (piano,) = (line.split() for line in said.out.splitlines() if line.startswith("Piano "))
    assert piano == ["Piano", "10.00", "16.67", "-", "43.33", "30.00"]
    assert "Cohen's kappa 1.00" in said.out and "Clips to relabel: 55" in said.out
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 56
    assert errors(workspace, "--table", "--json", "--merge", "majority") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rule"] == "majority" and told["agreement"]["mean_kappa"] == 1
    assert told["classes"]["Flute"]["percent"]["other"] == pytest.approx(26.67, abs=0.01)
    assert len(told["relabel"]) == 55 and len(answers) == len(told["clips"])


def test_a_damaged_import_changes_nothing(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = workspace.runs / "paper" / ANSWERS
    store_answers(stored, [answer(0, Cause.OTHER, actual="Tone", predicted="Noise")])
    before = stored.read_bytes()
    (tmp_path / "bad.json").write_text('{"format": "audioset-tools error answers 1", "answers": [{}]}')
    assert errors(workspace, "--import", str(tmp_path / "bad.json")) == 6
    assert "nothing was imported" in capsys.readouterr().err
    assert stored.read_bytes() == before and len(read_answers(stored)) == 1


def test_what_was_said_about_a_forgotten_video_goes_with_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    path = workspace.runs / "paper" / ANSWERS
    note = f'"key": "{key_of(1)}" is quoted'
    store_answers(path, [answer(n % 2, Cause.OTHER, note=note, given=n) for n in range(4)])
    candidates = [
        Candidate(key_of(n)[:11], 1000 * n, 1000 * n + 10_000, "Piano", 3, n, "eval") for n in range(2)
    ]
    with Ledger(workspace.ledger) as ledger:
        ledger.load(origin("Piano", splits=(8, 1, 1)), candidates)
        erased = erase(ledger, workspace, [key_of(1)[:11]], at=1)
    assert erased.rows == (("runs/paper/error-answers.jsonl", 2),)
    assert [one.key for one in read_answers(path)] == [key_of(0)] * 2


def test_what_cannot_be(workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["--serve", "--table"], ["--import"], ["x.json"], ["--import", "x.json", "--serve"], ["--json"],
        ["--per-class", "0"], ["--annotators", ""], ["--merge", "x"],
    ):  # fmt: skip
        assert errors(workspace, *words) == 2, words
    assert errors(workspace, "--serve", "--port", "70000") == 2
    assert errors(workspace, "--table") == 6
    assert run(["errors", "--workspace", str(workspace.root), "--run", "nothing"]) == 2
    assert "Name one of these: paper;" in capsys.readouterr().err
    assert run(["errors", "--workspace", str(tmp_path), "--run", "nothing"]) == 2
    # A damaged file of answers is told before anybody answers.
    (workspace.runs / "paper" / ANSWERS).write_text("{}\n")
    assert errors(workspace, "--serve") == 6
    (workspace.runs / "paper" / "predictions.csv").write_text("")
    assert errors(workspace) == 6
    assert "Traceback" not in capsys.readouterr().err


def test_a_run_is_named_by_its_folder_too(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(workspace.runs / "paper")
    assert run(["errors", "--workspace", str(workspace.root), "--run", folder, "--table"]) == 6
    assert "nobody has named a cause" in capsys.readouterr().err


def test_a_run_without_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace(tmp_path)
    write_predictions(workspace.runs / "paper", PAPER, [(key_of(0), "Piano", "Piano")])
    assert errors(workspace) == 0
    assert "Nothing of Piano, Drums, Flute, Other was misclassified." in capsys.readouterr().err
    assert "got nothing wrong" in (workspace.runs / "paper" / "errors" / "index.html").read_text()

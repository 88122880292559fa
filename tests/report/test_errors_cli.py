"""`errors` as a user runs it: the page, what it lacks, import, table, and what it refuses."""

import json
import shutil
from pathlib import Path

import pytest

from audioset_tools.catalog.official import SUBSETS, official_files
from audioset_tools.cli import run
from audioset_tools.forget import forget
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.report.errors.answers import Cause
from audioset_tools.report.errors.exchange import FORMAT
from audioset_tools.report.errors.store import ANSWERS, read_answers, store_answers
from audioset_tools.types import Candidate, clip_key
from audioset_tools.workspace import Workspace

from ..catalog.conftest import write_folder
from .mistaken import PAPER, answer, key_of, mistaken, paper_answers, write_predictions


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Six mistakes and their page; to be copied, not changed."""
    place = mistaken(tmp_path_factory.mktemp("made"), 6)
    assert run(["errors", "--workspace", str(place.root), "--run", "paper", "--per-class", "2"]) == 0
    return place


@pytest.fixture
def place(made: Workspace, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(made.root, tmp_path / "w")))


def errors(place: Workspace, *words: str) -> int:
    return run(["errors", "--workspace", str(place.root), "--run", "paper", *words])


def data(folder: Path) -> dict:
    """What the scripts of a page read."""
    text = (folder / "index.html").read_text()
    return json.loads(text.split('<script type="application/json" id="data">')[1].split("</script>")[0])


def test_the_page_is_whole_and_the_same_each_time(place: Workspace) -> None:
    folder = place.runs / "paper" / "errors"
    told = data(folder)
    assert [clip["labelled"] for clip in told["clips"]] == ["Tone"] * 2 + ["Noise"] * 2
    assert told["causes"] == [str(cause) for cause in Cause] and told["format"] == FORMAT
    for clip in told["clips"]:
        assert (folder / clip["sound"]).is_file() and (folder / clip["mel"]).is_file()
        assert [one["name"] for one in clip["chances"]] == [clip["guessed"], clip["labelled"]]
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    assert errors(place, "--per-class", "2") == 0
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before
    # Another draw: what is shown no longer goes.
    assert errors(place, "--per-class", "1") == 0
    assert len(list(folder.rglob("*.mp3"))) == len(list(folder.rglob("*.jpg"))) == 2


def test_a_clip_that_is_gone_is_said_and_asked_about_all_the_same(
    place: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shutil.rmtree(place.clips)
    place.dataset.unlink()
    assert errors(place, "--out", str(tmp_path / "out")) == 0
    said = capsys.readouterr()
    assert "6 of the clips cannot be heard here" in said.err and "clips to listen to: 6," in said.out
    clips = data(tmp_path / "out")["clips"]
    assert len(clips) == 6 and not any(clip["sound"] or clip["mel"] for clip in clips)
    assert {clip["trouble"] for clip in clips} == {"the workspace knows no such clip"}


def test_labels_by_name_from_lists_that_are_here(
    place: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(key_of(n)[:11], 1000 * n, 1000 * n + 10_000, ("/m/05r5c", "/m/04rlf")) for n in range(5)]
    # The same video elsewhere is another clip.
    rows += [(key_of(5)[:11], 77_000, 87_000, ("/m/05r5c",))]
    lists = write_folder(tmp_path / "lists", {SUBSETS[0]: rows})
    assert errors(place, "--metadata", str(lists)) == 0
    assert "labels are not shown" not in capsys.readouterr().err
    labels = {clip["key"]: clip["labels"] for clip in data(place.runs / "paper" / "errors")["clips"]}
    assert labels.pop(clip_key(key_of(5)[:11], 5000)) == [] and len(labels) == 5
    assert all(names == ["Music", "Piano"] for names in labels.values())
    (lists / official_files()["ontology"].file).unlink()
    assert errors(place, "--metadata", str(lists)) == 2
    # The workspace's own are taken if all are there, and never fetched.
    shutil.copytree(lists, place.metadata)
    assert errors(place) == 0
    assert "labels are not shown" in capsys.readouterr().err


def test_the_papers_table_from_two_annotators(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = Workspace(tmp_path)
    rows, answers = paper_answers()
    write_predictions(place.runs / "paper", PAPER, rows)
    for name in ("Ada", "Ben"):
        store_answers(place.runs / "paper" / ANSWERS, paper_answers(name)[1])
    assert errors(place, "--table", "--relabel", str(tmp_path / "out.csv")) == 0
    said = capsys.readouterr()
    assert "Piano             10.00                      16.67                -" in said.out
    assert "Cohen's kappa 1.00" in said.out and "Clips to be labelled anew: 55" in said.out
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 56
    assert errors(place, "--table", "--json", "--merge", "majority") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rule"] == "majority" and told["agreement"]["mean_kappa"] == 1
    assert told["classes"]["Flute"]["percent"]["other"] == pytest.approx(26.67, abs=0.01)
    assert len(told["relabel"]) == 55 and len(answers) == len(told["clips"])


def test_a_damaged_import_changes_nothing(
    place: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = place.runs / "paper" / ANSWERS
    store_answers(stored, [answer(0, Cause.OTHER, actual="Tone", predicted="Noise")])
    before = stored.read_bytes()
    (tmp_path / "bad.json").write_text('{"format": "audioset-tools error answers 1", "answers": [{}]}')
    assert errors(place, "--import", str(tmp_path / "bad.json")) == 6
    assert "nothing was imported" in capsys.readouterr().err
    assert stored.read_bytes() == before and len(read_answers(stored)) == 1


def test_what_was_said_about_a_forgotten_video_goes_with_it(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    path = place.runs / "paper" / ANSWERS
    note = f'"key": "{key_of(1)}" is quoted'
    store_answers(path, [answer(n % 2, Cause.OTHER, note=note, given=n) for n in range(4)])
    candidates = [
        Candidate(key_of(n)[:11], 1000 * n, 1000 * n + 10_000, "Piano", 3, n, "eval") for n in range(2)
    ]
    with Ledger(place.ledger) as ledger:
        ledger.load(Origin("paper", "", "", ("Piano",), 0, (8, 1, 1)), candidates)
        erased = forget(ledger, place, [key_of(1)[:11]], at=1)
    assert erased.rows == (("runs/paper/error-answers.jsonl", 2),)
    assert [one.key for one in read_answers(path)] == [key_of(0)] * 2


def test_what_cannot_be(place: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["--serve", "--table"], ["--import"], ["x.json"], ["--import", "x.json", "--serve"], ["--json"],
        ["--per-class", "0"], ["--annotators", ""], ["--merge", "x"],
    ):  # fmt: skip
        assert errors(place, *words) == 2, words
    assert errors(place, "--serve", "--port", "70000") == 2
    assert errors(place, "--table") == 6
    assert run(["errors", "--workspace", str(place.root), "--run", "nothing"]) == 2
    assert "Name one with --run: paper." in capsys.readouterr().err
    assert run(["errors", "--workspace", str(tmp_path), "--run", "nothing"]) == 2
    # A damaged file of answers is told before anybody answers.
    (place.runs / "paper" / ANSWERS).write_text("{}\n")
    assert errors(place, "--serve") == 6
    (place.runs / "paper" / "predictions.csv").write_text("")
    assert errors(place) == 6
    assert "Traceback" not in capsys.readouterr().err


def test_a_run_is_named_by_its_folder_too(place: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(place.runs / "paper")
    assert run(["errors", "--workspace", str(place.root), "--run", folder, "--table"]) == 6
    assert "nobody has named a cause" in capsys.readouterr().err


def test_a_run_without_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = Workspace(tmp_path)
    write_predictions(place.runs / "paper", PAPER, [(key_of(0), "Piano", "Piano")])
    assert errors(place) == 0
    assert "Nothing of Piano, Drums, Flute, Other was misclassified." in capsys.readouterr().err
    assert "got nothing wrong" in (place.runs / "paper" / "errors" / "index.html").read_text()

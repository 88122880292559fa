"""An error analysis as a notebook runs it: the page, answers from files, the table."""

import csv
import json
import os
from pathlib import Path

import pytest

from audioset_tools.errors.answers import FORMAT, Answer, Cause
from audioset_tools.errors.run import ErrorsConfig, ask, tabulate, take_in
from audioset_tools.exceptions import DataMismatch, EnvironmentProblem, UsageError
from audioset_tools.types import Progress
from tests.errors.mistaken import mistaken


def test_from_the_page_to_the_table(tmp_path: Path) -> None:
    workspace = mistaken(tmp_path / "w", 4)
    told: list[Progress] = []
    made = ask(workspace, "paper", ErrorsConfig(per_class=1), on_progress=told.append)
    assert made.folder == workspace.runs / "paper" / "errors" and made.clips == 2
    assert told[0].text.startswith("clips drawn: 2;") and {one.text for one in told[1:]} == set(made.remarks)

    (data,) = (made.folder / "index.html").read_text().split('id="data">')[1:]
    clips = json.loads(data.split("</script>")[0])["clips"]
    answers = [
        Answer("Ada", one["key"], one["actual"], one["predicted"], Cause.MISLABELLED, "", 1) for one in clips
    ]
    exported = tmp_path / "ada.json"
    exported.write_text(json.dumps({"format": FORMAT, "answers": [one.json() for one in answers]}))
    with pytest.raises(DataMismatch, match="nobody has named a cause"):
        tabulate(workspace, "paper")
    first, again = (take_in(workspace, str(workspace.runs / "paper"), [exported]) for _ in range(2))
    assert (first.new, first.known) == (2, 0) and (again.new, again.known) == (0, 2)

    found = tabulate(workspace, "paper", csv=tmp_path / "t.csv", relabel=tmp_path / "relabel.csv")
    assert [row.percent for row in found.rows] == [(0, 0, 100, 0, 0)] * 2
    with (tmp_path / "relabel.csv").open(newline="") as handle:
        assert {row["key"] for row in csv.DictReader(handle)} == {one["key"] for one in clips}
    assert (tmp_path / "t.csv").read_text().count("\n") == 3


def test_answers_about_anothers_run_lie_beside_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, page = mistaken(tmp_path / "w", 4), tmp_path / "page"
    writable = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "/w/" not in f"{path}/" and writable(path, mode))
    before = sorted(workspace.root.rglob("*"))
    with pytest.raises(EnvironmentProblem, match="nothing can be written to") as refused:
        ask(workspace, "paper", ErrorsConfig(per_class=1))
    assert "--out FOLDER" in refused.value.remedy
    assert ask(workspace, "paper", ErrorsConfig(per_class=1, out=page)).folder == page
    assert take_in(workspace, "paper", [], page).answers == page / "error-answers.jsonl"
    (page / "error-answers.jsonl").write_text("no answer\n")
    with pytest.raises(DataMismatch, match=r"page/error-answers\.jsonl"):
        tabulate(workspace, "paper", out=page)
    with pytest.raises(DataMismatch, match="nobody has named a cause"):
        tabulate(workspace, "paper")
    assert sorted(workspace.root.rglob("*")) == before


def test_an_audit_is_looked_for_in_the_folder_given_first(tmp_path: Path) -> None:
    workspace = mistaken(tmp_path / "w", 2)
    for folder, name in ((workspace.audit, "theirs"), (tmp_path / "mine", "ours")):
        folder.mkdir()
        (folder / "audit.csv").write_text(name)
    for out, told in ((None, r"w/audit/audit\.csv"), (tmp_path / "mine", r"mine/audit\.csv")):
        with pytest.raises(DataMismatch, match=told):
            tabulate(workspace, None, out=out)


def test_a_run_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    workspace = mistaken(tmp_path, 2)
    for act in (
        lambda: ask(workspace, "x"),
        lambda: tabulate(workspace, "x"),
        lambda: take_in(workspace, "x", []),
    ):
        with pytest.raises(UsageError, match="paper"):
            act()


def test_names_come_one_by_one_or_with_commas() -> None:
    given = ("Ada, Ben", "Zoe\u0308  B.", "Ben")
    assert ErrorsConfig(annotators=given).annotators == ("Ada", "Ben", "Zo\u00eb B.")
    for bad in ("", "Ada,", "a\033[31m", "b" * 61):
        with pytest.raises(UsageError):
            ErrorsConfig(annotators=(bad,))


def test_at_least_one_clip_of_a_class_is_asked_about() -> None:
    with pytest.raises(UsageError, match="at least 1"):
        ErrorsConfig(per_class=0)

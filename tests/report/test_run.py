"""The report of workspaces of every age: what it shows, what it says is missing, that it stays the same."""

import shutil
from pathlib import Path

import pytest

from audioset_tools.catalog.official import SUBSETS
from audioset_tools.exceptions import UsageError
from audioset_tools.ledger import Ledger
from audioset_tools.report.run import ReportConfig, report, watch_report, write_report
from audioset_tools.types import Progress
from audioset_tools.workspace import Workspace
from tests.catalog.conftest import write_folder
from tests.report.pages import Read, content, read_report
from tests.report.workspaces import HOSTILE, hostile, ledger_only, odd_clips

ALLOWED = frozenset(
    {"html", "head", "meta", "title", "link", "style", "body", "header", "nav", "main", "footer", "section"}
    | {"h1", "h2", "h3", "p", "a", "ul", "li", "code", "div", "span", "br", "pre", "details", "summary"}
    | {"figure", "figcaption", "img", "audio", "svg", "text", "path", "rect", "line", "circle"}
    | {
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "dl",
        "dt",
        "dd",
        "strong",
        "meter",
        "symbol",
        "use",
    }
)


def test_an_empty_workspace_says_what_makes_each_part(tmp_path: Path) -> None:
    page = read_report(Workspace(tmp_path / "none"), tmp_path / "out")
    for command in ("fetch --per-class 2400", "featurize", "train"):
        assert f"audioset-tools {command}" in page.text
    assert "no candidates yet" in page.text and "Gemmeke" in page.text and "CC BY-SA 4.0" in page.text
    assert not (tmp_path / "none").exists()


def test_the_same_workspace_and_seed_give_the_same_bytes(
    workspace: Workspace, written: Path, tmp_path: Path
) -> None:
    write_report(Workspace(Path(shutil.copytree(workspace.root, tmp_path / "elsewhere"))), tmp_path / "again")
    assert content(written) == content(tmp_path / "again")
    before = {path: path.stat().st_mtime_ns for path in written.rglob("*") if path.is_file()}
    write_report(workspace, written)
    assert {path: path.stat().st_mtime_ns for path in written.rglob("*") if path.is_file()} == before
    write_report(workspace, tmp_path / "other", ReportConfig(per_class=1, seed=1))
    assert content(tmp_path / "other")["index.html"] != content(written)["index.html"]


def test_what_is_shown_no_longer_goes_and_what_is_not_ours_stays(
    copy: Workspace, written: Path, tmp_path: Path
) -> None:
    (written / "notes.txt").write_text("mine")
    shutil.rmtree(copy.runs)
    write_report(copy, written, ReportConfig(per_class=1))
    assert not list(written.glob("cells/*/*")) and (written / "notes.txt").exists()
    assert len(list((written / "sounds").iterdir())) == 2


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    write_report(hostile(tmp_path / "w"), tmp_path / "out")
    pages = sorted((tmp_path / "out").rglob("*.html"))
    assert len(pages) == 1 + 2
    for path in pages:
        page = Read(path)
        assert {tag for tag, _ in page.tags} <= ALLOWED
        assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
        assert not [tag for tag, _ in page.tags if tag == "script"] and "\033" not in path.read_text()
    assert "window.hacked=1" in Read(pages[-1]).text and "{{ 7*7 }}" in Read(pages[-1]).text
    outside = [path for path in tmp_path.iterdir() if path.name not in ("w", "out")]
    assert not outside and HOSTILE not in (tmp_path / "out" / "index.html").read_text()


def test_what_is_damaged_is_told_and_the_rest_is_shown(copy: Workspace, tmp_path: Path) -> None:
    copy.dataset.write_text("key\n")
    for path in copy.shards.rglob("*.h5"):
        path.write_bytes(b"no shard")
    page = read_report(copy, tmp_path / "out", per_class=1)
    assert "dataset.csv, line 1" in page.text and "10 verified clips" in page.text
    copy.ledger.write_bytes(b"no ledger" * 999)
    page = read_report(copy, tmp_path / "out", per_class=1)
    assert "ledger.sqlite is" in page.text and str(tmp_path) not in page.text


def test_a_watched_page_keeps_up_until_the_fetch_is_done(copy: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    slept: list[float] = []
    seen: list[str] = []
    with Ledger(copy.ledger) as ledger:
        lock = copy.lock()
        lock.__enter__()

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            seen.append((out / "index.html").read_text())
            candidate, _ = ledger.clips()[0]
            ledger.lose(candidate, "for the test", at=10)
            if len(slept) == 2:
                lock.__exit__(None, None, None)

        watch_report(copy, out, ReportConfig(per_class=1, every=3), clock=lambda: 0, sleep=sleep)
    assert slept == [3, 3]
    assert "10 verified clips" in seen[0] and "9 verified clips" in seen[1] and "renews itself" in seen[1]
    last = (out / "index.html").read_text()
    assert "8 verified clips" in last and "renews itself." not in last and "1970-01-01 00:00:00 UTC" in last
    assert '{"every": 0}' in last and '{"every": 3}' in seen[0]


def test_a_notebook_gets_the_page_and_is_kept_posted(tmp_path: Path) -> None:
    told: list[Progress] = []
    written = report(odd_clips(tmp_path / "w"), per_class=1, on_progress=told.append)
    assert written.index == tmp_path / "w" / "report" / "index.html" and written.troubles == ()
    # Three clips are worth a doubt, the sample is one of them; each has a sound and a picture.
    assert written.pages == 1 and written.media == 2 * 3
    assert list(map(str, told)) == ["0 of 2: looking at 4 clips", "1 of 2: sounds and pictures of 3 clips"]
    for wrong in ({"per_class": -1}, {"watch": 0}):
        with pytest.raises(UsageError):
            report(Workspace(tmp_path / "w"), **wrong)
    with pytest.raises(UsageError, match="there is no workspace"):
        report(Workspace(tmp_path / "mistyped"))


def test_lists_beside_the_workspace_show_a_selection_that_was_not_recorded(tmp_path: Path) -> None:
    rows = [(f"{n:010}A", 0, 10_000, ("/m/05r5c", "/m/04rlf")) for n in range(3)]
    lists = write_folder(tmp_path / "lists", {SUBSETS[0]: rows})
    workspace = ledger_only(tmp_path / "w")
    assert "what became of every row" not in Read(report(workspace).index).text
    text = Read(report(workspace, metadata=lists, recipe="paper").index).text
    assert "Recipe paper: what became of every row of the lists" in text and "= kept3002" in text
    with pytest.raises(UsageError):
        report(workspace, metadata=tmp_path / "nothing")

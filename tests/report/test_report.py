"""The report of workspaces of every age: what it shows, what it says is missing, that it stays the same."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from audioset_tools.cli import run
from audioset_tools.ledger import Ledger
from audioset_tools.report.build import ReportConfig, write_report
from audioset_tools.report.fetching import length, standstills
from audioset_tools.report.holding import read_holding
from audioset_tools.report.watch import watch_report
from audioset_tools.workspace import Workspace

from ..featurized import featurized
from .workspaces import HOSTILE, RUN, add_run, hostile, ledger_only, odd_clips

ALLOWED = frozenset(
    {"html", "head", "meta", "title", "link", "style", "body", "header", "nav", "main", "footer", "section"}
    | {"h1", "h2", "h3", "p", "a", "ul", "li", "code", "div", "span", "br", "pre", "details", "summary"}
    | {"figure", "figcaption", "img", "audio", "svg", "text", "path", "rect", "line", "circle"}
    | {"table", "caption", "thead", "tbody", "tr", "th", "td"}
)


class Read(HTMLParser):
    """A page as a browser takes it apart: tags, attributes and text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, tag: str, name: str) -> list[str]:
        return [
            str(attributes[name]) for found, attributes in self.tags if found == tag and name in attributes
        ]


def report(place: Workspace, out: Path, **settings: int) -> Read:
    return Read(write_report(place, out, ReportConfig(**settings)).index)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Clips, shards and two runs; not to be changed."""
    place = featurized(tmp_path_factory.mktemp("report"))
    add_run(place)
    add_run(place, "knn", wrong=3, model="knn")
    return place


@pytest.fixture(scope="module")
def once(place: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of that place; not to be changed."""
    return write_report(place, tmp_path_factory.mktemp("once")).index.parent


@pytest.fixture
def written(once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(once, tmp_path / "out"))


def test_an_empty_workspace_says_what_makes_each_part(tmp_path: Path) -> None:
    page = report(Workspace(tmp_path / "none"), tmp_path / "out")
    for command in ("fetch --per-class 2400", "featurize", "train"):
        assert f"audioset-tools {command}" in page.text
    assert "no candidates yet" in page.text and "Gemmeke" in page.text and "CC BY-SA 4.0" in page.text
    assert not (tmp_path / "none").exists()


def test_a_ledger_alone_tells_of_the_selection_and_the_fetch(tmp_path: Path) -> None:
    funnel = {
        "recipe": "paper",
        "rows": 2_084_320,
        "classes": {
            name: {
                "outcomes": {"no label of the class": 2_000_000, "kept": 84_320},
                "subsets": {"eval": 84_320},
                "tiers": {"L0": 10, "L1": 9, "L2": 5, "L3": 5},
                "pools": {},
            }
            for name in ("Tone", "Noise")
        },
    }
    # A class of pools has no tiers.
    funnel["classes"]["Noise"] |= {"outcomes": {"kept": 17}, "tiers": {}, "pools": {"any": 17}}
    page = report(ledger_only(tmp_path, json.dumps(funnel)), tmp_path / "out")
    assert "any kept row17000" in page.text
    for words in (
        "2,084,320",
        "= kept",
        "84,320",
        "removed",
        "private",
        "the clip, for good",
        "the clip, for now",
    ):
        assert words in page.text
    assert "too-many-requests" in page.text and "HTTP 429" in page.text and "Every pause" in page.text
    assert "not recorded" in page.text
    assert "There is no clip yet" in page.text and "12 clips are still to be had" in page.text


def test_a_funnel_that_was_not_recorded_is_said_to_be_missing(tmp_path: Path) -> None:
    page = report(ledger_only(tmp_path), tmp_path / "out")
    assert "was not recorded" in page.text and "report --metadata DIR" in page.text


def test_refusals_between_which_nothing_was_settled_are_one_pause(tmp_path: Path) -> None:
    fetched = read_holding(ledger_only(tmp_path)).fetched
    assert fetched is not None
    (pause,) = standstills(fetched.events)
    assert (pause.refusals, pause.began, pause.until) == (2, 1_130, 4_800)
    assert length(pause.until - pause.began) == "61.2 minutes"
    assert standstills(fetched.events[:-1])[0].until is None


def test_suspicious_clips_are_named_and_can_be_heard(tmp_path: Path) -> None:
    place = odd_clips(tmp_path)
    page = report(place, tmp_path / "out", per_class=0)
    for words in ("nearly silent", "clipped", "the same bytes as one_______A_0", "3 clips worth a doubt"):
        assert words in page.text
    assert "Shorter than ten seconds, and padded: 4 of 4 clips" in page.text
    heard = {name.split("/")[1][:13] for name in page.values("audio", "src")}
    assert heard == {"quiet_____A_0", "loud______A_0", "two_______A_0"}
    assert "youtube webm/opus 251" in page.text


def test_a_clip_that_is_gone_or_changed_is_told(tmp_path: Path) -> None:
    place = odd_clips(tmp_path)
    next(place.clips.rglob("*quiet*")).unlink()
    page = report(place, tmp_path / "out")
    assert "1 clips are gone or changed" in page.text and "cannot be read" in page.text


def test_a_cell_opens_the_clips_behind_it(place: Workspace, written: Path) -> None:
    answers = [
        (line.split(",")[0], line.split(",")[1], line.split(",")[2])
        for line in (place.runs / RUN / "predictions.csv").read_text().splitlines()[1:]
    ]
    cells = sorted((written / "cells").glob("*/*.html"))
    expected: dict[tuple[int, int], set[str]] = {}
    for key, actual, predicted in answers:
        cell = ("Tone", "Noise").index(actual), ("Tone", "Noise").index(predicted)
        expected.setdefault(cell, set()).add(key)
    links = Read(written / "index.html").values("a", "href")
    assert {str(cell.relative_to(written)) for cell in cells} <= set(links)
    found = []
    for cell in cells:
        page = Read(cell)
        numbers = tuple(map(int, cell.stem.split("-")))
        found.append((numbers, {one.removeprefix("clip-") for one in page.values("figure", "id")}))
        for source in (*page.values("audio", "src"), *page.values("img", "src")):
            assert (cell.parent / source).resolve().is_file()
    assert len(cells) == len(found) == 7 and all(pair in found for pair in expected.items())


def test_the_runs_are_compared_and_unfinished_ones_are_said_to_be(place: Workspace, tmp_path: Path) -> None:
    copy = Workspace(Path(shutil.copytree(place.root, tmp_path / "w")))
    (copy.runs / "knn" / "metrics.json").unlink()
    (copy.runs / "knn" / "history.csv").write_text("epoch,train_loss\n1,nan\n2,inf\n")
    (copy.runs / RUN / "predictions.csv").write_text("key,actual\n")
    (copy.runs / "empty").mkdir()
    page = report(copy, tmp_path / "out")
    assert "This run is unfinished" in page.text and "85.00" in page.text and "70.00 to 95.00" in page.text
    assert "predictions.csv cannot be read" in page.text and "Run empty" not in page.text


def test_the_same_workspace_and_seed_give_the_same_bytes(
    place: Workspace, written: Path, tmp_path: Path
) -> None:
    write_report(Workspace(Path(shutil.copytree(place.root, tmp_path / "elsewhere"))), tmp_path / "again")
    assert content(written) == content(tmp_path / "again")
    before = {path: path.stat().st_mtime_ns for path in written.rglob("*") if path.is_file()}
    write_report(place, written)
    assert {path: path.stat().st_mtime_ns for path in written.rglob("*") if path.is_file()} == before
    write_report(place, tmp_path / "other", ReportConfig(per_class=1, seed=1))
    assert content(tmp_path / "other")["index.html"] != content(written)["index.html"]


def test_runs_are_compared_and_their_mistakes_lead_on_to_errors(place: Workspace, written: Path) -> None:
    words = Read(written / "index.html").text
    assert f"audioset-tools errors --run {RUN}" in words and "audioset-tools errors --run knn" in words
    scores = [
        json.loads((place.runs / name / "metrics.json").read_text())["test"]["macro"]["f1"]
        for name in ("knn", RUN)
    ]
    best = [name for name, f1 in zip(("knn", RUN), scores, strict=True) if f1 == max(scores)]
    assert f"The highest has {', '.join(best)}." in words


def test_what_is_shown_no_longer_goes_and_what_is_not_ours_stays(
    place: Workspace, written: Path, tmp_path: Path
) -> None:
    copy = Workspace(Path(shutil.copytree(place.root, tmp_path / "w")))
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


def test_what_is_damaged_is_told_and_the_rest_is_shown(place: Workspace, tmp_path: Path) -> None:
    copy = Workspace(Path(shutil.copytree(place.root, tmp_path / "w")))
    copy.dataset.write_text("key\n")
    for path in copy.shards.rglob("*.h5"):
        path.write_bytes(b"no shard")
    page = report(copy, tmp_path / "out", per_class=1)
    assert "dataset.csv, line 1" in page.text and "10 verified clips" in page.text
    copy.ledger.write_bytes(b"no ledger" * 999)
    page = report(copy, tmp_path / "out", per_class=1)
    assert "ledger.sqlite is" in page.text and str(tmp_path) not in page.text


def test_the_command_writes_the_page_into_the_workspace(
    place: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Workspace(Path(shutil.copytree(place.root, tmp_path / "w")))
    assert run(["report", "--workspace", str(copy.root), "--per-class", "1"]) == 0
    assert capsys.readouterr().out.strip() == str(copy.root / "report" / "index.html")
    assert run(["report", "--workspace", str(copy.root), "--per-class", "-1"]) == 2
    assert run(["report", "--workspace", str(copy.root), "--watch", "0"]) == 2
    mistyped = copy.root.with_name("mistyped")
    assert run(["report", "--workspace", str(mistyped)]) == 2 and not mistyped.exists()
    assert run(["report", "--workspace", str(copy.root), "--watch"]) == 0


def test_a_watched_page_keeps_up_until_the_fetch_is_done(place: Workspace, tmp_path: Path) -> None:
    copy = Workspace(Path(shutil.copytree(place.root, tmp_path / "w")))
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


def test_watching_ends_with_ctrl_c(
    place: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)
    copy = Workspace(Path(shutil.copytree(place.root, tmp_path / "w")))
    with copy.lock():
        assert run(["report", "--workspace", str(copy.root), "--watch", "9"]) == 130
    assert (copy.root / "report" / "index.html").exists()

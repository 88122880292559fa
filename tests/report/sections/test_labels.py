"""What the lists say of the clips."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.report.page import Chart, Shown
from audioset_tools.report.run import ReportConfig, write_report
from audioset_tools.report.sections.labels import LabelNames, label_blocks, read_label_names
from audioset_tools.report.snapshot import read_snapshot
from audioset_tools.shards.placements import Placement, Placements
from audioset_tools.workspace import Workspace
from tests.report.pages import Read

NAMES = {"/m/04rlf": "Music", "/m/0l14j_": "Flute", "/m/09x0r": "Speech"}


def clips(*labels: str, class_name: str = "Flute") -> list[Placement]:
    one = Placement("0000000000A_0", class_name, (), "train", "clips/0000000000A_0.wav", "0" * 64)
    return [replace(one, labels=tuple(f"/m/{each}" for each in text.split())) for text in labels]


def test_labels_are_counted_by_class_the_most_frequent_first() -> None:
    flute = clips("0l14j_ 04rlf", "0l14j_ 04rlf", "0l14j_ 09x0r")
    blocks = label_blocks(Placements([*flute, *clips("04rlf", class_name="Other")]), LabelNames(NAMES))
    (shown,) = [one for one in blocks if isinstance(one, Shown)]
    assert shown.table.rows == (
        ("Flute", "Flute", "3", "100.0%"), ("Flute", "Music", "2", "66.7%"),
        ("Flute", "Speech", "1", "33.3%"), ("Other", "Music", "1", "100.0%"),
    )  # fmt: skip
    assert len([one for one in blocks if isinstance(one, Chart)]) == 2


def test_without_their_names_nothing_is_said_of_mids_and_own_words_are_names() -> None:
    (flute,) = clips("0l14j_ 04rlf")
    assert label_blocks(Placements([flute]), LabelNames({})) == [] and LabelNames({}).line(flute) == ""
    assert LabelNames({}, own=True).line(flute) == "" and LabelNames(NAMES).line(None) == ""
    assert LabelNames(NAMES).line(flute) == "labels: Flute; Music"
    half = LabelNames({"/m/04rlf": "Music"})
    assert half.of(flute) == (), "a part would say that there is no more"
    own = replace(flute, labels=("rain", "<b>"))
    assert LabelNames({}, own=True).line(own) == "labels: <b>; rain" and LabelNames({}).line(own) == ""


@pytest.fixture
def with_lists(copy: Workspace, tmp_path: Path) -> Path:
    nodes = [{"id": mid, "name": name, "child_ids": []} for mid, name in NAMES.items()]
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "ontology.json").write_text(json.dumps(nodes))
    return folder


def test_cards_have_labels_and_lead_to_the_video(copy: Workspace, with_lists: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "labels:" not in Read(write_report(copy, out).index).text
    page = Read(write_report(copy, out, metadata=with_lists).index)
    assert page.text.count("labels: Flute; Music") == 6 and "Labels beside each class" in page.text
    links = [one for one in page.values("a", "href") if one.startswith("https://www.youtube.com/watch?v=")]
    assert len(links) == 6 and all("&t=" in one for one in links)
    (cell,) = [path for path in out.rglob("0-1.html") if "labels: Flute; Music" in path.read_text()][:1]
    assert "&amp;t=" in cell.read_text()


def test_a_damaged_ontology_is_told_and_the_rest_is_shown(copy: Workspace, tmp_path: Path) -> None:
    copy.metadata.mkdir()
    (copy.metadata / "ontology.json").write_text("{}")
    written = write_report(copy, tmp_path / "out", ReportConfig(per_class=1))
    assert len(written.troubles) == 1 and "ontology" in written.troubles[0]
    assert written.troubles[0] in Read(written.index).text
    (copy.metadata / "ontology.json").unlink()
    assert read_label_names(read_snapshot(copy), None).of(clips("04rlf")[0]) == ()

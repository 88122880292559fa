"""Croissant documents: what is described is there, and every word of the vocabulary is known."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.export.documents.croissant import croissant_of_parquet, croissant_of_table
from audioset_tools.export.examples import Exported, read_exported
from audioset_tools.export.part import FileThere
from audioset_tools.workspace import Workspace

FILES = {
    "README.md": FileThere("", 9, "a" * 64),
    "data/train-00000-of-00001.parquet": FileThere("", 7, "b" * 64),
}


@pytest.fixture
def data(exportable: Workspace, labels: Path) -> Exported:
    return read_exported(exportable, "mids", labels)


def test_each_file_of_parquet_is_told_with_its_digest(data: Exported) -> None:
    files = [one for one in croissant_of_parquet(data, FILES)["distribution"] if "sha256" in one]
    assert [(one["contentUrl"], one["contentSize"], one["sha256"]) for one in files] == [
        ("data/train-00000-of-00001.parquet", "7 B", "b" * 64)
    ]


def test_the_targets_are_told_in_their_order(data: Exported) -> None:
    rows = croissant_of_parquet(data, FILES)["recordSet"][1]["data"]
    assert rows == [
        {"targets/index": 0, "targets/name": "Music", "targets/mid": "/m/04rlf"},
        {"targets/index": 1, "targets/name": "Male speech, man speaking", "targets/mid": "/m/05zppz"},
    ]


def test_the_version_changes_with_the_clips_and_the_date_is_the_last_clips(data: Exported) -> None:
    other = replace(data, examples=data.examples[1:], complete_at=86_400.0 * 366)
    versions = {croissant_of_parquet(one, FILES)["version"] for one in (data, other)}
    assert len(versions) == 2 and all(version.startswith("1.0.0+") for version in versions)
    assert croissant_of_parquet(other, FILES)["datePublished"] == "1971-01-02"


def test_labels_of_ones_own_have_no_licence_citation_or_maker_of_audioset(data: Exported) -> None:
    own = replace(data, examples=tuple(replace(one, labels=("lute",)) for one in data.examples))
    told = croissant_of_table(own, FILES["README.md"])
    assert "citeAs" not in told and "creator" not in told
    assert "creativecommons" not in json.dumps(told["license"])


def test_what_the_rai_vocabulary_asks_is_answered(data: Exported) -> None:
    told = croissant_of_parquet(data, FILES)
    answers = {name: value for name, value in told.items() if name.startswith("rai:")}
    assert len(answers) == 13 and all(answers.values())

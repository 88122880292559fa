"""The data card: its head as the Hub reads it, and its tables as Markdown has them."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from audioset_tools.export.documents.card import card
from audioset_tools.export.examples import Exported, read_exported
from audioset_tools.workspace import Workspace


@pytest.fixture
def data(exportable: Workspace, labels: Path) -> Exported:
    return read_exported(exportable, "classes", labels)


def head(text: str) -> dict[str, object]:
    empty, yaml_text, _ = text.split("---\n", 2)
    assert empty == ""
    found: dict[str, object] = yaml.safe_load(yaml_text)
    return found


def test_the_head_says_where_the_splits_lie_and_claims_no_licence_of_the_audio(data: Exported) -> None:
    found = head(card(data))
    files = [{"split": split, "path": f"data/{split}-*"} for split in ("train", "validation", "test")]
    assert found["configs"] == [{"config_name": "default", "data_files": files}]
    assert (found["license"], found["license_name"]) == ("other", "audioset-lists-cc-by-4.0")
    assert found["size_categories"] == ["n<1K"] and "audioset" in str(found["tags"])


def test_labels_of_ones_own_are_under_no_licence_of_audioset(data: Exported) -> None:
    own = replace(data, examples=tuple(replace(one, labels=("lute",)) for one in data.examples))
    assert "license" not in head(card(own)) and head(card(own))["tags"] == ["audio"]


def test_only_targets_that_some_clip_has_are_counted(data: Exported) -> None:
    several = replace(data, target_names=("Tone", "Noise", "Silence"))
    text = card(several)
    assert "| 0 | Tone | 3 | 1 | 1 |\n| 1 | Noise | 3 | 1 | 1 |\n\n" in text and "Silence" not in text


def test_a_name_can_break_neither_the_head_nor_a_table(data: Exported) -> None:
    hostile = 'x"\n---\nlicense: mit\n| <script>[a](b)'
    text = card(replace(data, name=hostile, target_names=(hostile, "Noise")))
    assert head(text)["license"] == "other"
    assert str(head(text)["pretty_name"]).startswith(r'x"\n---')
    rows = [line for line in text.splitlines() if line.startswith("| 0 | ")]
    assert len(rows) == 1 and rows[0].count(" | ") == 4 and r"\<script>\[a]" in rows[0]


@pytest.mark.parametrize("count, size", [(999, "n<1K"), (1_000, "1K<n<10K"), (2_000_000, "1M<n<10M")])
def test_the_size_is_one_of_the_hubs(data: Exported, count: int, size: str) -> None:
    class Many(tuple[object, ...]):
        __slots__ = ()

        def __len__(self) -> int:
            return count

    assert head(card(replace(data, examples=Many(data.examples))))["size_categories"] == [size]

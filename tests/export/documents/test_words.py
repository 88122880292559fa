"""What is said of a data set follows from what it is."""

from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.export.documents import words
from audioset_tools.export.examples import Exported, read_exported
from audioset_tools.workspace import Workspace


@pytest.fixture
def data(exportable: Workspace, labels: Path) -> Exported:
    return read_exported(exportable, "classes", labels)


def test_the_summary_counts_clips_and_targets(data: Exported) -> None:
    assert words.summary(data).startswith(
        "10 clips of 10 seconds from YouTube (6 train, 2 validation, 2 test), mono, 16 bits, 16,000 Hz,"
        " each with one of 2 classes."
    )
    several = words.summary(replace(data, multi_label=True, target_mids=("/m/04rlf", "/m/05zppz")))
    assert "each with any number of 2 AudioSet's labels" in several


def test_where_the_clips_come_from_is_said_with_what_is_not_promised(data: Exported) -> None:
    assert words.collected(data).endswith("not promised to be right to 50 ms.")
    ours = words.collected(replace(data, clips_from={"youtube": 10}))
    assert ours.endswith("chosen by the recipe paper; clips by their source: 10 from youtube.")


def test_nothing_of_audioset_is_claimed_for_labels_of_ones_own(data: Exported) -> None:
    own = replace(data, examples=tuple(replace(one, labels=("lute",)) for one in data.examples))
    assert words.of_audioset(data) and not words.of_audioset(own)
    for say in (words.title, words.annotated, words.biased):
        assert "AudioSet" not in say(own)
    assert "Gemmeke" in words.annotated(data)


def test_the_licence_of_the_lists_is_not_that_of_the_audio() -> None:
    assert "the audio: that of whoever uploaded it" in words.licences()

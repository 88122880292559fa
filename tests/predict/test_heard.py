"""What follows from the answers: the class of each window, passages, and the whole."""

from pathlib import Path

import numpy as np
import pytest

from audioset_tools.predict.files import Recording
from audioset_tools.predict.heard import Heard, overall, passages
from audioset_tools.predict.summary import headline, heard_json, recording_row

NAN = (np.nan, np.nan, np.nan)
RATE = 16_000


def heard(*answers: tuple[float, ...], multi_label: bool = False) -> Heard:
    """Answers on windows of ten seconds that follow one another."""
    return Heard(
        recording=Recording(Path("a/b\n.wav"), Path("b\n.wav")),
        class_names=("Piano", "Drums", "Flute"),
        multi_label=multi_label,
        windows=tuple((10 * RATE * n, 10 * RATE * (n + 1)) for n in range(len(answers))),
        probability=np.array(answers),
        notes=(),
    )


def test_the_dominant_class_has_the_largest_mean_not_the_most_windows() -> None:
    found = overall(heard((0.5, 0.4, 0.1), (0.5, 0.4, 0.1), (0.0, 1.0, 0.0)))
    assert found.dominant == "Drums"
    assert found.mean == pytest.approx([1 / 3, 0.6, 0.2 / 3])
    assert found.share == pytest.approx([2 / 3, 1 / 3, 0])


def test_of_equals_the_first_class_wins_once() -> None:
    assert heard((0.4, 0.4, 0.2)).sounding.tolist() == [[True, False, False]]


def test_silence_counts_as_time_but_not_as_an_answer() -> None:
    answers = heard((0.8, 0.1, 0.1), NAN, NAN, (0.6, 0.3, 0.1))
    found = overall(answers)
    assert (found.dominant, found.silent) == ("Piano", 0.5)
    assert found.mean == pytest.approx([0.7, 0.2, 0.1])
    assert found.share == pytest.approx([0.5, 0, 0])
    assert [(p.start_s, p.end_s, p.sounding, p.silent) for p in passages(answers)] == [
        (0, 10, ("Piano",), False),
        (10, 30, (), True),
        (30, 40, ("Piano",), False),
    ]
    told = heard_json(answers)
    assert told["windows"][1]["probability"] is None and told["windows"][1]["predicted"] == []


def test_silence_throughout_has_no_dominant_class() -> None:
    answers = heard(NAN, NAN)
    assert overall(answers).dominant is None
    assert "silence" in headline(answers) and "silence 100 %" in recording_row(answers)[-1]
    assert heard_json(answers)["dominant"] is None


def test_several_classes_at_once_and_none() -> None:
    answers = heard((0.9, 0.8, 0.1), (0.9, 0.6, 0.5), (0.4, 0.3, 0.2), multi_label=True)
    assert [p.sounding for p in passages(answers)] == [("Piano", "Drums"), ()]
    assert passages(answers)[0].probability == pytest.approx(0.8)
    assert passages(answers)[1].probability is None
    assert overall(answers).share == pytest.approx([2 / 3, 2 / 3, 0])


def test_names_are_told_without_what_a_terminal_would_obey() -> None:
    assert "\n" not in headline(heard((1, 0, 0)))
    assert "\n" not in recording_row(heard((1, 0, 0)))[0]

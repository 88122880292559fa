"""What is listed, in which order, and the figures of classes and pairs; also where several classes sound."""

from dataclasses import dataclass

import numpy as np
import pytest

from audioset_tools.audit.ranking import (
    AuditedClass,
    NoisyPair,
    audited_classes,
    judge_labels,
    noisy_pairs,
    rank_suspects,
)
from tests.audit.test_confident import BY_HAND

NAMES = ("Piano", "Drums")


@dataclass(frozen=True)
class Header:
    class_names: tuple[str, ...] = NAMES


@dataclass
class Clips:
    """As much of `LabelledClips` as is asked for."""

    target: np.ndarray
    header: Header = Header()

    @property
    def key(self) -> np.ndarray:
        return np.array([f"-key_{n}".encode() for n in range(len(self.target))])

    @property
    def split(self) -> np.ndarray:
        return np.array(["train", "test"] * len(self.target))[: len(self.target)]


SINGLE = np.stack([BY_HAND, 1 - BY_HAND], axis=1), Clips(np.repeat([0, 1], 4))
"""The example of two classes of `test_confident`: the fourth clip and the last are suspect."""


def test_the_list_begins_with_the_least_probable_label() -> None:
    probability, clips = SINGLE
    probability = probability.copy()
    probability[7] = [0.81, 0.19]
    found = rank_suspects(judge_labels(probability, clips), probability, clips, {"-key_7": "clips/x.wav"})
    assert [(one.rank, one.key, one.classes, one.suggested) for one in found] == [
        (1, "-key_7", ("Drums",), ("Piano",)),
        (2, "-key_3", ("Piano",), ("Drums",)),
    ]
    assert found[0].probability == pytest.approx(0.19) and found[0].margin == pytest.approx(-0.62)
    assert (found[0].split, found[0].path, found[1].path) == ("test", "clips/x.wav", "")
    assert found[1].of_classes == pytest.approx((0.25, 0.75))


def test_of_equals_the_first_by_key() -> None:
    probability, clips = SINGLE
    assert [one.key for one in rank_suspects(judge_labels(*SINGLE), probability, clips, {})] == [
        "-key_3",
        "-key_7",
    ]


def test_the_figures_of_classes_and_of_pairs() -> None:
    verdict = judge_labels(*SINGLE)
    piano, drums = audited_classes(verdict, NAMES)
    assert piano == AuditedClass("Piano", 4, 1, pytest.approx(1))
    assert drums == AuditedClass("Drums", 4, 1, pytest.approx(4 / 3))
    assert noisy_pairs(verdict, NAMES) == (
        NoisyPair("Drums", "Piano", pytest.approx(4 / 3), pytest.approx(1 / 3)),
        NoisyPair("Piano", "Drums", pytest.approx(1), pytest.approx(1 / 4)),
    )


def test_where_several_classes_may_sound_each_is_asked_by_itself() -> None:
    """Piano as above; Drums is there in all, as the model says: no clip lacks it to compare with."""
    probability = np.stack([BY_HAND, np.full(8, 0.9)], axis=1)
    clips = Clips(np.stack([np.repeat([1, 0], 4), np.ones(8, int)], axis=1).astype(np.uint8))
    verdict = judge_labels(probability, clips)
    found = rank_suspects(verdict, probability, clips, {})
    assert [(one.key, one.classes, one.suggested) for one in found] == [
        ("-key_3", ("Piano", "Drums"), ("Drums",)),
        ("-key_7", ("Drums",), ("Piano", "Drums")),
    ]
    assert found[0].probability == 0.25 and found[0].suggested_probability == 0.75
    assert audited_classes(verdict, NAMES) == (
        AuditedClass("Piano", 4, 1, pytest.approx(1)),
        AuditedClass("Drums", 8, 0, 0),
    )
    assert [(one.labelled, one.probably) for one in noisy_pairs(verdict, NAMES)] == [
        ("not Piano", "Piano"),
        ("Piano", "not Piano"),
    ]

"""From probabilities to the list: which clips are suspect, in which order, and what is labelled as what."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..runs.metrics import THRESHOLD, MultiHot, Probabilities, multi_hot
from ..shards.labelled import LabelledClips
from .confident import BELIEVED, LabelNoise, find_noise
from .suspects import Suspect


@dataclass(frozen=True, slots=True)
class AuditedClass:
    """What is suspect among the clips labelled with a class.

    Args:
        clips: how many are labelled with it.
        suspects: how many of them are doubted to have it.
        wrong: an estimate of how many of them do not have it.
    """

    class_name: str
    clips: int
    suspects: int
    wrong: float


@dataclass(frozen=True, slots=True)
class NoisyPair:
    """An estimate of how many clips of one label are something else.

    Args:
        labelled, probably: two classes; multi-label, a class, and `not` the same, or the other way round.
        clips: how many they are, an estimate.
        share: how many they are of those with that label.
    """

    labelled: str
    probably: str
    clips: float
    share: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of each clip; where none of its classes is doubted, `probable` is `given`.

    Args:
        multi_label: whether a clip may have several classes.
        agreement: the share of the clips whose label is their most probable class; multi-label, of all
            decisions.
        noises: of all classes together; multi-label, one a class: not there (0) against there (1).
        given, probable: its classes as labelled, and as they probably are, [clips, classes].
        own, other: the probability of both, [clips]; multi-label, of the doubted class that is the least
            probable as labelled, and of the contrary.
    """

    multi_label: bool
    agreement: float
    noises: tuple[LabelNoise, ...]
    given: MultiHot
    probable: MultiHot
    own: Probabilities
    other: Probabilities

    @property
    def doubted(self) -> npt.NDArray[np.bool_]:
        """Which classes of which clips, [clips, classes]."""
        doubted: npt.NDArray[np.bool_] = self.given != self.probable
        return doubted


def judge_labels(probability: Probabilities, clips: LabelledClips) -> Judgement:
    """Weigh the labels of clips against what models say that have not learned them.

    Args:
        probability: of every class, [clips, classes].
    """
    if clips.target.ndim == 1:
        return _judge_single(probability, clips.target.astype(np.int64))
    noises = tuple(
        find_noise(np.stack([1 - of_class, of_class], axis=1), there.astype(np.int64))
        for of_class, there in zip(probability.T, clips.target.T, strict=True)
    )
    given = clips.target.astype(np.uint8)
    doubted = np.stack([noise.suggested != BELIEVED for noise in noises], axis=1)
    as_given = np.where(given, probability, 1 - probability)
    own = np.where(doubted, as_given, 1).min(axis=1)
    agreement = float((as_given > THRESHOLD).mean())
    return Judgement(True, agreement, noises, given, given ^ doubted, own, 1 - own)


def _judge_single(probability: Probabilities, label: npt.NDArray[np.int64]) -> Judgement:
    noise = find_noise(probability, label)
    probable = np.where(noise.suggested == BELIEVED, label, noise.suggested)
    rows, n_classes = np.arange(len(label)), probability.shape[1]
    agreement = float((probability.argmax(axis=1) == label).mean())
    hot = multi_hot(label, n_classes), multi_hot(probable, n_classes)
    return Judgement(False, agreement, (noise,), *hot, probability[rows, label], probability[rows, probable])


def rank_suspects(
    verdict: Judgement, probability: Probabilities, clips: LabelledClips, paths: Mapping[str, str]
) -> tuple[Suspect, ...]:
    """The suspect clips, those first whose labels are least probable; of equals the first by key.

    Args:
        probability: of every class, [clips, classes].
        paths: of the clips' files, by key.
    """
    names = clips.header.class_names
    key, split = [one.decode() for one in clips.key], clips.split
    found = np.flatnonzero(verdict.doubted.any(axis=1)).tolist()
    ordered = sorted(found, key=lambda clip: (verdict.own[clip], key[clip]))
    return tuple(
        Suspect(
            key=key[clip],
            rank=rank,
            classes=_named(verdict.given[clip], names),
            suggested=_named(verdict.probable[clip], names),
            probability=float(verdict.own[clip]),
            suggested_probability=float(verdict.other[clip]),
            split=str(split[clip]),
            path=paths.get(key[clip], ""),
            of_classes=tuple(probability[clip].tolist()),
        )
        for rank, clip in enumerate(ordered, start=1)
    )


def audited_classes(verdict: Judgement, class_names: Sequence[str]) -> tuple[AuditedClass, ...]:
    """The figures of each class."""
    clips, doubted = verdict.given.sum(axis=0), (verdict.doubted & (verdict.given > 0)).sum(axis=0)
    if not verdict.multi_label:
        joint = verdict.noises[0].joint
        wrong = joint.sum(axis=1) - np.diagonal(joint)
    else:
        wrong = np.array([noise.joint[1, 0] for noise in verdict.noises])
    counts = (len(verdict.given) * wrong).tolist()
    return tuple(map(AuditedClass, class_names, clips.tolist(), doubted.tolist(), counts))


def noisy_pairs(verdict: Judgement, class_names: Sequence[str]) -> tuple[NoisyPair, ...]:
    """What is labelled as what in half a clip at least, the most frequent first."""
    if not verdict.multi_label:
        pairs = list(_pairs(verdict.noises[0], class_names, len(verdict.given)))
    else:
        named = zip(verdict.noises, class_names, strict=True)
        pairs = [
            one for noise, name in named for one in _pairs(noise, (f"not {name}", name), len(verdict.given))
        ]
    return tuple(sorted(pairs, key=lambda one: -one.clips))


def _pairs(noise: LabelNoise, names: Sequence[str], clips: int) -> Iterator[NoisyPair]:
    for given, labelled in enumerate(names):
        for other, probably in enumerate(names):
            count = clips * float(noise.joint[given, other])
            if given != other and count >= 0.5:
                yield NoisyPair(labelled, probably, count, count / (clips * float(noise.joint[given].sum())))


def _named(hot: MultiHot, class_names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for one, name in zip(hot, class_names, strict=True) if one)

"""How far figures would move with other clips of the same kind: 95 % intervals, also where clips are few.

Each is Wilson's interval for a proportion (1927), of as many observations as the figure is worth: a
proportion that moves as this figure does, from sample to sample, would have been counted among so many
clips. Where all of three clips are right, that says how little is known; the middle of resamples, which are
all alike, would say that nothing is unknown.

- **Precision, recall and micro** are proportions: of clips that come one by one they are worth just the
  number that was counted.
- **F1, macro, mAP and AUC** are none, and clips of a group, such as a video, are right or wrong together.
  What these are worth says the spread of a bootstrap: whole groups are drawn with replacement, from each
  class as many as it has, and the figures computed again. In surveys the same is done with the variance of
  a design (Korn and Graubard 1998; Franco et al. 2019 compare such intervals).

In the drawings each class has two halves of a group more than there are: one that was recognised, and one
taken for the next class. They tell what a figure is worth where all clips agree, and never change the figure.

What no interval tells is how another training run would have turned out. `bench/intervals.py` draws test sets
from classifiers whose figures are known, and counts how often these intervals hold them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .metrics import MultiHot, Probabilities, Rates, Weights, rates

LEVEL = 0.95

RESAMPLES = 2_000

_DEVIATE = 1.959963984540054
"""Of the normal distribution, at the ends of its middle `LEVEL`."""

_MOST_VALUES = 4_000_000_000
"""Clips times classes times resamples: of 20,371 clips and 527 classes, AudioSet's eval set, 354 are drawn,
in half a minute; the spread of so many is known to 4 %."""

_FEWEST = 100
"""Resamples, however many clips there are."""

_BLOCK_VALUES = 4_000_000
"""Draws at a time: 32 MB of numbers, however many clips."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Lower and upper ends on the last axis, between 0 and 1.

    Args:
        classes: of precision, recall and F1 of every class, [3, classes, 2].
        macro, micro: of their averages, [3, 2].
        ranking: of mAP and the mean AUC, [2, 2]; None where every clip has one class.
        resamples, seed: how many drawings, and what decided them.
    """

    classes: Rates
    macro: Rates
    micro: Rates
    ranking: Rates | None
    resamples: int
    seed: int


def wilson(proportion: npt.ArrayLike, observations: npt.ArrayLike) -> Rates:
    """Wilson's score interval of proportions, [..., 2]; of no observations, from 0 to 1.

    Args:
        proportion: between 0 and 1, [...]; NaN where there is none.
        observations: among how many each was counted, [...]; need not be whole.
    """
    share, n = np.asarray(proportion, np.float64), np.asarray(observations, np.float64)
    square = _DEVIATE**2
    middle = (share * n + square / 2) / (n + square)
    reach = _DEVIATE * np.sqrt(share * (1 - share) * n + square / 4) / (n + square)
    # Rounding shall leave no proportion outside of its own interval.
    return np.stack([np.clip(middle - reach, 0, share), np.clip(middle + reach, share, 1)], axis=-1)


def intervals(
    group: Sequence[str],
    actual: MultiHot,
    predicted: MultiHot,
    probability: Probabilities | None,
    seed: int,
    resamples: int | None = None,
) -> Intervals:
    """The intervals of all figures of a split.

    Args:
        group: which group each clip is of, [rows].
        actual, predicted: zeros and ones, [rows, classes].
        probability: of clips that may have several classes, [rows, classes]; None where each has one, and the
            groups are drawn class by class.
        seed: it decides the drawings.
        resamples: how many; None for `RESAMPLES`, or fewer of very many clips that may have several classes.
    """
    resamples = resamples or _resamples(actual, probability is not None)
    sample = _Sample(group, actual, by_class=probability is None)
    figures = _Figures(sample, actual, predicted, probability)
    drawn = zip(*(figures.of(weight) for weight in sample.draws(resamples, seed)), strict=True)
    by_class, macro, micro, ranked = (np.concatenate(values, axis=-1) for values in drawn)
    found = [values[..., 0] for values in figures.of(sample.as_it_is)]
    counted = _counted(predicted, actual)
    # Where each clip has one class, all of the micro figures are the accuracy.
    together = counted.sum(axis=1) if probability is not None else np.full(3, float(len(actual)))
    return Intervals(
        classes=wilson(found[0], _worth(by_class, counted, exact=sample.single)),
        macro=wilson(found[1], _worth(macro)),
        micro=wilson(found[2], _worth(micro, together, exact=sample.single and probability is None)),
        ranking=None if probability is None else wilson(found[3], _worth(ranked)),
        resamples=resamples,
        seed=seed,
    )


def _resamples(actual: MultiHot, ranked: bool) -> int:
    """How many drawings the time allows: to rank every class in each of them is what takes long."""
    rows, classes = actual.shape
    # With the made-up clips.
    values = (rows + 2 * classes) * classes
    return max(_FEWEST, min(RESAMPLES, _MOST_VALUES // values)) if ranked and classes else RESAMPLES


def differences(
    group: Sequence[str],
    actual: MultiHot,
    best: MultiHot,
    others: Sequence[MultiHot],
    *,
    by_class: bool,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> list[tuple[float, float]]:
    """Intervals of how far other runs' macro-F1 lies above that of the best, on the same clips.

    In each drawing all runs are judged by the same groups: what makes a sample hard for all of them cancels
    out. Ends are those of a normal distribution with the drawings' spread. Of the two groups that each class
    has more, one run is right about the one and the other run about the other, much as Bonett and Price
    (2012) add one to each kind of disagreement.

    Args:
        group: which group each clip is of, [rows].
        actual: zeros and ones, [rows, classes].
        best, others: what each predicted, zeros and ones, [rows, classes].
        by_class: whether each clip has one class, and groups are drawn class by class.
        seed: it decides the drawings.
    """
    sample = _Sample(group, actual, by_class)
    right, wrong = _made_up(actual.shape[1])
    counts = [sample.counts(actual, best, right, wrong)]
    counts += [sample.counts(actual, other, wrong, right) for other in others]
    found = np.array([_macro_f1(sample.as_it_is @ each) for each in counts])
    drawn = [
        np.array([_macro_f1(weight @ each) for each in counts]) for weight in sample.draws(resamples, seed)
    ]
    values = np.concatenate(drawn, axis=1)
    reach = _DEVIATE * (values[1:] - values[0]).std(axis=1)
    middle = found[1:, 0] - found[0, 0]
    ends = np.clip(np.stack([middle - reach, middle + reach], axis=1), -1, 1)
    return [(float(low), float(high)) for low, high in ends]


class _Sample:
    """The groups of some clips, as they are drawn: those of each class by themselves, or all together.

    Units count the groups, then for each class a made-up one, then for each another.

    Args:
        by_class: whether each clip has one class, and each class is drawn by itself.

    `single` says whether each clip is a group of its own.
    """

    def __init__(self, group: Sequence[str], actual: MultiHot, by_class: bool) -> None:
        n_classes = actual.shape[1]
        names, group_of = np.unique(np.asarray(group), return_inverse=True)
        self._groups = len(names)
        self.single = len(names) == len(group_of)
        in_class = np.zeros((self._groups, n_classes), np.int64)
        np.add.at(in_class, group_of, actual)
        # A group with clips of several classes is drawn with the one it has most of.
        stratum = in_class.argmax(axis=1) if by_class else np.zeros(self._groups, np.int64)
        times = np.zeros(n_classes, np.int64)
        pools, draws = [], []
        for number in np.unique(stratum):
            real = np.flatnonzero(stratum == number)
            classes = np.flatnonzero(in_class[real].any(axis=0))
            # As large as groups have clips of the class; a whole number, so that sums are exact in any order.
            clips = in_class[real][:, classes]
            times[classes] = np.rint(clips.sum(axis=0) / (clips > 0).sum(axis=0))
            extra = [self._groups + classes, self._groups + n_classes + classes]
            pools.append(np.concatenate([real, real, *extra]))
            draws.append(len(real))
        lengths = np.array([len(pool) for pool in pools])
        self._pool = np.concatenate(pools)
        # Of every single drawing: where its pool begins, and how many units it has.
        self._begins = np.repeat(np.cumsum(lengths) - lengths, draws)
        self._lengths = np.repeat(lengths, draws)
        self._unit = np.concatenate([group_of, self._groups + np.arange(2 * n_classes)])
        self._times = np.concatenate([np.ones(len(group_of)), times, times])
        self._units = self._groups + 2 * n_classes

    @property
    def as_it_is(self) -> Weights:
        """Every group once and nothing made up, [1, units]."""
        return (np.arange(self._units) < self._groups).astype(np.float64)[None]

    def draws(self, resamples: int, seed: int) -> Iterator[Weights]:
        """How often each unit was drawn, in blocks of resamples: [block, units].

        As many are drawn as there are groups; a made-up one half as often as a real one.
        """
        rng = np.random.default_rng(seed)
        block = max(1, _BLOCK_VALUES // self._units)
        for start in range(0, resamples, block):
            size = min(block, resamples - start)
            place = self._begins + (rng.random((size, len(self._begins))) * self._lengths).astype(np.int64)
            drawn = self._pool[place] + self._units * np.arange(size)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=size * self._units)
            yield counts.reshape(size, self._units).astype(np.float64)

    def of_rows(self, weight: Weights) -> Weights:
        """How often each row was drawn with its unit, [block, rows and made-up rows]."""
        drawn: Weights = weight[:, self._unit] * self._times
        return drawn

    def counts(self, actual: MultiHot, predicted: MultiHot, *made_up: MultiHot) -> npt.NDArray[np.float64]:
        """Hits, clips and predictions of every class in each unit, [units, 3 x classes].

        Args:
            made_up: what was predicted for the two made-up groups of each class, each [classes, classes].
        """
        right = _made_up(actual.shape[1])[0]
        one, other = np.vstack([actual, right, right]), np.vstack([predicted, *made_up])
        total = np.zeros((self._units, 3 * actual.shape[1]))
        np.add.at(total, self._unit, np.hstack([one & other, one, other]) * self._times[:, None])
        return total


class _Figures:
    """The figures of a sample, whatever part of it is drawn."""

    def __init__(
        self, sample: _Sample, actual: MultiHot, predicted: MultiHot, probability: Probabilities | None
    ) -> None:
        self._sample = sample
        right, wrong = _made_up(actual.shape[1])
        self.counts = sample.counts(actual, predicted, right, wrong)
        self._orders = []
        if probability is not None:
            # A class that no clip has, or all of them, has no order, whatever is made up.
            judged = np.flatnonzero(actual.any(axis=0) & ~actual.all(axis=0))
            present, chance = np.vstack([actual, right, right]), np.vstack([probability, right, 0 * wrong])
            self._orders = [_Order(present[:, one], chance[:, one]) for one in judged]

    def of(self, weight: Weights) -> tuple[Rates, Rates, Rates, Rates]:
        """All figures of each drawing, on the last axis.

        Returns:
            Precision, recall and F1 of each class, [3, classes, block], their macro and micro averages,
            [3, block], and mAP and mean AUC, [2, block].
        """
        hits, actual, predicted = (part.T for part in np.split(weight @ self.counts, 3, axis=1))
        by_class = np.array(rates(hits, actual, predicted))
        micro = np.array(rates(hits.sum(axis=0), actual.sum(axis=0), predicted.sum(axis=0)))
        ranked = np.full((2, len(weight)), np.nan)
        if self._orders:
            rows = np.ascontiguousarray(self._sample.of_rows(weight).T)
            ranked = _mean_of_defined(np.array([order.figures(rows) for order in self._orders]))
        return by_class, by_class.mean(axis=1), micro, ranked


def _made_up(n_classes: int) -> tuple[MultiHot, MultiHot]:
    """A clip of each class as a row: recognised, and taken for the next class; [classes, classes]."""
    right = np.eye(n_classes, dtype=np.uint8)
    return right, np.roll(right, 1, axis=1) if n_classes > 1 else np.zeros_like(right)


def _macro_f1(counts: Weights) -> Rates:
    mean: Rates = rates(*np.split(counts, 3, axis=-1))[2].mean(axis=-1)
    return mean


def _counted(predicted: MultiHot, actual: MultiHot) -> Weights:
    """Among how many clips precision and recall of each class were counted, [3, classes].

    F1 is no proportion: nothing bounds it.
    """
    precision, recall = (hot.sum(axis=0, dtype=np.float64) for hot in (predicted, actual))
    return np.array([precision, recall, np.full(len(recall), np.inf)])


def _worth(values: Rates, counted: Weights | float = np.inf, exact: bool = False) -> Rates:
    """Among how many clips a proportion would be counted that moves as these figures do.

    Args:
        values: of each drawing, [..., resamples]; NaN where a figure is not defined.
        counted: among how many clips the figure was counted, if it is a proportion; infinite for others.
        exact: whether a proportion is worth just that, since each clip is drawn by itself.
    """
    defined = np.isfinite(values)
    n = np.maximum(defined.sum(axis=-1), 1)
    mean = np.where(defined, values, 0).sum(axis=-1) / n
    spread = (np.where(defined, values - mean[..., None], 0) ** 2).sum(axis=-1) / n
    worth = np.where(spread > 0, mean * (1 - mean) / np.where(spread > 0, spread, 1), 0)
    bounded: Rates = np.where(exact & np.isfinite(counted), counted, np.minimum(worth, counted))
    return bounded


class _Order:
    """The rows by falling probability of one class: sorted once, whatever their weights.

    Only the thresholds that a clip of the class passes count: no other one adds to AP, and of the rows
    between two of them it is enough to know how many there are.
    """

    def __init__(self, present: npt.NDArray[np.uint8], probability: Probabilities) -> None:
        self._order = np.argsort(-probability, kind="stable")
        ordered = probability[self._order]
        places = np.flatnonzero(present[self._order])
        # Rows of equal probability pass a threshold together.
        ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, len(ordered))
        passes = np.searchsorted(ends, places, side="right")
        numbers, self._first = np.unique(passes, return_index=True)
        last = ends[numbers]
        begin = np.where(numbers > 0, ends[numbers - 1], 0)
        self._present = self._order[places]
        self._cuts = np.unique(np.concatenate([[0], begin, last[last < len(ordered)]]))
        # How many stretches end where a threshold's rows begin, and where they end.
        self._before = np.searchsorted(self._cuts, begin)
        self._through = np.searchsorted(self._cuts, last)

    def figures(self, weight: Weights) -> Rates:
        """AP and AUC for each column of weights, NaN where none drawn has the class, or all: [2, block].

        Args:
            weight: how often each row was drawn, [rows, block].
        """
        stretches = np.add.reduceat(weight[self._order], self._cuts, axis=0)
        passed = np.concatenate([np.zeros((1, weight.shape[1])), np.cumsum(stretches, axis=0)])
        more = np.add.reduceat(weight[self._present], self._first, axis=0)
        hits = np.cumsum(more, axis=0)
        through, positive = passed[self._through], hits[-1]
        negative = passed[-1] - positive
        alarms = through - hits
        own = through - passed[self._before] - more
        with np.errstate(invalid="ignore", divide="ignore"):
            ap = (more * hits / np.maximum(through, 1)).sum(axis=0) / positive
            auc = (more * (negative - alarms + own / 2)).sum(axis=0) / (positive * negative)
        undefined = (positive == 0) | (negative == 0)
        return np.where(undefined, np.nan, np.array([ap, auc]))


def _mean_of_defined(by_class: Rates) -> Rates:
    """Over the first axis, without what is NaN; NaN only where all is."""
    defined = ~np.isnan(by_class)
    total = np.where(defined, by_class, 0).sum(axis=0)
    mean: Rates = np.where(defined.any(axis=0), total / np.maximum(defined.sum(axis=0), 1), np.nan)
    return mean

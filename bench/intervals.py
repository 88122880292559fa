"""How often 95 % intervals hold the truth, by sampling test sets from classifiers whose figures are known.

    python bench/intervals.py [--sets 500] [--resamples 400]

Clips come one by one, or as videos of four segments that a model is right or wrong about together. Beside the
package's intervals stand those of a plain percentile bootstrap of the same clips.
"""

import argparse
from itertools import product

import numpy as np

from audioset_tools.runs.intervals import differences, intervals
from audioset_tools.runs.metrics import multi_hot, rates

CLASSES = 4
FIGURES = ("recall", "F1", "macro-F1", "accuracy", "macro-F1, percentiles", "macro-F1, groups unknown")
SEGMENTS = 4
ACCURACIES = (0.5, 0.9, 0.99, 1.0)
PAIRS = ((0.6, 0.5), (0.9, 0.9), (0.99, 0.9), (1.0, 1.0))


def classifier(accuracy: float) -> np.ndarray:
    """Probabilities of each prediction (column) for each class (row): classes of unequal difficulty."""
    right = accuracy + (1 - accuracy) * np.linspace(-0.6, 0.6, CLASSES)
    chances = np.repeat(((1 - right) / (CLASSES - 1))[:, None], CLASSES, axis=1)
    np.fill_diagonal(chances, right)
    return chances


def truth(chances: np.ndarray) -> dict[str, float]:
    """The figures of very many clips, as many of each class."""
    f1 = 2 * np.diag(chances) / (1 + chances.sum(axis=0))
    return {"recall": chances[0, 0], "F1": f1[0], "macro-F1": f1.mean(), "accuracy": np.diag(chances).mean()}


def draw(chances: np.ndarray, per_class: int, segments: int, rng: np.random.Generator) -> tuple:
    """A test set: groups, classes and predictions; the segments of a video are all predicted alike."""
    videos = per_class // segments
    actual = np.repeat(np.arange(CLASSES), videos)
    predicted = np.array([rng.choice(CLASSES, p=chances[one]) for one in actual])
    group = [str(number) for number in range(len(actual))]
    return tuple(np.repeat(each, segments) for each in (group, actual, predicted))


def percentiles(actual: np.ndarray, predicted: np.ndarray, resamples: int, rng: np.random.Generator) -> tuple:
    """What the middle 95 % of the macro-F1s of plain resamples span."""
    rows = rng.integers(0, len(actual), (resamples, len(actual)))
    found = []
    for drawn in rows:
        one, other = multi_hot(actual[drawn], CLASSES), multi_hot(predicted[drawn], CLASSES)
        found.append(rates((one & other).sum(0), one.sum(0), other.sum(0))[2].mean())
    return tuple(np.quantile(found, [0.025, 0.975]))


def ends(chances: np.ndarray, per_class: int, segments: int, resamples: int, seed: int) -> list:
    """The intervals of one test set, by the names of `FIGURES`."""
    rng = np.random.default_rng(seed)
    group, actual, predicted = draw(chances, per_class, segments, rng)
    one, other = multi_hot(actual, CLASSES), multi_hot(predicted, CLASSES)
    found = intervals(group, one, other, None, seed, resamples)
    rows = [str(number) for number in range(len(actual))]
    unknown = intervals(rows, one, other, None, seed, resamples) if segments > 1 else found
    plain = percentiles(actual, predicted, resamples, rng)
    return [found.classes[1, 0], found.classes[2, 0], found.macro[2], found.micro[2], plain, unknown.macro[2]]


def held(accuracy: float, per_class: int, segments: int, sets: int, resamples: int) -> tuple:
    """The share of test sets whose intervals hold the truth, and their mean widths, by figure."""
    chances = classifier(accuracy)
    true = truth(chances)
    wanted = [true[name.split(",")[0]] for name in FIGURES]
    found = np.array([ends(chances, per_class, segments, resamples, seed) for seed in range(sets)])
    inside = (found[..., 0] <= np.array(wanted) + 1e-9) & (found[..., 1] >= np.array(wanted) - 1e-9)
    return inside.mean(axis=0), (found[..., 1] - found[..., 0]).mean(axis=0)


def held_differences(better: float, accuracy: float, per_class: int, sets: int, resamples: int) -> tuple:
    """The same for the difference of two classifiers that agree on half of the clips."""
    chances = classifier(better), classifier(accuracy)
    true = truth(chances[1])["macro-F1"] - truth(chances[0])["macro-F1"]
    inside, width = 0, 0.0
    for seed in range(sets):
        rng = np.random.default_rng(seed)
        actual = np.repeat(np.arange(CLASSES), per_class)
        hots = paired(chances, actual, rng)
        rows = [str(number) for number in range(len(actual))]
        ((low, high),) = differences(
            rows, multi_hot(actual, CLASSES), hots[0], hots[1:], by_class=True, seed=seed, resamples=resamples
        )
        inside += low <= true <= high
        width += high - low
    return inside / sets, width / sets


def paired(chances: tuple, actual: np.ndarray, rng: np.random.Generator) -> list:
    """Predictions of two classifiers: one chance decides both for half of the clips, each its own else."""
    shared, own = rng.random(len(actual)), rng.random((2, len(actual)))
    together = rng.random(len(actual)) < 0.5
    hots = []
    for each, chance in zip(chances, np.where(together, shared, own), strict=True):
        # Of a class's predictions the right one stands first, so that equal chances are right together.
        order = np.argsort(-np.eye(CLASSES), axis=1, kind="stable")
        sums = np.cumsum(np.take_along_axis(each, order, axis=1), axis=1)
        place = (chance[:, None] > sums[actual]).sum(axis=1).clip(max=CLASSES - 1)
        hots.append(multi_hot(order[actual, place], CLASSES))
    return hots


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=500)
    parser.add_argument("--resamples", type=int, default=400)
    options = parser.parse_args()
    for segments in (1, SEGMENTS):
        of = "clips one by one" if segments == 1 else f"videos of {segments} segments"
        print(f"\n{of}: share of intervals that hold the truth (mean width), %\n")
        print("| clips a class | accuracy |", " | ".join(FIGURES), "|\n" + "|---" * (2 + len(FIGURES)) + "|")
        for per_class, accuracy in product((3, 10, 30, 100) if segments == 1 else (12, 40, 120), ACCURACIES):
            inside, width = held(accuracy, per_class, segments, options.sets, options.resamples)
            cells = [f"{100 * a:.0f} ({100 * b:.0f})" for a, b in zip(inside, width, strict=True)]
            print(f"| {per_class} | {100 * accuracy:.0f} |", " | ".join(cells), "|", flush=True)
    print("\nthe difference of two runs' macro-F1 on the same clips\n")
    print("| clips a class | accuracies | difference |\n|---|---|---|")
    for per_class, (better, worse) in product((3, 10, 30, 100), PAIRS):
        inside, width = held_differences(better, worse, per_class, options.sets, options.resamples)
        words = f"{100 * better:.0f} and {100 * worse:.0f} | {100 * inside:.0f} ({100 * width:.0f})"
        print(f"| {per_class} | {words} |", flush=True)


if __name__ == "__main__":
    main()

"""What the classical baselines take at the paper's size: features of a mel, and every setting of each grid.

The features are drawn, not extracted: 8,000 clips of four classes that overlap, each with one noise copy, in
the shape that `summary` and `course` give. Prints a table in Markdown:

    python bench/baselines.py [MODEL]...
"""

import sys
import time

import numpy as np
from threadpoolctl import threadpool_limits

from audioset_tools.runs.metrics import multi_hot
from audioset_tools.train.baselines import CLASSICAL, standardised, standardiser
from audioset_tools.train.features import course, summary

CLIPS, COPIES, CLASSES, VALIDATION = 8_000, 1, 4, 800

APART = 0.12
"""Between the means of two classes in every feature, in deviations: a quarter to a third of the clips err."""


def draw(extract: object, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Features and classes."""
    labels = np.arange(rows) % CLASSES
    means = APART * np.random.default_rng(0).standard_normal((CLASSES, 120))
    if extract is summary:
        features = means[labels] + rng.standard_normal((rows, 120))
    else:
        features = means[labels][:, None, :20] + rng.standard_normal((rows, 100, 20))
    return features.astype(np.float32), multi_hot(labels, CLASSES)


def main(models: list[str]) -> None:
    """Measure and print."""
    rng = np.random.default_rng(1)
    mels = rng.random((64, 128, 801), np.float32)
    with threadpool_limits(1):
        for name, extract in (("summary", summary), ("course", course)):
            began = time.perf_counter()
            extract(mels, False)
            print(f"{name} of a mel: {1000 * (time.perf_counter() - began) / len(mels):.1f} ms", flush=True)
        print("\n| model | settings | rows | fit (s) | 800 clips judged (s) | accuracy (%) |")
        print("|---|---|---|---|---|---|")
        for model in models:
            baseline = CLASSICAL[model]
            features, target = draw(baseline.extract, CLIPS * (1 + COPIES), rng)
            judged, truth = draw(baseline.extract, VALIDATION, rng)
            scaling = standardiser(features)
            features, judged = standardised(features, scaling), standardised(judged, scaling)
            # The last once more, on the noise copies too.
            for settings, rows in [
                *((each, CLIPS) for each in baseline.grid),
                (baseline.grid[-1], len(features)),
            ]:
                began = time.perf_counter()
                tensors = baseline.fit(features[:rows], target[:rows], settings, 0, False)
                fitted = time.perf_counter()
                scores = baseline.score(tensors, judged, False)
                right = (scores.argmax(axis=1) == truth.argmax(axis=1)).mean()
                words = ", ".join(f"{name} {value:g}" for name, value in settings.items())
                print(
                    f"| {model} | {words} | {rows:,} | {fitted - began:.1f}"
                    f" | {time.perf_counter() - fitted:.2f} | {100 * right:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main(sys.argv[1:] or list(CLASSICAL))

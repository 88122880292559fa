"""What `predict --unsure` leaves unnamed: clips of another soundfont, and noise, which is no class.

    python bench/unsure.py [--folder DIR] [--model compact] [--noises 10]

Needs what `domains.py` needs, and makes its sounds and trains the model where DIR does not hold them yet. The
model is trained on domain A; the first table has all clips of B, the second white and pink noises of any
level, each as `predict` hears it.
"""

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import soundfile
from degrade import RATE, noise
from domains import CLIP_S, DOMAINS, make_workspace, require_tools

from audioset_tools import Workspace, evaluate, predict, train
from audioset_tools.predict.timeline import Timeline
from audioset_tools.runs.folder import is_finished

THRESHOLDS = (0.0, 0.5, 0.6, 0.7, 0.8)


def clips_table(run: Path, elsewhere: Workspace) -> None:
    """How many clips a class is named for at each threshold, and how many of these names are right."""
    found = evaluate(elsewhere, run).predictions
    surest, right = found.probability.max(axis=1), found.predicted == found.actual
    print(f"\n| {len(right)} clips: --unsure | a class is named | and is right |\n|---|---|---|")
    for threshold in THRESHOLDS:
        named = surest >= threshold
        print(f"| {threshold:g} | {100 * named.mean():.0f} % | {100 * right[named].mean():.0f} % |")


def noises_table(run: Path, count: int) -> None:
    """Which class is named for noises at each threshold."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        for number in range(count):
            sound = noise(RATE * CLIP_S, rng)
            level = 10 ** rng.uniform(-2, -0.1) / np.abs(sound).max()
            soundfile.write(Path(name, f"{number}.wav"), level * sound, RATE)
        heard = [one for one in predict([name], run, unsure=0) if isinstance(one, Timeline)]
    print(f"\n| {len(heard)} noises: --unsure | named |\n|---|---|")
    for threshold in THRESHOLDS:
        named = Counter(
            one.class_names[int(one.probability[0].argmax())]
            for one in heard
            if one.probability[0].max() >= threshold
        )
        print(f"| {threshold:g} | {', '.join(f'{name} {n}' for name, n in named.most_common()) or 'none'} |")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "domains")
    parser.add_argument("--per-class", type=int, default=160)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--noises", type=int, default=10)
    arguments = parser.parse_args()
    require_tools()
    of_training, elsewhere = (
        make_workspace(domain, arguments.per_class, arguments.folder) for domain in DOMAINS
    )
    run = of_training.runs / arguments.model
    if not is_finished(run):
        train(of_training, arguments.model, threads=1)
    clips_table(run, elsewhere)
    noises_table(run, arguments.noises)


if __name__ == "__main__":
    main()

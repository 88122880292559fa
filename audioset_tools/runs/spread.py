"""How far a model's figures spread over seeds: what one run alone does not say."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..types import Table
from ..words import counted
from .compare import compare
from .folder import read_config

MOST_SEEDS = 4
"""That have a column each in the printed table."""


@dataclass(frozen=True, slots=True)
class Spread:
    """F1 of one model on the same test clips, between 0 and 1, seed by seed.

    Args:
        macro_f1: means over the classes, the Total of the paper's Table 2.
        micro_f1: of all decisions together.
        clips: how many it was tested on.
    """

    model: str
    seeds: tuple[int, ...]
    macro_f1: tuple[float, ...]
    micro_f1: tuple[float, ...]
    clips: int


def spreads(runs: Sequence[Path]) -> list[Spread]:
    """Runs by their models, the one with the best mean macro-F1 first.

    Args:
        runs: folders of finished runs that differ in model and seed alone.

    Raises:
        DataMismatch: one is damaged.
    """
    found = []
    compared = [(int(read_config(run.path).config["seed"]), run) for run in compare(runs)]
    for model in dict.fromkeys(run.model for _, run in compared):
        of_model = sorted(
            ((seed, run) for seed, run in compared if run.model == model), key=lambda pair: pair[0]
        )
        found.append(
            Spread(
                model=model,
                seeds=tuple(seed for seed, _ in of_model),
                macro_f1=tuple(run.macro_f1 for _, run in of_model),
                micro_f1=tuple(run.micro_f1 for _, run in of_model),
                clips=len(of_model[0][1].clips),
            )
        )
    return sorted(found, key=lambda spread: -statistics.mean(spread.macro_f1))


def deviation(figures: Sequence[float]) -> float | None:
    """The standard deviation of a sample (over n - 1); None of a single figure, which has none."""
    return statistics.stdev(figures) if len(figures) > 1 else None


def spread_table(found: Sequence[Spread]) -> Table:
    """For people; the seeds have columns as long as they are few."""
    seeds = sorted({seed for spread in found for seed in spread.seeds})
    shown = seeds if len(seeds) <= MOST_SEEDS else []
    header = ("model", "F1", *(f"seed {seed}" for seed in shown), "mean", "SD", "min to max")
    rows = []
    for spread in found:
        for name, figures in (("macro", spread.macro_f1), ("micro", spread.micro_f1)):
            by_seed = dict(zip(spread.seeds, figures, strict=True))
            cells = [_percent(by_seed.get(seed)) for seed in shown]
            ends = f"{_percent(min(figures))} to {_percent(max(figures))}"
            middle = (_percent(statistics.mean(figures)), _percent(deviation(figures)))
            rows.append((spread.model, name, *cells, *middle, ends))
    on = f"{counted(found[0].clips, 'test clip')}, over {counted(len(seeds), 'seed')}"
    title = f"F1 in % on {on} (SD: of a sample)\nmacro is the Total of the paper's Table 2"
    of_seeds = tuple(range(2, 2 + len(shown)))
    return Table(title, header, tuple(rows), optional=(of_seeds,) if shown else ())


def spread_json(found: Sequence[Spread]) -> dict[str, Any]:
    """For programs: fractions."""
    return {
        "models": [
            {
                "model": spread.model,
                "seeds": list(spread.seeds),
                **{
                    name: {
                        "of_seeds": list(figures),
                        "mean": statistics.mean(figures),
                        "standard_deviation": deviation(figures),
                        "min": min(figures),
                        "max": max(figures),
                    }
                    for name, figures in (("macro_f1", spread.macro_f1), ("micro_f1", spread.micro_f1))
                },
            }
            for spread in found
        ]
    }


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f}"

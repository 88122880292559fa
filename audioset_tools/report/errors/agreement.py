"""How far annotators agree beyond what chance would give: Cohen's kappa, through scikit-learn.

Cohen (1960), A coefficient of agreement for nominal scales. For several annotators the mean over all pairs:
Light (1971), Measures of response agreement for qualitative data.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from sklearn.metrics import cohen_kappa_score

from .answers import Cause
from .merge import Verdict


@dataclass(frozen=True, slots=True)
class Pair:
    """Two annotators.

    Args:
        first, second: their names.
        clips: for how many clips both named a cause.
        same: for how many the same one.
        kappa: Cohen's; None where it is not defined.
    """

    first: str
    second: str
    clips: int
    same: int
    kappa: float | None

    @property
    def undefined(self) -> str:
        """Why there is no kappa; empty if there is one."""
        if self.kappa is not None:
            return ""
        return "both named one cause for all clips" if self.clips else "no clip in common"


def agreement(verdicts: Iterable[Verdict]) -> tuple[Pair, ...]:
    """Every pair of annotators, by name."""
    said: dict[str, dict[str, Cause]] = {}
    for verdict in verdicts:
        for answer in verdict.answers:
            if answer.cause is not None:
                said.setdefault(answer.annotator, {})[answer.key] = answer.cause
    return tuple(_pair(first, second, said) for first, second in combinations(sorted(said), 2))


def mean_kappa(pairs: Iterable[Pair]) -> float | None:
    """The mean over the pairs whose kappa is defined, or None if there are none."""
    defined = [pair.kappa for pair in pairs if pair.kappa is not None]
    return fmean(defined) if defined else None


def _pair(first: str, second: str, said: dict[str, dict[str, Cause]]) -> Pair:
    keys = sorted(said[first].keys() & said[second].keys())
    one, two = ([str(said[name][key]) for key in keys] for name in (first, second))
    same = sum(a == b for a, b in zip(one, two, strict=True))
    # With one cause throughout, chance alone agrees always: 0 / 0.
    kappa = float(cohen_kappa_score(one, two)) if len({*one, *two}) > 1 else None
    return Pair(first, second, len(keys), same, kappa)

"""The ranked candidates as CSV, for other tools and for the simulator."""

from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import EnvironmentProblem
from ..workspace import write_beside
from .official import SUBSETS
from .select import Queue, Selection


def write_candidates(selection: Selection, target: Path) -> None:
    """Write `key,ytid,start_ms,end_ms,class,also,tier,rank,subset`, by class and rank.

    Raises:
        EnvironmentProblem: the file cannot be written.
    """
    frame = pd.concat([_frame(selection, queue) for queue in selection.queues], ignore_index=True)
    try:
        with write_beside(target) as temporary:
            frame.to_csv(temporary, index=False, lineterminator="\n")
    except OSError as error:
        raise EnvironmentProblem(
            f"{target} cannot be written: {error.strerror}", "Choose another --out file, or make room."
        ) from error


def _frame(selection: Selection, queue: Queue) -> pd.DataFrame:
    catalog = selection.catalog
    also = np.full(len(catalog.label_sets), "", dtype=object)
    for labels, names in selection.also.items():
        also[labels] = ";".join(names)
    ytid = pd.Series(catalog.ytid[queue.rows].astype("U11"), dtype=object)
    start_ms = catalog.start_ms[queue.rows]
    return pd.DataFrame(
        {
            "key": ytid + "_" + pd.Series(start_ms).astype(str),
            "ytid": ytid,
            "start_ms": start_ms,
            "end_ms": catalog.end_ms[queue.rows],
            "class": queue.class_name,
            "also": also[catalog.labels[queue.rows]],
            "tier": queue.tiers,
            "rank": np.arange(len(queue)),
            "subset": np.array(SUBSETS, dtype=object)[catalog.subset[queue.rows]],
        }
    )

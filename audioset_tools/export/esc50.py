"""ESC-50's layout: `audio/` and `meta/esc50.csv`, a fold a split, one class a clip.

Source: https://github.com/karolpiczak/ESC-50. Readers take `filename`, `fold`, `target` and `category` from
the table; our file names have none of the fields that ESC-50's own do.
"""

from ..exceptions import UsageError
from ..shards.placements import SPLITS
from .examples import Exported
from .part import ExportPlan, csv_part

_HEADER = ("filename", "fold", "target", "category", "src_file", "split")


def plan(data: Exported) -> ExportPlan:
    """The table; the clips are linked.

    Raises:
        UsageError: a clip may carry several classes.
    """
    if data.multi_label:
        raise UsageError(
            "ESC-50's table has room for one class a clip, and here a clip may have several",
            "Export with --targets classes of a recipe of single classes, or in another format.",
        )
    rows = [
        (
            *(f"{one.name}.wav", SPLITS.index(one.split) + 1, one.targets[0]),
            *(data.target_names[one.targets[0]], one.key, one.split),
        )
        for one in data.examples
    ]
    return ExportPlan([csv_part("meta/esc50.csv", _HEADER, rows)])

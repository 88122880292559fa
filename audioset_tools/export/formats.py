"""The formats by name, and what each needs."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # `--help` names the formats, and must be instant.
    from .examples import Exported
    from .part import ExportPlan


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A form that somebody's reader reads.

    Args:
        words: what it is, for `--help`.
        extra: the extra that writing it needs; "" for none.
        linked: whether its tables name the clips' files, which are then linked to `audio/`.
        targets: what its readers expect the targets to count, one of `TARGETS`.
        bare: whether it has room for a clip without any target.
    """

    words: str
    extra: str = ""
    linked: bool = False
    targets: str = "classes"
    bare: bool = True


FORMATS = {
    "esc50": ExportFormat("a table as ESC-50's, and the clips beside it", linked=True),
    "panns": ExportFormat("samples at 32 kHz in HDF5, as PANNs has them", targets="mids", bare=False),
    "passt": ExportFormat(
        "MP3s at 32 kHz in HDF5, as PaSST and EfficientAT have them", targets="mids", bare=False
    ),
    "ast": ExportFormat("AST's lists, and the clips beside them", linked=True, targets="mids", bare=False),
    "kaldi": ExportFormat("Kaldi's data folders, and the clips beside them", linked=True, bare=False),
    "hf": ExportFormat("parquet as `datasets` loads it, a data card and croissant.json", extra="archives"),
    "lhotse": ExportFormat(
        "recordings, supervisions and cuts, and the clips beside them", linked=True, bare=False
    ),
    "webdataset": ExportFormat("tars of clips, their targets and what is known of them"),
}


def plan_of(name: str) -> "Callable[[Exported], ExportPlan]":
    """What plans a format; its module is imported now, and with it the package that it needs."""
    planner: Callable[[Exported], ExportPlan] = import_module(f".{name}", __package__).plan
    return planner

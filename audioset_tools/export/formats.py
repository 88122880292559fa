"""The formats by name, and what each needs."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from .examples import Exported
from .part import ExportPlan


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A form that somebody's reader reads.

    Args:
        words: what it is, for `--help`.
        extra: the extra that writing it needs; "" for none.
        linked: whether its tables name the clips' files, which are then linked to `audio/`.
    """

    words: str
    extra: str = ""
    linked: bool = False


FORMATS = {
    "esc50": ExportFormat("a table as ESC-50's, and the clips beside it", linked=True),
}


def plan_of(name: str) -> Callable[[Exported], ExportPlan]:
    """What plans a format; its module is imported now, and with it the package that it needs."""
    planner: Callable[[Exported], ExportPlan] = import_module(f".{name}", __package__).plan
    return planner

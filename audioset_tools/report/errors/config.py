"""What people are asked: the settings of the page and of its server."""

from dataclasses import dataclass
from pathlib import Path

from ...errors import UsageError
from .answers import annotator_names


@dataclass(frozen=True, slots=True)
class ErrorsConfig:
    """Settings of an error analysis.

    Args:
        per_class: misclassified clips of each actual class; the paper's 30 (section 5).
        seed: of the drawing.
        annotators: names to choose from, each alone or several with commas between them.
        metadata: folder with AudioSet's lists; None for the workspace's.
        out: folder of the page; None for one in the run's.
        serve: whether to serve the page.
        port: where; 0 for the run's own.

    Raises:
        UsageError: an impossible setting.
    """

    per_class: int = 30
    seed: int = 0
    annotators: tuple[str, ...] = ()
    metadata: Path | None = None
    out: Path | None = None
    serve: bool = False
    port: int = 0

    def __post_init__(self) -> None:
        if self.per_class < 1:
            raise UsageError("--per-class must be at least 1", "The paper listened to 30 of each class.")
        # Names that differ by blanks alone are one name.
        object.__setattr__(self, "annotators", annotator_names(self.annotators))

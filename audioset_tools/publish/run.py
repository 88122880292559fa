"""From a workspace to one folder for a paper or a hub; run again, it writes what lacks or has changed."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from ..exceptions import DataMismatch, UsageError
from ..export.documents.croissant import CROISSANT, croissant_of_table
from ..export.examples import Exported, read_exported
from ..export.folder import read_contents
from ..export.part import ExportPart, ExportPlan, FileThere, copy_part, csv_part, json_part, text_part
from ..export.write import ExportResult, Target, write_export
from ..manifest.document import manifest_text
from ..manifest.freeze import make_manifest
from ..runs.folder import PREDICTIONS, is_finished, read_config, read_metrics, run_folders
from ..tasks.division import Division
from ..types import OnProgress, silent
from ..workspace import AnyPath, Workspace, folder_name
from .cards import citation, data_card, model_card

OF_A_RUN = (
    *("config.json", "history.csv", "metrics.json", "predictions.csv", "confusion.csv", "tables.txt"),
    *("model.safetensors", "curves.png", "confusion.png", "reliability.png"),
)
"""Of a run's folder, what is published where it is there."""

NOBODY = "the makers of this data set"

_SCRIPT = Path(__file__).with_name("tables.py")


def publish(
    workspace: Workspace,
    out: AnyPath,
    *,
    title: str | None = None,
    authors: Sequence[str] = (),
    with_audio: bool = False,
    metadata: AnyPath | None = None,
    on_progress: OnProgress = silent,
) -> ExportResult:
    """Write all that others need to check a data set and what was learned from it, and to make it again.

        publish(Workspace("audioset"), "published", authors=["Ada Lovelace"])

    Args:
        workspace: as `fetch`, `featurize` and `train` left it; all its finished runs are published.
        out: a new folder, or one that was published before.
        title: of the data set; made of the recipe's name if left out.
        authors: who made it, for `CITATION.cff`.
        with_audio: whether the clips come along, as links or copies; they belong to those who uploaded them.
        metadata: folder with AudioSet's label file; the workspace's own if left out.
        on_progress: called as files are written.

    Raises:
        UsageError: there is no such workspace, or `out` holds something else.
        DataMismatch: no clips, or a clip, a run or a file gone or damaged.
        EnvironmentProblem: the disk is full, or another process writes to the workspace.
    """
    folder = Path(out)
    target = Target(folder, "publish", "classes", read_contents(folder, "publish", "classes"))
    data = read_exported(workspace, "classes", None if metadata is None else Path(metadata))
    plan = ExportPlan(
        parts=[
            text_part("README.md", data_card(data, title or data.name, with_audio)),
            text_part("CITATION.cff", citation(title or data.name, authors or [NOBODY])),
            text_part("manifest.json", manifest_text(make_manifest(workspace, on_progress))),
            copy_part("dataset.csv", workspace.dataset),
            copy_part("tables.py", _SCRIPT),
            *_runs(workspace),
            *([_names(data)] if with_audio else []),
        ],
        notes=tuple(_notes(authors, with_audio)),
        closing={CROISSANT: partial(_croissant, data)},
    )
    return write_export(target, data, plan, data.examples if with_audio else (), Division(), on_progress)


def _notes(authors: Sequence[str], with_audio: bool) -> Iterator[str]:
    if not authors:
        yield "CITATION.cff names no author; --author NAME does, and may be given several times"
    if with_audio:
        yield (
            "the clips are in audio/: they belong to those who uploaded them, so hand them on only as your"
            " law and YouTube's terms allow; without --with-audio others fetch them again by manifest.json"
        )


def _runs(workspace: Workspace) -> Iterator[ExportPart]:
    names: set[str] = set()
    for run in filter(is_finished, run_folders(workspace.runs)):
        name = folder_name(run.name)
        if name in names:
            raise UsageError(
                f"two runs of {workspace.runs} would be called {name}", "Rename one of their folders."
            )
        names.add(name)
        if not (run / PREDICTIONS).exists():
            raise DataMismatch(f"{run} has no {PREDICTIONS}", f"Run `audioset-tools evaluate {run}`.")
        card = model_card(name, read_config(run), read_metrics(run))
        yield text_part(f"runs/{name}/README.md", card)
        yield from (
            copy_part(f"runs/{name}/{file}", run / file) for file in OF_A_RUN if (run / file).exists()
        )


def _names(data: Exported) -> ExportPart:
    rows = [(one.key, f"audio/{one.name}.wav", one.split) for one in data.examples]
    return csv_part("audio.csv", ("key", "file", "split"), rows)


def _croissant(data: Exported, files: Mapping[str, FileThere]) -> ExportPart:
    return json_part(CROISSANT, croissant_of_table(data, files["dataset.csv"]))

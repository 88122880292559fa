"""The error analysis of a run: people are asked about its mistakes, and the causes they name are counted.

What an audit suspects is asked about in the same way; its answers and its page lie beside `audit.csv`. Of a
run or an audit whose folder is another one's, the answers lie beside the page, in the folder that was given.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..audit.suspects import NAME as AUDIT
from ..disks import nearest_existing
from ..exceptions import UsageError
from ..runs.folder import PREDICTIONS, find_run, require_place, workspace_of
from ..types import OnProgress, Progress, silent
from ..workspace import ANSWERS, Workspace, printable
from .answers import annotator_names, import_answers, read_answers, store_answers
from .mistakes import Mistakes, draw, label_names, read_audited, read_mistakes
from .page import Made, make_page
from .secret import keep_secret
from .server import listen, make_app, serve
from .table3 import Analysis, Rule, analyse, merge, write_relabel, write_table3


@dataclass(frozen=True, slots=True)
class ErrorsConfig:
    """Which mistakes people are asked about, and where.

    Args:
        per_class: misclassified clips of each actual class; the paper's 30 (section 5).
        seed: another one draws other clips.
        annotators: names to choose from, each alone or several with commas between them.
        metadata: folder with AudioSet's lists, for the labels; None for the workspace's.
        out: folder of the page; None for one in the run's. An audit is looked for there first.
        serve: whether to serve the page on this machine and keep the answers.
        port: where it is served; 0 for the run's own.

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


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What an import came to: the file of the run's answers, and how many are new and were known already."""

    answers: Path
    new: int
    known: int


def ask(
    workspace: Workspace,
    run: str | None,
    config: ErrorsConfig = ErrorsConfig(),
    *,
    on_ready: Callable[[Made, str], object] = lambda made, address: None,
    on_progress: OnProgress = silent,
) -> Made:
    """Write the page that asks people about a run's mistakes, and serve it until Ctrl-C if `config` says so.

    Args:
        run: its name in the workspace, or the path of its folder; None for what the audit suspects.
        on_ready: called with the page and its address once it is served.
        on_progress: called with what takes long, and with what the page cannot show.

    Raises:
        UsageError: there is no such run, a list is missing, or the port is taken.
        DataMismatch: the predictions, the stored answers, `dataset.csv` or a list is damaged.
        EnvironmentProblem: answers cannot be stored.
    """
    folder, mistakes = _subject(workspace, run, config.out)
    out = config.out or folder / "errors"
    require_place(out)
    workspace, kept = workspace_of(folder, workspace), _answers_place(folder, config.out)
    answers = kept / ANSWERS
    if config.serve:
        # What is damaged, or cannot be written to, is reported now and not when somebody has answered.
        read_answers(answers)
        store_answers(answers, [])
    drawn = draw(mistakes, config.per_class, config.seed)
    labels = label_names({one.key for one in drawn}, config.metadata, workspace.metadata)
    on_progress(
        Progress(0, 1, f"clips drawn: {len(drawn):,}; what is lacking of their sounds and pictures is made")
    )
    made = make_page(out, workspace, folder.name, mistakes, drawn, config.annotators, labels)
    for remark in made.remarks:
        on_progress(Progress(1, 1, remark))
    if config.serve:
        with listen(config.port, kept) as listening:
            on_progress(Progress(1, 1, f"Answers go to {printable(answers)}; Ctrl-C stops."))
            secret = keep_secret(kept, listening.getsockname()[1])
            app = make_app(made, mistakes.by_key, answers, secret)
            serve(app, listening, secret, lambda address: on_ready(made, address))
    return made


def take_in(workspace: Workspace, run: str | None, files: Iterable[Path], out: Path | None = None) -> TakenIn:
    """Add what pages exported to the answers of a run; the same file twice changes nothing.

    Args:
        run: its name in the workspace, or the path of its folder; None for what the audit suspects.
        out: folder of the page, where the answers lie if the run is another one's.

    Raises:
        UsageError: there is no such run.
        DataMismatch: a file, or what is stored already, is damaged; nothing was added.
        EnvironmentProblem: the answers cannot be stored; nothing was added.
    """
    folder, mistakes = _subject(workspace, run, out)
    answers = _answers_place(folder, out) / ANSWERS
    new, known = import_answers(answers, files, mistakes.by_key)
    return TakenIn(answers, new, known)


def tabulate(
    workspace: Workspace,
    run: str | None,
    rule: Rule | str = Rule.PAPER,
    *,
    csv: Path | None = None,
    relabel: Path | None = None,
    out: Path | None = None,
) -> Analysis:
    """Count the causes that people named: the paper's Table 3, their agreement, and the clips to relabel.

    Args:
        run: its name in the workspace, or the path of its folder; None for what the audit suspects.
        rule: how several answers for a clip become one.
        csv: a file for Table 3.
        relabel: a file for the clips to relabel, as an exclusion list.
        out: folder of the page, where the answers lie if the run is another one's.

    Raises:
        UsageError: there is no such run.
        DataMismatch: nobody has answered yet, or the predictions or the stored answers are damaged.
    """
    folder, mistakes = _subject(workspace, run, out)
    rule, answers = Rule(rule), read_answers(_answers_place(folder, out) / ANSWERS)
    found = analyse(mistakes, merge(mistakes.wrong, answers, rule), rule)
    if csv is not None:
        write_table3(csv, found.rows)
    if relabel is not None:
        write_relabel(relabel, found.relabel)
    return found


def _answers_place(folder: Path, out: Path | None) -> Path:
    """Where answers lie: with the run or the audit or, where that is another one's, in the folder given."""
    if out is None or os.access(nearest_existing(folder), os.W_OK):
        return folder
    return out


def _subject(workspace: Workspace, run: str | None, out: Path | None) -> tuple[Path, Mistakes]:
    """What is asked about, and its folder."""
    if run is None:
        folder = out if out is not None and (out / AUDIT).is_file() else workspace.existing().audit
        return folder, read_audited(folder / AUDIT)
    folder = find_run(workspace, run, PREDICTIONS)
    return folder, read_mistakes(folder / PREDICTIONS)

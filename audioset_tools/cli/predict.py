"""`audioset-tools predict`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..exceptions import DataMismatch
from ..workspace import Workspace
from .command import OR_ID, Command
from .options import (
    FILE,
    device_option,
    embedding_option,
    json_option,
    needing,
    run_option,
    workspace_option,
)

if TYPE_CHECKING:
    from ..predict.timeline import Timeline, Unreadable

ANY = click.Path(path_type=Path)


@click.command(cls=Command)
@click.argument("recordings", metavar="FILE|FOLDER|ID...", nargs=-1, required=True, type=OR_ID)
@workspace_option
@run_option
@click.option(
    "--hop", "hop_s", type=float, default=5.0, show_default=True, metavar="SECONDS",
    help="From one ten-second window to the next.",
)  # fmt: skip
@click.option(
    "--unsure", type=float, metavar="PROBABILITY",
    help="Name no class that is less probable; 0 to name one always.  [default: 0.5]",
)  # fmt: skip
@click.option("--csv", "csv_file", type=FILE, help="Write every window's answer to this file.")
@click.option(
    "--png",
    type=ANY,
    metavar="FILE|FOLDER",
    help="Draw a timeline; for several recordings, a folder of them.",
)
@click.option(
    "--html",
    type=ANY,
    metavar="FILE|FOLDER",
    help="Write a page to listen along with; for several recordings, a folder of them and an index.",
)
@device_option
@embedding_option
@json_option
def predict(
    recordings: tuple[str, ...],
    workspace: Workspace,
    run: str | None,
    hop_s: float,
    unsure: float | None,
    csv_file: Path | None,
    png: Path | None,
    html: Path | None,
    device: str,
    embedding: Path | None,
    as_json: bool,
) -> None:
    """Say what instruments are active when in any recordings."""
    with needing("train"):
        from ..predict.run import PredictConfig, each_answer
        from ..predict.targets import Targets
    from .. import console
    from ..predict.summary import answer_json
    from ..predict.timeline import Unreadable, find_recordings
    from ..runs.folder import find_run, is_unfinished
    from ..workspace import printable

    if html is not None:
        with needing("report"):
            from ..predict import page  # noqa: F401
    found, config = find_recordings(recordings, workspace), PredictConfig(hop_s, unsure)
    # Published weights need no workspace.
    folder = find_run(workspace if run is None or workspace.root.is_dir() else None, run)
    bad: list[str] = []

    def answers() -> "Iterator[Timeline | Unreadable]":
        """Each recording's answer, after what a user should know of it."""
        with needing("train"), console.bar("recording") as show:
            each = each_answer(
                found,
                folder,
                config,
                targets=Targets(csv_file, png, html),
                device=device,
                embedding=embedding,
                on_progress=show,
            )
            if is_unfinished(folder):
                console.say(f"the run {printable(folder)} is not finished; its best weights so far answer")
            for answer in each:
                name = printable(answer.recording.path)
                if isinstance(answer, Unreadable):
                    bad.append(f"{name}: {answer.why}")
                    if len(found) > 1:
                        console.say(bad[-1])
                else:
                    for note in answer.notes:
                        console.say(f"{name}: {note}")
                yield answer

    if as_json:
        console.result_json_rows("recordings", map(answer_json, answers()))
    else:
        _print(answers(), alone=len(found) == 1)
    for target in (png, html):
        if target is not None and len(bad) < len(found):
            console.say(f"drew {printable(target)}")
    if bad:
        raise DataMismatch(
            bad[0] if len(found) == 1 else f"{len(bad):,} of {len(found):,} recordings could not be decoded",
            "Give recordings that ffmpeg can decode; the results of all others stand.",
        )


def _print(answers: "Iterable[Timeline | Unreadable]", alone: bool) -> None:
    """All about a recording that is alone, or a row of each."""
    from .. import console
    from ..predict.summary import headline, recording_row, recording_tables, recordings_table
    from ..predict.timeline import Timeline

    rows, tables, line = [], [], ""
    for answer in answers:
        if isinstance(answer, Timeline):
            rows.append(recording_row(answer))
            line, tables = headline(answer), recording_tables(answer)
    if alone and line:
        console.result(f"{line}\n")
    for table in tables if alone else [recordings_table(rows)]:
        console.table(table)

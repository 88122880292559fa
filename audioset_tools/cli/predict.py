"""`audioset-tools predict`."""

from collections.abc import Iterator
from pathlib import Path

import click

from ..errors import DataMismatch
from .options import FILE, FOLDER, json_option, needing

ANY = click.Path(path_type=Path)


@click.command()
@click.argument("recordings", metavar="FILE|FOLDER...", nargs=-1, required=True, type=ANY)
@click.option("--run", "folder", type=FOLDER, required=True, help="Folder of the trained run.")
@click.option(
    "--hop", "hop_s", type=float, default=5.0, show_default=True, metavar="SECONDS",
    help="From one ten-second window to the next.",
)  # fmt: skip
@click.option("--csv", "csv_file", type=FILE, help="Write every window's answer to this file.")
@click.option(
    "--png",
    type=ANY,
    metavar="FILE|FOLDER",
    help="Draw a timeline; for several recordings, a folder of them.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@json_option
def predict(
    recordings: tuple[Path, ...],
    folder: Path,
    hop_s: float,
    csv_file: Path | None,
    png: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Say what instruments are heard when in any recordings."""
    with needing("train"):
        from ..train.checkpoint import CHECKPOINT
        from ..train.loop import pick_device
        from ..train.trained import load_run

        if png is not None:
            from ..predict.picture import draw, picture_paths, require_writable
    from .. import console
    from ..predict.files import find_recordings
    from ..predict.heard import Heard, Unheard
    from ..predict.run import PredictConfig, spec_of
    from ..predict.run import predict as listen
    from ..predict.summary import (
        csv_of,
        headline,
        heard_json,
        recording_row,
        recording_tables,
        recordings_table,
    )
    from ..workspace import printable

    config = PredictConfig(hop_s, overview=png is not None)
    found = find_recordings(recordings)
    pictures = picture_paths(png, found) if png is not None else []
    for picture in pictures[:1]:
        require_writable(picture)
    network = load_run(folder, pick_device(device))
    spec = spec_of(network)
    if (folder / CHECKPOINT).exists():
        console.say(f"the run {printable(folder)} is not finished; its best weights so far answer")
    bad: list[str] = []

    def answers() -> Iterator[Heard | Unheard]:
        """What is heard in each recording; files and remarks are written on the way."""
        with csv_of(csv_file, network.about.class_names) as write, console.bar("recordings") as show:
            heard = listen(found, network, config, lambda done, s: show(done, len(found), _ahead(s)))
            for number, answer in enumerate(heard):
                name = printable(answer.recording.path)
                if isinstance(answer, Unheard):
                    bad.append(f"{name}: {answer.why}")
                    if len(found) > 1:
                        console.say(bad[-1])
                else:
                    for note in answer.notes:
                        console.say(f"{name}: {note}")
                    write(answer)
                    if pictures:
                        draw(pictures[number], answer, spec)
                yield answer

    if as_json:
        console.result_json_rows("recordings", map(heard_json, answers()))
    else:
        rows, tables, line = [], [], ""
        for answer in answers():
            if isinstance(answer, Heard):
                rows.append(recording_row(answer))
                line, tables = headline(answer), recording_tables(answer)
        if len(found) == 1 and line:
            console.result(f"{line}\n")
        for table in tables if len(found) == 1 else [recordings_table(rows)]:
            console.table(table)
    if png is not None and len(bad) < len(found):
        console.say(f"drew {printable(png)}")
    if bad:
        raise DataMismatch(
            bad[0] if len(found) == 1 else f"{len(bad):,} of {len(found):,} recordings could not be heard",
            "Give recordings that ffmpeg can decode; what is said of all others stands.",
        )


def _ahead(seconds: float) -> str:
    """How far the next recording is."""
    from ..console import duration

    return f"and {duration(seconds)} of the next" if seconds else ""

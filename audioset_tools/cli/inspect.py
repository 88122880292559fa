"""`audioset-tools inspect`."""

from pathlib import Path

import click

from ..exceptions import UsageError
from ..types import parse_id
from ..workspace import Workspace
from .command import OR_ID, Command
from .options import FILE, json_option, needing, shards_option, workspace_option


@click.command(cls=Command)
@click.argument("what", metavar="SHARD|ID", type=OR_ID)
@workspace_option
@shards_option
@click.option("--png", type=FILE, help="Draw the mel of a clip to this file.")
@click.option("--row", type=int, help="With a SHARD and --png: which of its mels; the first if left out.")
@click.option("--noise", type=int, help="With an ID and --png: which noise copy; the clip if left out.")
@json_option
def inspect(
    what: str,
    workspace: Workspace,
    shards: str | None,
    png: Path | None,
    row: int | None,
    noise: int | None,
    as_json: bool,
) -> None:
    """Show what is inside a shard, or all that is known about a clip, and draw its mel."""
    from .. import console
    from ..inspect.clip import find_clip, inspect_clip, which_row
    from ..inspect.shard import find_shard, inspect_shard
    from ..inspect.summary import clip_json, clip_table, mels_table, shard_json, shard_tables

    meant = parse_id(what)
    if (row if meant else noise) is not None or (png is None and (row, noise) != (None, None)):
        raise UsageError(
            "--row goes with a SHARD, --noise with an ID, and both with --png",
            "Write: audioset-tools inspect SHARD --png FILE --row N, or: inspect ID --png FILE --noise N",
        )
    if png is not None:
        with needing("train"):
            from ..inspect.picture import draw
    if meant:
        clip = inspect_clip(find_clip(meant, workspace, shards), workspace, shards)
        if png is not None:
            mel = which_row(clip, noise or 0)
            draw(png, workspace.root / mel.shard, mel.row)
        tables, content = [clip_table(clip), mels_table(clip)], clip_json(clip)
    else:
        path = find_shard(what, workspace, shards)
        shard = inspect_shard(path)
        if png is not None:
            draw(png, path, row or 0)
        tables, content = shard_tables(shard), shard_json(shard)
    if as_json:
        console.result_json(content)
    else:
        for table in tables:
            if table.rows:
                console.table(table)
    if png is not None:
        console.say(f"drew {png}")

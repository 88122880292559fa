"""`audioset-tools inspect`."""

from pathlib import Path

import click

from ..exceptions import UsageError
from ..types import KEY
from ..workspace import Workspace
from .options import FILE, json_option, needing, workspace_option


class _Keys(click.Command):
    """Takes a clip's key for what it is, also where it begins with `-`."""

    def parse_args(self, context: click.Context, words: list[str]) -> list[str]:
        keys = [word for word in words if KEY.fullmatch(word)]
        if "--" not in words:
            words = [*(word for word in words if word not in keys), "--", *keys] if keys else words
        return super().parse_args(context, words)


@click.command(cls=_Keys)
@click.argument("what", metavar="SHARD|KEY")
@workspace_option
@click.option("--shards", metavar="NAME", help="Which folder of shards, if there are several.")
@click.option("--png", type=FILE, help="Draw the mel of a clip to this file.")
@click.option("--row", type=int, help="With a SHARD and --png: which of its mels; the first if left out.")
@click.option("--noise", type=int, help="With a KEY and --png: which noise copy; the clip if left out.")
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
    from ..inspect.clip import inspect_clip, which_row
    from ..inspect.shard import find_shard, inspect_shard
    from ..inspect.summary import clip_json, clip_table, mels_table, shard_json, shard_tables

    is_key = KEY.fullmatch(what) is not None
    if (row if is_key else noise) is not None or (png is None and (row, noise) != (None, None)):
        raise UsageError(
            "--row goes with a SHARD, --noise with a KEY, and both with --png",
            "Write: audioset-tools inspect SHARD --png FILE --row N, or: inspect KEY --png FILE --noise N",
        )
    if png is not None:
        with needing("train"):
            from ..inspect.picture import draw
    if is_key:
        clip = inspect_clip(what, workspace, shards)
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

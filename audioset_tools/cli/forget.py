"""`audioset-tools forget`."""

import click

from ..exceptions import UsageError
from ..workspace import Workspace
from .options import workspace_option


class _Ids(click.Command):
    """Tells whoever gives an id that begins with `-` how to write it."""

    def parse_args(self, context: click.Context, words: list[str]) -> list[str]:
        try:
            return super().parse_args(context, words)
        except click.NoSuchOption as error:
            raise UsageError(
                f"there is no option {error.option_name}",
                "Ids come last; behind -- they may begin with - : audioset-tools forget -- -abcdefghiA",
            ) from error


@click.command(cls=_Ids)
@click.argument("ytids", metavar="YTID...", nargs=-1, required=True)
@workspace_option
def forget(ytids: tuple[str, ...], workspace: Workspace) -> None:
    """Remove clips everywhere, as a take-down asks for, and never fetch them again."""
    from .. import console
    from ..removal.run import forget as erase

    erased = erase(workspace, ytids)
    for path in (*erased.clips, *erased.pages, *erased.shards):
        console.result(f"erased {path}")
    for path, n in erased.rows:
        console.result(f"erased {n:,} row{'s' if n > 1 else ''} of {path}")
    console.result(f"forgotten: {', '.join(dict.fromkeys(ytids))}; no fetch will ask for it again")
    if erased.shards:
        console.say(
            "The shards are unfinished now; run: audioset-tools fetch, and then: audioset-tools featurize"
        )
    elif erased.clips:
        console.say("The next fetch gives the place to the next candidate.")
    if erased.anything and erased.weights:
        console.say(f"What was learned cannot be undone. Delete {', '.join(erased.weights)} if it matters.")

"""A workspace met with another recipe says what differs and the way on, and the way on is one."""

import json
import shlex
import sqlite3
from collections.abc import Callable
from pathlib import Path

from audioset_tools.catalog.official import manifest
from audioset_tools.simulator import Plan, Simulator
from tests.commands.conftest import CLASSES, World, calm, contents, fetch_words, run


def test_a_changed_recipe_takes_the_clips_that_are_there_into_a_new_workspace(
    world: World, fetched: Path, serve: Callable[[Plan], Simulator], tmp_path: Path
) -> None:
    recipe = tmp_path / "my recipe.toml"
    text = manifest("paper.toml").read_text().replace("seed = 2019", "seed = 7")
    recipe.write_text(text.replace("least_seconds = 10 ", "least_seconds = 9.5 "))
    again = ["--recipe", str(recipe), "--per-class", "4", "--metadata", str(world.lists)]
    before = contents(fetched)
    refused = run("fetch", *again, "--workspace", str(fetched), "--source", f"local:{tmp_path}")
    assert refused.returncode == 6
    assert f"{fetched} was made with another recipe than {recipe} as it is now" in refused.stderr
    assert "(seed (2019 there, 7 here); least_seconds (10 there, 9.5 here))" in refused.stderr
    assert contents(fetched) == before

    _, told, _ = refused.stderr.split("`")
    program, *words = shlex.split(told)
    assert program == "audioset-tools"
    new = Path(words[words.index("--workspace") + 1])
    assert (new.parent, new.exists()) == (fetched.parent, False)
    taken = run(*words, "--per-class", "4", "--json")
    # The other seed asks for other clips of each class; those of the old workspace alone do not fill it.
    assert taken.returncode in (0, 3), taken.stderr
    classes = json.loads(taken.stdout)["classes"]
    assert all(one["verified"] == 4 for one in classes.values())
    assert contents(new) == before
    with sqlite3.connect(new / "ledger.sqlite") as db:
        assert {source for (source,) in db.execute("SELECT source FROM clip")} == {
            f"local {Path(name).relative_to('clips')} wav/pcm_s16le 16000 Hz 10.00 s" for name in before
        }
    db.close()

    more = [*fetch_words(world, serve(calm(world.plan)), new, per_class=5), "--recipe", str(recipe)]
    done = run(*more)
    assert done.returncode == 0, done.stderr
    after = contents(new)
    assert len(after) == 5 * len(CLASSES)
    assert after.items() > before.items()

    # The workspace knows its recipe, also without the file.
    recipe.unlink()
    told = run("select", "--metadata", str(world.lists), "--workspace", str(new), "--json")
    assert json.loads(told.stdout)["least_seconds"] == 9.5
    for lists in ([], ["--metadata", str(world.lists)]):
        on = run("fetch", "--per-class", "5", "--workspace", str(new), "--source", f"local:{fetched}", *lists)
        assert on.returncode == 0, on.stderr
    named = run("fetch", "--recipe", "paper", "--workspace", str(new), "--metadata", str(world.lists))
    assert named.returncode == 6 and "was made with another recipe than paper" in named.stderr
    assert contents(new) == after
    assert contents(fetched) == before

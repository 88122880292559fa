"""`featurize` after a fetch."""

from itertools import compress
from pathlib import Path

from audioset_tools.catalog.official import manifest
from audioset_tools.catalog.recipe import read_recipe
from audioset_tools.demo import label_sets
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.shards.placements import SPLITS
from audioset_tools.shards.reader import MelShards
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.lists import write_lists
from tests.commands.conftest import World, fetch_words, run


def test_several_instruments_to_a_clip_from_the_lists_to_the_shards(cache: Path, tmp_path: Path) -> None:
    text = manifest("several.toml").read_text()
    head, *classes = text.split("[[classes]]")
    recipe = tmp_path / "pair.toml"
    recipe.write_text("[[classes]]".join([head, *(c for c in classes if '"Drums"' in c or '"Piano"' in c)]))
    sets = label_sets(read_recipe(str(recipe)))
    table = write_lists(tmp_path / "lists", dict.fromkeys(sets, 12), classes=sets)
    world = World(tmp_path / "lists", Plan(table=table))
    with Simulator(world.plan, cache=cache) as simulator:
        fetch = [*fetch_words(world, simulator, tmp_path / "w", per_class=3), "--recipe", str(recipe)]
        assert run(*fetch).returncode == 0
    done = run("featurize", "--workspace", str(tmp_path / "w"))
    assert done.returncode == 0, done.stderr
    known = {p.key: {p.class_name, *p.also} for p in read_dataset(tmp_path / "w" / "dataset.csv")}
    assert {len(classes) for classes in known.values()} == {1, 2}
    (folder,) = (tmp_path / "w" / "shards").iterdir()
    for split in SPLITS:
        shards = MelShards(folder, split)
        for key, target in zip(shards.key.tolist(), shards.target.tolist(), strict=True):
            assert {*compress(("Drums", "Piano"), target)} == known[key.decode()]

"""What a selection hands on: candidates with labels and splits, and accounts that can be read."""

from pathlib import Path

from audioset_tools.catalog.recipe import read_recipe
from audioset_tools.catalog.select import read_selection
from audioset_tools.catalog.selection import Funnel, RowFate
from tests.catalog.conftest import ROWS, selected, write_folder


def test_candidates_come_by_rank_with_all_labels_of_the_lists(tmp_path: Path) -> None:
    selection = selected(tmp_path, ROWS)
    labels = {f"{video}_{start}": tuple(sorted(mids)) for video, start, _, mids in ROWS}
    for queue in selection.queues:
        found = list(selection.candidates(queue))
        assert [one.rank for one in found] == list(range(len(queue)))
        assert {one.class_name for one in found} <= {queue.class_name}
        # By a recipe of classes the subsets are no splits.
        assert all(one.labels == labels.get(one.key, ("/m/09x0r",)) and one.split == "" for one in found)


def test_the_subsets_are_splits_where_the_recipe_says_so(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"balanced_train": ROWS[:9], "eval": ROWS[9:12]})
    selection = read_selection(folder, read_recipe("audioset-2m"))
    found = {
        one.key[:11]: (one.subset, one.split)
        for queue in selection.queues
        for one in selection.candidates(queue)
    }
    assert {found[video] for video, *_ in ROWS[:9]} == {("balanced_train", "train")}
    assert {found[video] for video, *_ in ROWS[9:12]} == {("eval", "test")}


def test_what_can_be_filled_follows_from_what_is_kept() -> None:
    outcomes = {**dict.fromkeys(RowFate, 0), RowFate.KEPT: 100, RowFate.RARER_CLASS: 7}
    funnel = Funnel("Flute", outcomes, {}, (), {})
    assert (funnel.kept, funnel.carried) == (100, 107)
    assert funnel.fillable(75) == 0.25 and funnel.fillable(101) is None

"""AudioSet's own task: every row of its subsets in one queue, with all its labels; and the genuine counts."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.catalog.lists import Catalog, read_catalog
from audioset_tools.catalog.official import SUBSETS
from audioset_tools.catalog.ontology import Ontology, read_ontology
from audioset_tools.catalog.recipe import read_recipe
from audioset_tools.catalog.select import read_selection
from audioset_tools.catalog.select_standard import select_standard
from audioset_tools.catalog.selection import RowFate, Selection
from audioset_tools.catalog.standard import LABELS, StandardTask, official_labels
from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.workspace import folder_name
from tests.catalog.conftest import ROWS, Row, write_folder, ytid

GENUINE_LISTS = Path(__file__).parents[3] / "shared" / "audioset"
genuine = pytest.mark.skipif(
    not GENUINE_LISTS.is_dir(),
    reason=f"AudioSet's lists are not in {GENUINE_LISTS}; nothing downloads them here",
)

SHORT: Row = (ytid(7_000), 0, 4_000, ("/m/0l14j_", "/m/0342h"))
LISTED: dict[str, list[Row]] = {
    "balanced_train": [*ROWS[:40], SHORT],
    "eval": ROWS[40:70],
    "unbalanced_train": ROWS[70:],
}


def selected(folder: Path, recipe: str = "audioset-2m", **task: object) -> Selection:
    """What becomes of `LISTED` by a shipped recipe, with changes."""
    found = read_recipe(recipe)
    changed = replace(found, standard=replace(found.standard, **task))
    return read_selection(write_folder(folder, LISTED), changed)


def test_every_segment_stands_in_one_queue_with_all_of_its_labels_in_its_subsets_split(
    tmp_path: Path,
) -> None:
    selection = selected(tmp_path)
    name_of = {next(iter(rule.include)): rule.name for rule in selection.recipe.classes}
    wanted = {
        f"{video}_{start}": ({name_of[mid] for mid in mids}, "test" if subset == "eval" else "train", end)
        for subset, rows in LISTED.items()
        for video, start, end, mids in rows
    }
    found = [one for queue in selection.queues for one in selection.candidates(queue)]
    assert len(found) == len(wanted) == len(ROWS) + 1
    for one in found:
        assert ({one.class_name, *one.also}, one.split, one.end_ms) == wanted[one.key]
        assert one.class_name not in one.also


def test_a_segment_is_drawn_for_the_rarest_class_that_it_carries(tmp_path: Path) -> None:
    selection = selected(tmp_path)
    carried = Counter(
        name
        for queue in selection.queues
        for one in selection.candidates(queue)
        for name in (one.class_name, *one.also)
    )
    for queue in selection.queues:
        for one in selection.candidates(queue):
            assert all(carried[one.class_name] <= carried[other] for other in one.also)
    assert {f.class_name: f.carried for f in selection.funnels if f.carried} == carried


def test_each_classs_account_adds_up_to_the_rows_read(tmp_path: Path) -> None:
    found = read_recipe("audioset-20k")
    recipe = replace(found, least_ms=10_000, standard=replace(found.standard, per_label=3))
    selection = read_selection(write_folder(tmp_path, LISTED), recipe)
    flute = next(funnel for funnel in selection.funnels if funnel.class_name == "Flute")
    assert flute.outcomes[RowFate.TOO_SHORT] == 1 and flute.outcomes[RowFate.OTHER_SUBSET] > 0
    assert flute.outcomes[RowFate.ENOUGH] == 4 - 3
    for funnel in selection.funnels:
        assert sum(funnel.outcomes.values()) == len(ROWS) + 1
        assert funnel.kept == sum(funnel.subsets.values())


def test_enough_of_a_label_is_all_that_is_taken_and_rarer_labels_choose_first(tmp_path: Path) -> None:
    whole, thinned = selected(tmp_path / "a"), selected(tmp_path / "b", per_label=20)
    counts = []
    for selection in (whole, thinned):
        in_train = [
            one for queue in selection.queues for one in selection.candidates(queue) if one.split == "train"
        ]
        counts.append(Counter(name for one in in_train for name in (one.class_name, *one.also)))
    assert counts[0].keys() == counts[1].keys()
    assert all(min(20, n) <= counts[1][name] <= n for name, n in counts[0].items())
    # Of two labels that only occur together or alone in equal parts, none has more than it must.
    assert counts[1]["Tabla"] == 20 < counts[0]["Tabla"]
    tests = [
        sum(one.split == "test" for queue in each.queues for one in each.candidates(queue))
        for each in (whole, thinned)
    ]
    assert tests == [30, 30]


def test_some_labels_instead_of_all(tmp_path: Path) -> None:
    selection = selected(tmp_path, labels=("piano", "/m/0342h"))
    assert selection.recipe.class_names == ("Guitar", "Piano")
    found = {one.key: one for queue in selection.queues for one in selection.candidates(queue)}
    having = [row for rows in LISTED.values() for row in rows if {"/m/05r5c", "/m/0342h"} & {*row[3]}]
    assert found.keys() == {f"{video}_{start}" for video, start, *_ in having}
    assert selection.left_out == {}
    with pytest.raises(UsageError, match="has one label"):
        selected(tmp_path, labels=("piano",))
    with pytest.raises(UsageError, match="perhaps 'Piano'"):
        selected(tmp_path, labels=("piano", "Pianoo"))
    with pytest.raises(UsageError, match="no clip of AudioSet's is labelled 'Human voice'"):
        selected(tmp_path, labels=("piano", "Human voice"))


def test_labels_that_audiosets_file_lacks_are_left_out_by_name(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, LISTED)
    lines = (folder / LABELS).read_text().splitlines()
    kept = [line for line in lines if "/m/0342h" not in line]
    renumbered = [kept[0], *(f"{n},{line.split(',', 1)[1]}" for n, line in enumerate(kept[1:]))]
    (folder / LABELS).write_text("\n".join(renumbered) + "\n")
    selection = read_selection(folder, read_recipe("audioset-2m"))
    having = [row for rows in LISTED.values() for row in rows if "/m/0342h" in row[3]]
    assert selection.left_out == {"/m/0342h": len(having)} and "Guitar" not in selection.recipe.class_names
    alone = [row for row in having if row[3] == ("/m/0342h",)]
    assert sum(map(len, selection.queues)) == len(ROWS) + 1 - len(alone)


def test_two_labels_of_one_folder_are_refused(tmp_path: Path, ontology: Ontology) -> None:
    catalog = read_catalog(write_folder(tmp_path, LISTED))
    with pytest.raises(DataMismatch, match="would lie in one folder"):
        select_standard(catalog, ontology, read_recipe("audioset-2m"), {"/m/1": "A b", "/m/2": "A-b"})


@pytest.fixture(scope="module")
def audioset() -> tuple[Catalog, Ontology]:
    return read_catalog(GENUINE_LISTS), read_ontology(GENUINE_LISTS / "ontology.json")


def counted(subset: str) -> tuple[int, Counter[str]]:
    """Rows of a list and of each label, counted without anything of ours."""
    lines = (GENUINE_LISTS / f"{subset}_segments.csv").read_text().splitlines()[3:]
    return len(lines), Counter(mid for line in lines for mid in line.split('"')[1].split(","))


@genuine
def test_the_genuine_labels_are_the_527_in_their_order_with_or_without_the_file(
    audioset: tuple[Catalog, Ontology], tmp_path: Path
) -> None:
    catalog, ontology = audioset
    used = frozenset().union(*catalog.label_sets)
    labels = official_labels(GENUINE_LISTS, ontology, used)
    assert [*official_labels(tmp_path, ontology, used).items()] == [*labels.items()]
    assert len(labels) == len({folder_name(name).casefold() for name in labels.values()}) == 527
    assert next(iter(labels.values())) == "Speech"


@genuine
def test_the_genuine_20k(audioset: tuple[Catalog, Ontology]) -> None:
    catalog, ontology = audioset
    labels = official_labels(GENUINE_LISTS, ontology, ())
    selection = select_standard(catalog, ontology, read_recipe("audioset-20k"), labels)
    expected = {split: counted(subset) for subset, split in selection.split_of.items()}
    assert {split: rows for split, (rows, _) in expected.items()} == {"train": 22_160, "test": 20_371}
    found: dict[str, Counter[str]] = {"train": Counter(), "test": Counter()}
    rows = Counter[str]()
    for queue in selection.queues:
        for one in selection.candidates(queue):
            rows[one.split] += 1
            found[one.split].update((one.class_name, *one.also))
    for split, (n, of_label) in expected.items():
        assert rows[split] == n
        assert found[split] == {labels[mid]: count for mid, count in of_label.items()}


@genuine
@pytest.mark.parametrize(("name", "train"), [("audioset-500k", 501_053), ("audioset-2m", 2_063_949)])
def test_the_genuine_larger_ones(audioset: tuple[Catalog, Ontology], name: str, train: int) -> None:
    catalog, ontology = audioset
    recipe = read_recipe(name)
    selection = select_standard(catalog, ontology, recipe, official_labels(GENUINE_LISTS, ontology, ()))
    rows = np.concatenate([queue.rows for queue in selection.queues])
    assert len(rows) == len(np.unique(rows)) == train + 20_371
    assert (catalog.subset[rows] == SUBSETS.index("eval")).sum() == 20_371
    carried = Counter[str]()
    for label_set, n in enumerate(np.bincount(catalog.labels[rows]).tolist()):
        for mid in catalog.label_sets[label_set]:
            carried[mid] += n
    assert {f.class_name: f.carried for f in selection.funnels} == {
        ontology.names[mid]: n for mid, n in carried.items()
    }
    if name == "audioset-2m":
        # As the headers of the lists say it.
        assert carried.total() == 52_882 + 51_804 + 4_020_212
    else:
        assert isinstance(recipe.standard, StandardTask) and recipe.standard.per_label == 2_350
        assert sum(n < 2_350 for n in carried.values()) < 527 and max(carried.values()) < 210_000

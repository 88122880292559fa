"""Queues and funnels: everything adds up, and the order depends on nothing but ids and seed."""

import json
import random
from pathlib import Path

import pytest

from audioset_tools.catalog.csvfile import write_candidates
from audioset_tools.catalog.enqueue import enqueue, read_selection
from audioset_tools.catalog.explain import explain_clip
from audioset_tools.catalog.funnel import funnel_json, funnel_tables
from audioset_tools.catalog.judge import Outcome
from audioset_tools.catalog.official import find_metadata, official_files
from audioset_tools.catalog.recipe import read_recipe
from audioset_tools.catalog.select import Selection
from audioset_tools.errors import DataMismatch, UsageError
from audioset_tools.ledger import Ledger
from audioset_tools.manifests import manifest
from audioset_tools.simulator.lists import write_lists

from .conftest import Row, write_folder, ytid

LABELS = [
    ("/m/05r5c",),
    ("/m/05r5c", "/m/09x0r"),
    ("/m/02hnl", "/m/0342h"),
    ("/m/0l14j_", "/m/085jw"),
    ("/m/0342h",),
    ("/m/09x0r",),
    ("/m/04rlf",),
    ("/m/05148p4",),
    ("/m/01p970",),
    ("/m/05r5c", "/m/015lz1"),
]
ROWS: list[Row] = [
    (ytid(n), 1000 * (n % 60), 1000 * (n % 60) + 10_000, LABELS[n % len(LABELS)]) for n in range(300)
]


def selected(folder: Path, rows: list[Row], recipe: str = "paper") -> Selection:
    folder.mkdir(exist_ok=True)
    return read_selection(
        write_folder(folder, {"balanced_train": rows[:50], "unbalanced_train": rows[50:]}),
        read_recipe(recipe),
    )


def keys(selection: Selection) -> dict[str, list[str]]:
    return {queue.class_name: [c.key for c in selection.candidates(queue)] for queue in selection.queues}


@pytest.fixture(scope="module")
def selection(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    return selected(tmp_path_factory.mktemp("lists"), ROWS)


def test_every_row_has_one_outcome_in_each_class(selection: Selection) -> None:
    for funnel, queue in zip(selection.funnels, selection.queues, strict=True):
        assert sum(funnel.outcomes.values()) == len(selection.catalog) == 301
        assert funnel.kept == len(queue) == sum(funnel.subsets.values())
        assert list(funnel.tiers) == sorted(funnel.tiers, reverse=True)
        assert not funnel.tiers or funnel.tiers[0] == funnel.kept
        assert not funnel.pools or sum(funnel.pools.values()) == funnel.kept


def test_the_counts_are_those_of_the_rows(selection: Selection) -> None:
    piano, drums, flute, other = selection.funnels
    assert (piano.kept, piano.tiers) == (90, (90, 60, 30, 30))
    assert (drums.kept, drums.outcomes[Outcome.OTHER_INSTRUMENT]) == (0, 30)
    assert (flute.kept, flute.fillable(24), flute.fillable(31)) == (30, pytest.approx(0.2), None)
    assert other.kept == 30 * 3 + 1
    assert other.outcomes[Outcome.AMBIGUOUS] == other.outcomes[Outcome.REJECTED_LABEL] == 30


def test_ranks_count_up_and_the_best_tier_comes_first(selection: Selection) -> None:
    for queue in selection.queues:
        candidates = list(selection.candidates(queue))
        assert [c.rank for c in candidates] == list(range(len(queue)))
        assert [c.tier for c in candidates] == sorted((c.tier for c in candidates), reverse=True)


def test_the_order_depends_on_no_other_row_and_not_on_the_files_order(
    selection: Selection, tmp_path: Path
) -> None:
    mixed = ROWS[:]
    random.Random(1).shuffle(mixed)
    assert keys(selected(tmp_path / "a", mixed)) == keys(selection)
    fewer = keys(selected(tmp_path / "b", ROWS[100:]))["Piano"]
    assert fewer == [key for key in keys(selection)["Piano"] if key in set(fewer)]


def test_another_seed_gives_another_order(selection: Selection, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(manifest("paper.toml").read_text().replace("seed = 2019", "seed = 2020"))
    other = keys(selected(tmp_path / "a", ROWS, str(recipe)))
    assert other["Flute"] != keys(selection)["Flute"]
    assert sorted(other["Flute"]) == sorted(keys(selection)["Flute"])


def test_pools_take_turns_until_one_is_spent(tmp_path: Path) -> None:
    clean = selected(tmp_path, ROWS, "clean")
    other = clean.queues[3]
    music = ["/m/0342h" in clean.catalog.segment(int(row)).mids for row in other.rows]
    assert music[:60] == [True, False] * 30
    assert clean.funnels[3].pools == {"one other instrument": 30, "no music": 31}


def test_the_candidates_as_csv(selection: Selection, tmp_path: Path) -> None:
    write_candidates(selection, tmp_path / "c.csv")
    head, first, *rest = (tmp_path / "c.csv").read_text().splitlines()
    assert head == "key,ytid,start_ms,end_ms,class,also,tier,rank,subset"
    key, name, start_ms, end_ms, *others = first.split(",")
    assert key == f"{name}_{start_ms}" and int(end_ms) - int(start_ms) == 10_000
    assert others[:4] == ["Piano", "", "3", "0"]
    assert len(rest) + 1 == sum(map(len, selection.queues))


def test_every_clip_can_be_explained(selection: Selection) -> None:
    for row, said in [
        (0, "Piano: in, tier L3"),
        (2, "Drums: out, another instrument: Guitar"),
        (8, "rejected label"),
    ]:
        assert said in "\n".join(explain_clip(selection, ROWS[row][0]))
    for stranger in ["../../x", "-rf", "", "abcdefghij"]:
        with pytest.raises(UsageError, match="not a video id"):
            list(explain_clip(selection, stranger))
    with pytest.raises(UsageError, match="not in the lists"):
        list(explain_clip(selection, ytid(123_456)))


def test_tables_and_json_tell_the_same(selection: Selection) -> None:
    told = funnel_json(selection, 24)
    assert told["classes"]["Flute"]["fillable_with_dead_share"] == pytest.approx(0.2)
    json.dumps(told)
    text = "\n".join(" ".join(row) for table in funnel_tables(selection, 31) for row in table.rows)
    assert "never: 1 too few" in text


SHORT: list[Row] = [
    *((ytid(500 + n), 0, 10_000, ("/m/0l14j_",)) for n in range(6)),
    (ytid(510), 0, 9_999, ("/m/0l14j_",)),
    (ytid(511), 20_000, 24_000, ("/m/0l14j_", "/m/04rlf")),
    (ytid(512), 0, 3_999, ("/m/0342h",)),
    (ytid(513), 0, 100, ("/m/05r5c", "/m/02hnl")),
]


@pytest.mark.parametrize(("least", "flutes", "others"), [("10", 6, 1), ("4", 8, 1), ("0.1", 8, 2)])
def test_what_is_too_short_is_counted_where_the_class_would_else_take_it(
    tmp_path: Path, least: str, flutes: int, others: int
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(
        manifest("paper.toml").read_text().replace("least_seconds = 10 ", f"least_seconds = {least} ")
    )
    short = selected(tmp_path / "lists", SHORT + ROWS[60:70], str(path))
    funnels = {funnel.class_name: funnel for funnel in short.funnels}
    flute, piano = funnels["Flute"], funnels["Piano"]
    assert (flute.kept, flute.outcomes[Outcome.TOO_SHORT]) == (flutes + 1, 8 - flutes)
    assert flute.tiers[0] == sum(flute.subsets.values()) == len(short.queues[2]) == flute.kept
    # Of a piano with drums the instruments are what keeps it out, however short it is.
    assert (piano.outcomes[Outcome.TOO_SHORT], piano.outcomes[Outcome.OTHER_CLASS]) == (0, 1)
    assert funnels["Other"].outcomes[Outcome.TOO_SHORT] == 2 - others
    for funnel, queue in zip(short.funnels, short.queues, strict=True):
        assert sum(funnel.outcomes.values()) == len(short.catalog)
        assert all(c.end_ms - c.start_ms >= float(least) * 1000 for c in short.candidates(queue))
    told = funnel_json(short)
    assert (told["recipe"], told["least_seconds"]) == ("paper", float(least))
    table = funnel_tables(short, 1)[0]
    assert f"segments of {least} s at least" in table.title
    assert ("− too short" in table.header) is (least != "0.1")
    said = "\n".join(explain_clip(short, ytid(511)))
    in_words = "Flute: out, too short: 4 s, where the recipe takes 10 s at least"
    assert (in_words if least == "10" else "Flute: in, tier L3") in said


def test_a_class_is_rare_by_its_clips_that_are_long_enough(tmp_path: Path) -> None:
    both, drums = ("/m/0l14j_", "/m/02hnl"), ("/m/02hnl",)
    rows: list[Row] = [(ytid(n), 0, 10_000, both) for n in range(600, 605)]
    rows += [(ytid(n), 0, 10_000, ("/m/0l14j_",)) for n in range(605, 610)]
    rows += [(ytid(n), 0, 9_000, drums) for n in range(610, 620)]
    rows += [(ytid(620), 0, 9_000, both)]
    short = selected(tmp_path / "lists", rows, "several")
    funnels = {funnel.class_name: funnel for funnel in short.funnels}
    assert (funnels["Drums"].kept, funnels["Drums"].carried, funnels["Flute"].kept) == (5, 5, 5)
    assert funnels["Drums"].outcomes[Outcome.TOO_SHORT] == 11
    assert (funnels["Flute"].carried, funnels["Flute"].outcomes[Outcome.TOO_SHORT]) == (10, 1)
    assert "carries: no class" in "\n".join(explain_clip(short, ytid(620)))


def test_the_ledger_is_filled_once_and_only_from_one_origin(tmp_path: Path) -> None:
    lists = write_folder(tmp_path, {"balanced_train": ROWS})
    other = tmp_path / "other"
    other.mkdir()
    write_folder(other, {"balanced_train": ROWS[:10]})
    nowhere = tmp_path / "nowhere"
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        enqueue(ledger, read_recipe("paper"), lists, nowhere)
        first = ledger.next_queued("Flute", -1)
        account = json.loads(ledger.get("funnel") or "")
        assert list(account["classes"]) == ["Piano", "Drums", "Flute", "Other"]
        assert "per_class" not in account
        assert account["classes"]["Flute"]["outcomes"]["kept"] == sum(
            tally.n for tally in ledger.tallies() if tally.class_name == "Flute"
        )
        enqueue(ledger, read_recipe("paper"), lists, nowhere)
        enqueue(ledger, read_recipe("paper"), None, nowhere)
        assert ledger.next_queued("Flute", -1) == first
        with pytest.raises(DataMismatch, match="another recipe"):
            enqueue(ledger, read_recipe("clean"), lists, nowhere)
        with pytest.raises(DataMismatch, match="other lists"):
            enqueue(ledger, read_recipe("paper"), other, nowhere)


def test_a_label_that_the_ontology_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataMismatch, match="/m/0zzzz"):
        selected(tmp_path, [*ROWS[:60], (ytid(999), 0, 10_000, ("/m/0zzzz",))])


def test_lists_come_from_the_folder_given_then_the_workspace_then_the_network(tmp_path: Path) -> None:
    asked: list[str] = []
    copy = tmp_path / "metadata"
    write_lists(copy, {"Piano": 1}, seed=0)
    assert find_metadata(None, copy, lambda official, folder: asked.append(official.file)) == copy
    assert asked == []
    (copy / "eval_segments.csv").unlink()
    find_metadata(None, copy, lambda official, folder: asked.append(official.file))
    assert asked == ["eval_segments.csv"]
    with pytest.raises(UsageError, match="eval_segments"):
        find_metadata(copy, tmp_path, lambda official, folder: asked.append(official.file))
    assert len(asked) == 1
    assert all(len(one.sha256) == 64 for one in official_files().values())


SEVERAL: list[tuple[str, ...]] = [
    ("/m/05r5c", "/m/04rlf"),
    ("/m/05r5c", "/m/02hnl"),
    ("/m/02hnl", "/m/09x0r"),
    ("/m/0l14j_", "/m/02hnl", "/m/05r5c"),
    ("/m/0l14j_", "/m/0342h"),
    ("/m/02hnl", "/m/03m5k"),
    ("/m/0395lw",),
]


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    rows: list[Row] = [(ytid(n), 0, 10_000, SEVERAL[n % len(SEVERAL)]) for n in range(20 * len(SEVERAL))]
    return selected(tmp_path_factory.mktemp("several"), rows, "several")


def test_a_clip_of_several_classes_stands_in_the_queue_of_the_rarest(several: Selection) -> None:
    classes = {queue.class_name: list(several.candidates(queue)) for queue in several.queues}
    drawn = {name: [candidate.also for candidate in queue] for name, queue in classes.items() if queue}
    assert drawn.keys() == {"Flute", "Piano", "Drums"}
    assert drawn["Flute"] == [("Drums", "Piano")] * 20
    assert sorted(drawn["Piano"]) == [()] * 20 + [("Drums",)] * 20
    assert drawn["Drums"] == [()] * 40
    keys = [candidate.key for queue in classes.values() for candidate in queue]
    assert len(keys) == len(set(keys)) == 100


def test_a_funnel_counts_what_is_carried_besides_what_is_drawn(several: Selection) -> None:
    funnels = {funnel.class_name: funnel for funnel in several.funnels}
    assert [(funnels[name].kept, funnels[name].carried) for name in ("Flute", "Piano", "Drums")] == [
        (20, 20), (40, 60), (40, 80),
    ]  # fmt: skip
    assert funnels["Flute"].outcomes[Outcome.AMBIGUOUS] == 20
    for funnel in several.funnels:
        assert sum(funnel.outcomes.values()) == len(several.catalog)
    told = funnel_json(several, 10)["classes"]["Drums"]
    assert (told["carried"], told["outcomes"]["kept"]) == (80, 40)
    text = "\n".join(
        " ".join((*table.header, *map(" ".join, table.rows))) for table in funnel_tables(several, 9)
    )
    assert "carried in all" in text and "drawn for a rarer class" in text


def test_every_class_of_a_clip_is_told(several: Selection, tmp_path: Path) -> None:
    said = "\n".join(explain_clip(several, ytid(3)))
    assert "Flute: in, tier L3, rank " in said
    assert "Drums: in, drawn for a rarer class" in said
    assert "carries: Drums, Flute, Piano" in said
    assert "carries: no class" in "\n".join(explain_clip(several, ytid(6)))
    write_candidates(several, tmp_path / "c.csv")
    assert (tmp_path / "c.csv").read_text().count(",Flute,Drums;Piano,3,") == 20

"""Verdicts, Table 3, agreement, and which clips to relabel."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.errors.answers import NOTE_LONGEST, Answer, Cause
from audioset_tools.errors.mistakes import read_mistakes
from audioset_tools.errors.table3 import (
    Analysis,
    MergedAnswer,
    Rule,
    agreement,
    analyse,
    analysis_json,
    analysis_lines,
    decide,
    mean_kappa,
    merge,
    table3,
    tied_table,
    to_relabel,
    write_relabel,
    write_table3,
)
from audioset_tools.exceptions import DataMismatch
from audioset_tools.removal.exclusions import Exclusion, read_exclusions
from tests.errors.mistaken import PAPER, answer, key_of, mistake, paper_answers, write_predictions

SOUNDS, UNLABELLED, MISLABELLED, LIKE, OTHER = Cause

TABLE_3 = [
    ["Piano", "10.00", "16.67", "-", "43.33", "30.00"],
    ["Drums", "23.33", "36.67", "10.00", "-", "30.00"],
    ["Flute", "13.33", "30.00", "13.33", "16.67", "26.67"],
    ["Other", "-", "76.67", "-", "10.00", "13.33"],
]
"""The paper's, whose one `30.0` is here 30.00 like all others."""


def printed(found: Analysis) -> list[list[str]]:
    """The cells of the table without its heads."""
    table = table3(found.rows)
    assert table.header == ("", *(f"{cause.heading} (%)" for cause in Cause))
    return [list(row) for row in table.rows]


def analysed(path: Path, answers: list[Answer], rule: Rule = Rule.PAPER) -> Analysis:
    mistakes = read_mistakes(path)
    return analyse(mistakes, merge(mistakes.wrong, answers, rule), rule)


# ---- how answers are merged


@pytest.mark.parametrize(
    ("said", "paper", "majority"),
    [
        ([MISLABELLED], [MISLABELLED], [MISLABELLED]),
        ([MISLABELLED] * 5, [MISLABELLED], [MISLABELLED]),
        ([MISLABELLED] * 4 + [OTHER], [LIKE], [MISLABELLED]),
        ([LIKE] + [OTHER] * 4, [LIKE], [OTHER]),
        ([MISLABELLED] + [OTHER] * 4, [LIKE], [OTHER]),
        ([MISLABELLED, LIKE], [LIKE], [MISLABELLED, LIKE]),
        ([LIKE] + [SOUNDS] * 4, [SOUNDS], [SOUNDS]),
        ([MISLABELLED, LIKE, UNLABELLED], [LIKE], [UNLABELLED, MISLABELLED, LIKE]),
        ([SOUNDS, UNLABELLED], [SOUNDS, UNLABELLED], [SOUNDS, UNLABELLED]),
        ([LIKE, SOUNDS], [SOUNDS, LIKE], [SOUNDS, LIKE]),
        ([OTHER, OTHER, SOUNDS, UNLABELLED], [OTHER], [OTHER]),
    ],
)
def test_the_rules(said: list[Cause], paper: list[Cause], majority: list[Cause]) -> None:
    assert decide(said, Rule.PAPER) == tuple(paper)
    assert decide(said, Rule.MAJORITY) == tuple(majority)


@given(st.lists(st.sampled_from(list(Cause)), min_size=1, max_size=9), st.sampled_from(Rule), st.randoms())
def test_a_verdict_comes_of_what_was_said_in_whatever_order(said: list, rule: Rule, random) -> None:
    verdict = decide(said, rule)
    assert verdict and set(verdict) <= {*said, *([LIKE] if MISLABELLED in said else [])}
    assert (MISLABELLED in verdict) <= (rule is Rule.MAJORITY or set(said) == {MISLABELLED})
    random.shuffle(said)
    assert decide(said, rule) == verdict
    assert decide(said[:1], rule) == tuple(said[:1])


def test_taken_back_and_stale_answers_do_not_count() -> None:
    answers = [
        answer(0, LIKE),
        answer(0, None, given=2, note="not sure"),
        answer(1, SOUNDS),
        answer(2, SOUNDS, predicted="Drums"),
        answer(7, SOUNDS),
    ]
    found = merge([mistake(n) for n in range(3)], answers)
    assert [one.mistake.key for one in found.clips] == [key_of(1)] and found.stale == 2


# ---- Table 3


def test_the_papers_own_table_3(tmp_path: Path) -> None:
    rows, answers = paper_answers()
    path = write_predictions(tmp_path, PAPER, rows)
    found = analysed(path, answers)
    assert printed(found) == TABLE_3
    # "with an average of 40% of the errors" (section 5).
    assert sum(row.percent[1] for row in found.rows) / 4 == pytest.approx(40, abs=0.01)
    assert len(found.relabel) == 7 + 48


def test_the_papers_table_3_from_five_annotators_by_its_own_rule(tmp_path: Path) -> None:
    rows, first = paper_answers()
    # Four more, who hear in every clip that sounds like the predicted class what it is labelled.
    rest = [
        Answer(who, a.key, a.actual, a.predicted, OTHER if a.cause is LIKE else a.cause, "", 1)
        for who in ("Ben", "Cem", "Dia", "Eva")
        for a in first
    ]
    path = write_predictions(tmp_path, PAPER, rows)
    assert printed(analysed(path, [*first, *rest])) == TABLE_3
    assert printed(analysed(path, [*first, *rest], Rule.MAJORITY)) != TABLE_3


def test_the_table_as_csv(tmp_path: Path) -> None:
    rows, answers = paper_answers()
    write_table3(tmp_path / "t.csv", analysed(write_predictions(tmp_path, PAPER, rows), answers).rows)
    with (tmp_path / "t.csv").open() as handle:
        table = list(csv.reader(handle))
    assert table[0] == ["class", "clips", *Cause]
    assert table[1] == ["Piano", "30", "10.00", "16.67", "0.00", "43.33", "30.00"]


def test_a_tie_counts_in_equal_parts_and_is_told(tmp_path: Path) -> None:
    path = write_predictions(tmp_path, PAPER, [(key_of(n), "Piano", "Flute") for n in range(2)])
    found = analysed(path, [answer(0, SOUNDS), answer(0, UNLABELLED, "Ben"), answer(1, OTHER)])
    assert found.rows[0].percent == (25.0, 25.0, 0.0, 0.0, 50.0) and found.relabel == ()
    told = "\n".join(analysis_lines(found))
    assert tied_table(found).rows == ((key_of(0), "Piano", "Flute", "other sounds / unlabelled instrument"),)
    assert "clips: Piano 2 of 2 misclassified, Drums 0 of 0" in told
    assert "annotators: Ada 2, Ben 1" in told


def test_no_answers_no_table(tmp_path: Path) -> None:
    path = write_predictions(tmp_path, PAPER, [(key_of(0), "Piano", "Flute")])
    with pytest.raises(DataMismatch, match="nobody has named a cause"):
        analysed(path, [answer(0, None)])
    with pytest.raises(DataMismatch, match="1 answer is to other predictions"):
        analysed(path, [answer(0, LIKE, predicted="Drums")])


def test_the_same_for_programs(tmp_path: Path) -> None:
    rows, answers = paper_answers()
    told = analysis_json(analysed(write_predictions(tmp_path, PAPER, rows), answers))
    assert json.loads(json.dumps(told)) == told
    assert told["classes"]["Piano"]["causes"]["sounds like predicted class"] == 13
    assert told["agreement"] == {"pairs": [], "mean_kappa": None} and len(told["clips"]) == 120


def test_a_clip_of_several_classes_counts_for_each(tmp_path: Path) -> None:
    path = write_predictions(tmp_path, PAPER, [(key_of(0), "Piano;Flute", "Piano")])
    both = analysed(path, [answer(0, LIKE, actual="Piano;Flute", predicted="Piano")])
    assert [row.class_name for row in both.rows] == ["Piano", "Flute"]
    assert "counts in the row of each" in "\n".join(analysis_lines(both))


# ---- agreement


def pairs_of(*said: dict[int, Cause]) -> list:
    answers = [answer(n, cause, f"A{who}") for who, one in enumerate(said) for n, cause in one.items()]
    return list(agreement(merge([mistake(n) for n in range(50)], answers).clips))


def test_cohens_kappa_of_a_textbook() -> None:
    # 20 both yes, 15 both no, 5 and 10 apart: observed 0.7, by chance 0.5, so kappa 0.4.
    first = [LIKE] * 20 + [LIKE] * 5 + [OTHER] * 10 + [OTHER] * 15
    second = [LIKE] * 20 + [OTHER] * 5 + [LIKE] * 10 + [OTHER] * 15
    (pair,) = pairs_of(dict(enumerate(first)), dict(enumerate(second)))
    assert (pair.clips, pair.same) == (50, 35) and pair.kappa == pytest.approx(0.4)


def test_kappa_is_said_to_be_undefined_where_it_is() -> None:
    one, apart = pairs_of({0: LIKE, 1: LIKE}, {0: LIKE, 1: LIKE})[0], pairs_of({0: LIKE}, {1: LIKE})[0]
    assert (one.kappa, one.undefined) == (None, "both named one cause for all clips")
    assert (apart.kappa, apart.undefined) == (None, "no clip in common")
    assert mean_kappa([one, apart]) is None and mean_kappa([]) is None


@given(st.lists(st.tuples(*[st.sampled_from(list(Cause))] * 3), min_size=1, max_size=30))
def test_kappa_by_its_formula(said: list[tuple[Cause, ...]]) -> None:
    pairs = pairs_of(*(dict(enumerate(one)) for one in zip(*said, strict=True)))
    assert len(pairs) == 3
    for pair, (a, b) in zip(pairs, [(0, 1), (0, 2), (1, 2)], strict=True):
        n = len(said)
        observed = sum(row[a] == row[b] for row in said) / n
        chance = (
            sum(
                sum(row[a] is cause for row in said) * sum(row[b] is cause for row in said) for cause in Cause
            )
            / n**2
        )
        if chance == 1:
            assert pair.kappa is None
        else:
            assert pair.kappa == pytest.approx((observed - chance) / (1 - chance))
    defined = [pair.kappa for pair in pairs if pair.kappa is not None]
    assert mean_kappa(pairs) == (pytest.approx(sum(defined) / len(defined)) if defined else None)


def test_agreement_in_words(tmp_path: Path) -> None:
    path = write_predictions(tmp_path, PAPER, [(key_of(n), "Piano", "Flute") for n in range(2)])
    answers = [answer(n, cause, who) for who in ("Ada", "Ben") for n, cause in enumerate((LIKE, OTHER))]
    told = "\n".join(analysis_lines(analysed(path, [*answers, answer(0, LIKE, "Cem")])))
    assert "Ada and Ben, 2 clips: the same cause for 100%; Cohen's kappa 1.00" in told
    assert "Ada and Cem, 1 clip: the same cause for 100%; Cohen's kappa not defined" in told
    assert "mean kappa over the pairs: 1.00, 2 of 3 pairs left out" in told


# ---- which clips to relabel


def test_the_exclusion_list(tmp_path: Path) -> None:
    path = write_predictions(tmp_path, PAPER, [(key_of(n), "Piano", "Flute") for n in range(4)])
    found = analysed(path, [
        answer(0, MISLABELLED, note="a flute,\n\x00 clearly"),
        answer(1, UNLABELLED, "=Ben"),
        answer(2, LIKE),
        answer(3, MISLABELLED),
        answer(3, UNLABELLED, "=Ben"),
        answer(3, UNLABELLED, "Cem"),
    ])  # fmt: skip
    write_relabel(tmp_path / "out.csv", found.relabel)
    assert read_exclusions(tmp_path / "out.csv") == (
        Exclusion(key_of(0), "mislabelled",
         "labelled Piano, predicted Flute, said 1 of 1; Ada: a flute,\\n\\x00 clearly"),
        Exclusion(key_of(1), "unlabelled instrument", "labelled Piano, predicted Flute, said 1 of 1"),
        Exclusion(key_of(3), "unlabelled instrument", "labelled Piano, predicted Flute, said 2 of 3"),
    )  # fmt: skip


@settings(max_examples=40)
@given(st.text(max_size=NOTE_LONGEST), st.sampled_from([MISLABELLED, UNLABELLED]))
def test_fetch_reads_which_clips_to_relabel(
    tmp_path_factory: pytest.TempPathFactory, said: str, cause: Cause
) -> None:
    path = tmp_path_factory.getbasetemp() / "relabel.csv"
    (clip,) = to_relabel([MergedAnswer(mistake(0), (answer(0, cause, note=said),), (cause,))])
    write_relabel(path, [clip])
    assert read_exclusions(path) == (Exclusion(key_of(0), str(cause), clip.note),)

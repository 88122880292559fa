"""The decisions of an error analysis: what was wrong, which clips are drawn, whose answer holds, Table 3."""

import csv
import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.errors import DataMismatch, UsageError
from audioset_tools.exclusions import Exclusion, read_exclusions
from audioset_tools.report.errors.agreement import agreement, mean_kappa
from audioset_tools.report.errors.answers import (
    NOTE_LONGEST,
    Answer,
    Cause,
    latest,
    parse_answer,
)
from audioset_tools.report.errors.config import ErrorsConfig
from audioset_tools.report.errors.merge import Rule, Verdict, decide, merge
from audioset_tools.report.errors.mistakes import draw, read_mistakes
from audioset_tools.report.errors.relabel import to_relabel, write_relabel
from audioset_tools.report.errors.table import (
    Analysis,
    analyse,
    analysis_json,
    analysis_lines,
    format_table3,
    tied_table,
    write_table3,
)

from .mistaken import PAPER, answer, key_of, mistake, paper_answers, write_predictions

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
    head, *lines = format_table3(found.rows).splitlines()
    assert re.split("  +", head.strip()) == [f"{cause.heading} (%)" for cause in Cause]
    return [line.split() for line in lines]


def analysed(path: Path, answers: list[Answer], rule: Rule = Rule.PAPER) -> Analysis:
    mistakes = read_mistakes(path)
    return analyse(mistakes, merge(mistakes.wrong, answers, rule), rule)


# ---- what was wrong


def test_the_wrong_clips_of_a_run(tmp_path: Path) -> None:
    rows = [
        (key_of(0), "Piano", "Flute"),
        (key_of(1), "Drums", "Drums"),
        (key_of(2), "Other", "Piano"),
    ]
    found = read_mistakes(write_predictions(tmp_path, PAPER, rows))
    assert (found.class_names, found.clips, found.multi_label) == (PAPER, 3, False)
    assert [(one.key, one.actual, one.predicted) for one in found.wrong] == [rows[0], rows[2]]
    assert found.wrong[0].probability == pytest.approx((0.25 / 3, 0.25 / 3, 0.75, 0.25 / 3))


def test_where_several_classes_may_sound_a_clip_with_any_of_them_wrong_counts_for_each(
    tmp_path: Path,
) -> None:
    rows = [
        (key_of(0), "Piano;Flute", "Piano"),
        (key_of(1), "Piano;Flute", "Piano;Flute"),
        (key_of(2), "Drums", ""),
    ]
    path = write_predictions(tmp_path, PAPER, rows)
    found = read_mistakes(path)
    assert found.multi_label
    assert [one.classes for one in found.wrong] == [("Piano", "Flute"), ("Drums",)]
    both = analysed(path, [answer(0, LIKE, actual="Piano;Flute", predicted="Piano")])
    assert [row.class_name for row in both.rows] == ["Piano", "Flute"]
    assert "counts in the row of each" in "\n".join(analysis_lines(both))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1"),
        ("key,actual,predicted\n", "line 1"),
        ("key,actual,predicted,A,A\n", "line 1"),
        ("key,actual,predicted,A,B\n../../etc/passwd,A,B,0,1\n", "line 2: no clip's key"),
        (f"key,actual,predicted,A,B\n{key_of(0)},A,C,0,1\n", "line 2: no class of this run: 'C'"),
        (f"key,actual,predicted,A,B\n{key_of(0)},A,B,0\n", "line 2: 4 fields"),
        (f"key,actual,predicted,A,B\n{key_of(0)},A,B,0,x\n", "line 2"),
        (f"key,actual,predicted,A,B\n{key_of(0)},A,B,0,1.5\n", "line 2: a probability"),
        (f"key,actual,predicted,A,B\n{key_of(0)},A,B,0,1\n{key_of(0)},A,A,1,0\n", "line 3: clip"),
        ('key,actual,predicted,A,B\n"', "CSV"),
        ("key,actual,predicted,A,B\n\xff", "CSV"),
    ],
)
def test_damaged_predictions_are_refused_with_the_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "predictions.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataMismatch, match=said):
        read_mistakes(path)


def test_probabilities_that_are_no_numbers_leave_a_mistake_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    path.write_text(f"key,actual,predicted,A,B\n{key_of(0)},A,B,nan,nan\n")
    assert len(read_mistakes(path).wrong) == 1


# ---- which are drawn


def test_a_draw_is_the_same_each_time_and_grows_without_losing_any(tmp_path: Path) -> None:
    rows = [(key_of(n), PAPER[n % 4], PAPER[(n + 1) % 4]) for n in range(40)]
    found = read_mistakes(write_predictions(tmp_path, PAPER, rows))
    backwards = read_mistakes(write_predictions(tmp_path / "b", PAPER, rows[::-1]))
    three, seven, all_of_them = (draw(found, n, seed=0) for n in (3, 7, 100))
    assert [one.actual for one in three] == [name for name in PAPER for _ in range(3)]
    assert three == draw(backwards, 3, seed=0) and set(three) < set(seven) < set(all_of_them)
    assert len(all_of_them) == 40 and {*draw(found, 3, seed=1)} != {*three}
    with pytest.raises(UsageError, match="at least 1"):
        ErrorsConfig(per_class=0)


# ---- what is an answer

ANSWER = answer(0, LIKE, note="häh?").json()


@pytest.mark.parametrize(
    "changes",
    [
        {"cause": "no cause"},
        {"cause": ["other"]},
        {"cause": 1},
        {"note": None},
        {"note": "x" * (NOTE_LONGEST + 1)},
        {"note": "\ud800"},
        {"given": 1.5},
        {"given": True},
        {"given": -1},
        {"given": 2**60},
        {"annotator": ""},
        {"annotator": " Ada"},
        {"annotator": "Ada\n"},
        {"annotator": "Ada,Ben"},
        {"annotator": "a" * 61},
        {"annotator": "\udfff"},
        {"annotator": 7},
        {"key": key_of(1)},
        {"key": "../../x"},
        {"actual": "Flute"},
        {"predicted": "Piano"},
        {"more": 1},
    ],
)
def test_what_is_no_answer_to_this_run_is_refused(changes: dict) -> None:
    mistakes = {key_of(0): mistake(0)}
    assert parse_answer(ANSWER, mistakes).json() == ANSWER
    with pytest.raises(ValueError, match=r"\w"):
        parse_answer(ANSWER | changes, mistakes)


def test_an_answer_needs_all_its_fields() -> None:
    for name in ANSWER:
        with pytest.raises(ValueError, match="fields"):
            parse_answer({key: value for key, value in ANSWER.items() if key != name}, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*ANSWER]) | st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_anything_at_all_is_an_answer_or_a_value_error(content: object) -> None:
    try:
        parse_answer(content, None)
    except ValueError:
        return
    assert isinstance(content, dict)


def test_names_come_one_by_one_or_with_commas() -> None:
    given = ("Ada, Ben", "Zoe\u0308  B.", "Ben")
    assert ErrorsConfig(annotators=given).annotators == ("Ada", "Ben", "Zo\u00eb B.")
    for bad in ("", "Ada,", "a\033[31m", "b" * 61):
        with pytest.raises(UsageError):
            ErrorsConfig(annotators=(bad,))


@given(st.permutations([answer(n % 2, cause, who, given=n) for n, (who, cause) in enumerate(
    itertools.product(("Ada", "Ben"), (*Cause, None))
)]))  # fmt: skip
def test_the_last_answer_of_an_annotator_holds_in_whatever_order_they_arrive(answers: list[Answer]) -> None:
    held = latest(answers)
    assert {key: one.given for key, one in held.items()} == {
        ("Ada", key_of(0)): 4, ("Ada", key_of(1)): 5, ("Ben", key_of(0)): 10, ("Ben", key_of(1)): 11
    }  # fmt: skip


def test_of_equal_times_the_one_stored_last_holds() -> None:
    assert latest([answer(0, LIKE), answer(0, OTHER)])["Ada", key_of(0)].cause is OTHER


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
    with pytest.raises(DataMismatch, match="1 answers are to other predictions"):
        analysed(path, [answer(0, LIKE, predicted="Drums")])


def test_the_same_for_programs(tmp_path: Path) -> None:
    rows, answers = paper_answers()
    told = analysis_json(analysed(write_predictions(tmp_path, PAPER, rows), answers))
    assert json.loads(json.dumps(told)) == told
    assert told["classes"]["Piano"]["causes"]["sounds like predicted class"] == 13
    assert told["agreement"] == {"pairs": [], "mean_kappa": None} and len(told["clips"]) == 120


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
    assert "Ada and Cem, 1 clips: the same cause for 100%; Cohen's kappa not defined" in told
    assert "mean kappa over the pairs: 1.00, 2 of 3 pairs left out" in told


# ---- what to label anew


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
    with (tmp_path / "out.csv").open(newline="") as handle:
        rows = list(csv.reader(handle, strict=True))
    assert rows == [
        ["key", "reason", "note"],
        [key_of(0), "mislabelled",
         "labelled Piano, predicted Flute, said 1 of 1; Ada: a flute,\\n\\x00 clearly"],
        [key_of(1), "unlabelled instrument", "labelled Piano, predicted Flute, said 1 of 1"],
        [key_of(3), "unlabelled instrument", "labelled Piano, predicted Flute, said 2 of 3"],
    ]  # fmt: skip


@settings(max_examples=40)
@given(st.text(max_size=NOTE_LONGEST), st.sampled_from([MISLABELLED, UNLABELLED]))
def test_fetch_reads_what_is_to_be_labelled_anew(
    tmp_path_factory: pytest.TempPathFactory, said: str, cause: Cause
) -> None:
    path = tmp_path_factory.getbasetemp() / "relabel.csv"
    (clip,) = to_relabel([Verdict(mistake(0), (answer(0, cause, note=said),), (cause,))])
    write_relabel(path, [clip])
    assert read_exclusions(path) == (Exclusion(key_of(0), str(cause), clip.note),)

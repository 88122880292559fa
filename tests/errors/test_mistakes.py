"""What a run got wrong, and which of it is drawn."""

from pathlib import Path

import pytest

from audioset_tools.audit.suspects import Suspect, write_suspects
from audioset_tools.errors.mistakes import Mistake, draw, read_audited, read_mistakes
from audioset_tools.exceptions import DataMismatch
from tests.errors.mistaken import PAPER, key_of, write_predictions


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


def test_where_several_classes_may_sound_a_clip_with_any_of_them_wrong_is_a_mistake(
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1"),
        ("key,actual,predicted\n", "line 1"),
        ("key,actual,predicted,A,A\n", "line 1"),
        ("key,actual,predicted,A,B\n../../etc/passwd,A,B,0,1\n", "no clip's key"),
        (f"key,actual,predicted,A,B\n{key_of(0)},A,C,0,1\n", "line 2: no class of this run: 'C'"),
        (f"key,actual,predicted,A,B\n{key_of(0)},A,B,0\n", "line 2: 4 fields"),
        (f"key,actual,predicted,A,B\n{key_of(0)},A,B,0,x\n", "line 2"),
        (f"key,actual,predicted,A,B\n{key_of(0)},A,B,0,1.5\n", "line 2: a probability"),
        (f"key,actual,predicted,A,B\n{key_of(0)},A,B,0,1\n{key_of(0)},A,A,1,0\n", "line 3: clip"),
        ('key,actual,predicted,A,B\n"', "line 2: this is no row of a CSV"),
        ("key,actual,predicted,A,B\n\xff", "line 2: this is no UTF-8 text"),
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


def test_a_draw_is_the_same_each_time_and_grows_without_losing_any(tmp_path: Path) -> None:
    rows = [(key_of(n), PAPER[n % 4], PAPER[(n + 1) % 4]) for n in range(40)]
    found = read_mistakes(write_predictions(tmp_path, PAPER, rows))
    backwards = read_mistakes(write_predictions(tmp_path / "b", PAPER, rows[::-1]))
    three, seven, all_of_them = (draw(found, n, seed=0) for n in (3, 7, 100))
    assert [one.actual for one in three] == [name for name in PAPER for _ in range(3)]
    assert three == draw(backwards, 3, seed=0) and set(three) < set(seven) < set(all_of_them)
    assert len(all_of_them) == 40 and {*draw(found, 3, seed=1)} != {*three}


def test_what_an_audit_suspects_is_drawn_by_how_suspicious_it_is(tmp_path: Path) -> None:
    suspects = [
        Suspect(key_of(n), 1 + n, (PAPER[n % 2],), (PAPER[2],), 0.1, 0.7, "train", "", (0.1, 0.1, 0.7, 0.1))
        for n in range(8)
    ]
    write_suspects(tmp_path / "audit.csv", PAPER, suspects[::-1])
    found = read_audited(tmp_path / "audit.csv")
    assert found.audited and (found.class_names, found.clips) == (PAPER, 8) and not found.multi_label
    assert found.wrong[0] == Mistake(key_of(0), "Piano", "Flute", ("Piano",), (0.1, 0.1, 0.7, 0.1))
    first, second = (tuple(one.key for one in draw(found, 2, seed)) for seed in (0, 1))
    assert first == second == tuple(key_of(n) for n in (0, 2, 1, 3))

"""The paper's Table 1 must give its Table 2; everything else against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from audioset_tools.runs.metrics import d_prime, label_scores, multi_hot, ranking, scores
from audioset_tools.runs.tables import table1, table2
from audioset_tools.types import Table
from audioset_tools.words import draw_table
from tests.runs.conftest import TABLE_1

CLASSES = ("Piano", "Drums", "Flute", "Other")


def drawn(table: Table) -> list[str]:
    return [line.text for line in draw_table(table)][1:]


def test_table_1_gives_table_2() -> None:
    # The paper prints 76.82 for the precision of Flute. Its own Table 1 has 160 hits among 208 predictions,
    # 76.92, and only with that do its F1 of Flute (78.43) and its Total (69.92) come out: a misprint.
    assert drawn(table2(scores(TABLE_1), CLASSES)) == [
        "               Piano  Drums  Flute  Other  Total",
        "Precision (%)  59.82  91.36  76.92  51.57  69.92",
        "Recall (%)     67.00  37.00  80.00  74.00  64.50",
        "F1-score (%)   63.21  52.67  78.43  60.78  63.77",
    ]


def test_the_papers_flute_precision_contradicts_the_rest_of_its_table() -> None:
    assert np.mean([59.82, 91.36, 76.92, 51.57]) == pytest.approx(69.92, abs=0.005)
    assert np.mean([59.82, 91.36, 76.82, 51.57]) != pytest.approx(69.92, abs=0.02)
    assert pytest.approx(78.43, abs=0.005) == 2 * 76.92 * 80 / (76.92 + 80)
    assert pytest.approx(78.43, abs=0.02) != 2 * 76.82 * 80 / (76.82 + 80)


def test_table_1_in_the_papers_form() -> None:
    assert drawn(table1(TABLE_1, CLASSES, "The paper's")) == [
        "actual \\ predicted  Piano  Drums  Flute  Other",
        "Piano                 134      2     40     24",
        "Drums                  19     74      2    105",
        "Flute                  30      0    160     10",
        "Other                  41      5      6    148",
    ]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_scores_equal_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    actual, predicted = zip(*pairs, strict=True)
    found = scores(confusion_matrix(actual, predicted, labels=range(4)))
    expected = precision_recall_fscore_support(actual, predicted, labels=range(4), zero_division=0)
    np.testing.assert_allclose([found.precision, found.recall, found.f1], expected[:3])
    macro = precision_recall_fscore_support(
        actual, predicted, labels=range(4), average="macro", zero_division=0
    )
    np.testing.assert_allclose(found.macro, macro[:3])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_micro_averages_equal_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    actual, predicted = zip(*pairs, strict=True)
    found = scores(confusion_matrix(actual, predicted, labels=range(4))).micro
    np.testing.assert_allclose(found, np.mean(np.equal(actual, predicted)))
    np.testing.assert_allclose(label_scores(multi_hot(actual, 4), multi_hot(predicted, 4)).micro, found)


HOT = hnp.arrays(np.uint8, (12, 3), elements=st.integers(0, 1))


@given(actual=HOT, predicted=HOT)
def test_scores_of_several_classes_at_once_equal_scikit_learn(
    actual: np.ndarray, predicted: np.ndarray
) -> None:
    found = label_scores(actual, predicted)
    expected = precision_recall_fscore_support(actual, predicted, zero_division=0)
    np.testing.assert_allclose([found.precision, found.recall, found.f1], expected[:3])
    for average in ("macro", "micro"):
        expected = precision_recall_fscore_support(actual, predicted, average=average, zero_division=0)
        np.testing.assert_allclose(getattr(found, average), expected[:3])


def test_average_precision_and_auc_of_an_example_worked_by_hand() -> None:
    # By falling probability: hit, miss, hit, miss. Precision at the hits 1/1 and 2/3; of the four pairs of a
    # hit and a miss three are in order.
    actual = np.array([[1, 0], [0, 0], [1, 0], [0, 0]], np.uint8)
    probability = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.3], [0.1, 0.4]])
    found = ranking(actual, probability)
    assert found.ap[0] == pytest.approx((1 + 2 / 3) / 2)
    assert found.auc[0] == pytest.approx(3 / 4)
    # The second class sounds in no clip: nothing is made up for it, and the means are those of the first.
    assert np.isnan([found.ap[1], found.auc[1], found.d_prime[1]]).all()
    assert found.macro == pytest.approx((5 / 6, 3 / 4, np.sqrt(2) * 0.6744897501960817))


def test_nothing_is_made_up_where_no_class_has_an_order() -> None:
    assert np.isnan(ranking(np.ones((3, 2), np.uint8), np.zeros((3, 2))).macro).all()


@pytest.mark.parametrize(("auc", "printed"), [(0.959, 2.452), (0.973, 2.732)])
def test_published_d_primes_follow_from_the_published_aucs(auc: float, printed: float) -> None:
    # The CNN of AudioSet's authors and CNN14, as Kong et al. (2020) list them, to three digits.
    assert d_prime(auc - 0.0005) <= printed <= d_prime(auc + 0.0005)


def test_d_prime_at_its_ends() -> None:
    assert d_prime([0.5, 1.0, 0.0]).tolist() == [0, np.inf, -np.inf]

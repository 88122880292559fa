"""The nouns, and how they are written."""

from audioset_tools.types import Progress, join_classes, split_classes


def test_progress_is_fit_to_be_printed() -> None:
    assert str(Progress(1_200, 2_400, "47 clips/s")) == "1,200 of 2,400: 47 clips/s"
    assert str(Progress(0, 2)) == "0 of 2"


def test_several_classes_in_a_cell_come_apart_again() -> None:
    assert split_classes(join_classes(("Piano", "Drums"))) == ("Piano", "Drums")
    assert split_classes("") == ()

"""The pictures are drawn, without a warning, for the odd runs as well."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from audioset_tools.figures import draw_confusion, draw_curves


@pytest.mark.parametrize("losses", [[1.5], [9e9, 0.3, 0.0], [0.0]])
def test_curves(tmp_path: Path, losses: list[float]) -> None:
    draw_curves(tmp_path / "curves.png", losses, losses, [0.5] * len(losses), best_epoch=1)
    assert imread(tmp_path / "curves.png")[..., :3].std() > 0.05


def test_confusion_is_shaded_by_row_even_where_a_class_never_occurs(tmp_path: Path) -> None:
    draw_confusion(tmp_path / "confusion.png", np.array([[0, 0], [1, 3]]), ("Piano", "Drums"))
    picture = imread(tmp_path / "confusion.png")[..., :3]
    assert (picture.max(axis=2) - picture.min(axis=2)).max() > 0.4

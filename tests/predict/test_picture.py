"""Where pictures of recordings go."""

from pathlib import Path

import pytest

from audioset_tools.exceptions import UsageError
from audioset_tools.predict.picture import picture_paths
from audioset_tools.predict.timeline import Recording


def test_pictures_of_the_same_name_do_not_meet(tmp_path: Path) -> None:
    named = [Recording(Path(folder, "x.wav"), Path("x.wav")) for folder in "abc"]
    names = [path.name for path in picture_paths(tmp_path, named)]
    assert names == ["x.wav.png", "x.wav-2.png", "x.wav-3.png"]
    assert picture_paths(tmp_path / "p.png", named[:1]) == [tmp_path / "p.png"]
    (long,) = picture_paths(tmp_path, [Recording(Path("x"), Path("\u7b1b" * 80))])
    long.touch()
    (tmp_path / "p.png").touch()
    with pytest.raises(UsageError):
        picture_paths(tmp_path / "p.png", named)

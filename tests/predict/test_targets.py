"""Where what is drawn of recordings goes."""

from pathlib import Path

import pytest

from audioset_tools.exceptions import UsageError
from audioset_tools.predict.targets import require_writable, target_paths
from audioset_tools.predict.timeline import Recording


def test_pictures_of_the_same_name_do_not_meet(tmp_path: Path) -> None:
    named = [Recording(Path(folder, "x.wav"), Path("x.wav")) for folder in "abc"]
    names = [path.name for path in target_paths(tmp_path, named, ".png", "--png")]
    assert names == ["x.wav.png", "x.wav-2.png", "x.wav-3.png"]
    assert target_paths(tmp_path / "p.png", named[:1], ".png", "--png") == [tmp_path / "p.png"]
    (long,) = target_paths(tmp_path, [Recording(Path("x"), Path("\u7b1b" * 80))], ".png", "--png")
    long.touch()
    (tmp_path / "p.png").touch()
    with pytest.raises(UsageError, match="--png"):
        target_paths(tmp_path / "p.png", named, ".png", "--png")


def test_a_page_does_not_take_the_place_of_the_index(tmp_path: Path) -> None:
    named = [Recording(Path("index"), Path("index")), Recording(Path("b"), Path("b"))]
    taken = (tmp_path / "index.html",)
    paths = target_paths(tmp_path, named, ".html", "--html", taken)
    assert [path.name for path in paths] == ["index-2.html", "b.html"]


def test_what_cannot_be_written_is_told_before_anything_is_decoded(tmp_path: Path) -> None:
    require_writable(tmp_path / "new" / "a.html")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        require_writable(tmp_path / "file" / "a.html")

"""What is installed is told piece by piece, and a change in our own modules changes it."""

from pathlib import Path

import pytest

from audioset_tools.tasks import installation as module
from audioset_tools.tasks.installation import difference, installation


def test_an_installation_is_like_itself_and_names_what_differs() -> None:
    here = installation()
    assert difference(here, here) == ""
    other = {**here, "numpy": "1.0", "av": ""}
    words = difference({**here, "av": "18.0"}, other)
    assert f"numpy 1.0 in place of {here['numpy']}" in words and "av none in place of 18.0" in words
    assert here["ffmpeg"] and here["libsndfile"]


def test_a_changed_module_is_another_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package" / "tasks"
    package.mkdir(parents=True)
    (package / "a.py").write_text("a = 1")
    monkeypatch.setattr(module, "__file__", str(package / "installation.py"))
    before = module._source()
    assert module._source() == before
    (package / "a.py").write_text("a = 2")
    assert module._source() != before

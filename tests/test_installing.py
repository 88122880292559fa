"""What a message says of installing depends on how this was installed."""

from importlib.metadata import PackageNotFoundError
from pathlib import Path
from urllib.parse import quote

import pytest

from audioset_tools import installing
from audioset_tools.installing import install, missing, upgrade


class Noted:
    """An installation, as pip notes it."""

    def __init__(self, origin: str | None) -> None:
        self._origin = origin

    def read_text(self, name: str) -> str | None:
        return self._origin if name == "direct_url.json" else None


def came_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, origin: str | None) -> None:
    """This runs from a folder of packages, and pip noted an origin."""
    monkeypatch.setattr(installing, "_HERE", tmp_path / "site-packages")
    monkeypatch.setattr(installing, "distribution", lambda name: Noted(origin))


def a_checkout(folder: Path) -> Path:
    (folder / "audioset_tools").mkdir(parents=True)
    (folder / "pyproject.toml").touch()
    return folder


def test_from_a_checkout_that_it_runs_from() -> None:
    here = Path(__file__).parents[1]
    assert install("train") == f"pip install -e '{here}[train]'"
    assert upgrade() == f"Renew the checkout, then: pip install --upgrade -e {here}"


def test_from_a_checkout_that_it_was_built_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    checkout = a_checkout(tmp_path / "my checkout")
    came_from(monkeypatch, tmp_path, f'{{"url": "file://{quote(str(checkout))}", "dir_info": {{}}}}')
    assert install("train") == f"pip install '{checkout}[train]'"
    assert install() == f"pip install '{checkout}'"


@pytest.mark.parametrize(
    "origin", ["file:///gone/audioset_tools-0.1.0-py3-none-any.whl", "https://a.b/c.git"]
)
def test_from_what_is_not_at_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, origin: str) -> None:
    came_from(monkeypatch, tmp_path, f'{{"url": "{origin}"}}')
    assert install("train") == "in a checkout of audioset-tools, pip install '.[train]'"
    assert upgrade() == "Renew the checkout, then: in a checkout of audioset-tools, pip install --upgrade ."


def test_from_an_index_of_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    came_from(monkeypatch, tmp_path, None)
    assert install("train") == "pip install 'audioset-tools[train]'"
    assert upgrade() == "Upgrade: pip install --upgrade audioset-tools"
    assert str(missing("torch", "train")) == (
        "the package torch is not installed\nInstall it: pip install 'audioset-tools[train]'"
    )


@pytest.mark.parametrize("noted", ["", "not JSON", "[]", "{}", "[" * 100_000])
def test_a_note_that_says_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, noted: str) -> None:
    came_from(monkeypatch, tmp_path, noted)
    assert install() == "pip install audioset-tools"


def test_what_pip_knows_nothing_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def nothing(name: str) -> Noted:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(installing, "_HERE", tmp_path)
    monkeypatch.setattr(installing, "distribution", nothing)
    assert install("train") == "pip install 'audioset-tools[train]'"

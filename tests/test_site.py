"""The docs site is made of the pages as they stand, and opens in a real browser without a network."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Literal

import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager
from playwright.sync_api import Browser

from tests.browser import Watched, watch

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"


@pytest.fixture(scope="module")
def make_site() -> ModuleType:
    """The script, as a module."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        spec = spec_from_file_location("make_site", SCRIPTS / "make_site.py")
        assert spec is not None and spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(SCRIPTS))
    return module


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "html"
    script = [sys.executable, SCRIPTS / "make_site.py", out]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return out


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The host of a server of the site, as whoever publishes it has one: from disk it has no search."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_opens_on_a_laptop_and_on_a_phone(
    site: Path, address: str, chromium: Browser, scheme: Literal["light", "dark"]
) -> None:
    names = sorted(path.name for path in site.glob("*.html"))
    assert {"index.html", "cli.html", "reference.html", "notebook.html", "changelog.html"} < {*names}
    # Each page once by either scheme, in one of the windows, and with the other scheme in the other.
    for number, width in enumerate((1280, 390)):
        context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        seen = watch(context.new_page())
        for name in names[(number + (scheme == "dark")) % 2 :: 2]:
            seen.page.goto(f"http://{address}/{name}")
            wide = seen.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0, f"{name} is {wide} pixels too wide for {width}"
        ground = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") is (scheme == "light")
        assert seen.clean(address)
        context.close()


def test_the_search_finds_a_page(address: str, watched: Watched) -> None:
    watched.page.goto(f"http://{address}/index.html")
    watched.page.keyboard.press("/")
    watched.page.keyboard.type("hmmlearn")
    watched.page.get_by_role("link", name="Platforms").last.wait_for()
    assert watched.clean(address)


def test_what_is_wrong_with_a_site_is_found(make_site: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="b.html#here">b</a><a href="#gone">c</a><a href="nowhere.html">d</a>'
        '<a href="https://example.org/">e</a><script src="https://example.org/x.js"></script>'
        "<p>One:\n- two</p>"
    )
    (tmp_path / "b.html").write_text('<a id="here" href="/a.html">a</a>')
    assert make_site.troubles(tmp_path) == [
        "a.html: loads https://example.org/x.js",
        "a.html: #gone: there is no such place",
        "a.html: nowhere.html leads nowhere",
        "a.html: a list lacks the empty line before it",
    ]
    assert make_site.unlinked(tmp_path) == ["a", "b"]


def test_the_command_lines_reference_is_clicks(site: Path) -> None:
    page = (site / "cli.html").read_text()
    assert 'href="fetch.html"' in page and "--per-class" in page and "Usage: audioset-tools fetch" in page


def test_the_apis_reference_has_signatures_and_docstrings(site: Path) -> None:
    page = (site / "reference.html").read_text()
    assert 'id="audioset_tools.fetch.run.fetch"' in page
    assert "Every number that decides" in page or "MelSpec" in page


def readme_of(checkout: Path) -> str:
    return str(ProjectMetadata(str(checkout), PluginManager()).core.readme)


def test_the_readme_of_the_package_links_to_no_file_of_the_checkout() -> None:
    text = readme_of(ROOT)
    assert "](docs/" not in text and "](CONTRIBUTING" not in text
    assert "](https://research.google.com/audioset/)" in text


def test_with_a_site_its_links_lead_there(tmp_path: Path) -> None:
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(SCRIPTS, tmp_path / "scripts")
    (tmp_path / "audioset_tools").mkdir()
    shutil.copy(ROOT / "audioset_tools" / "__init__.py", tmp_path / "audioset_tools")
    project = (ROOT / "pyproject.toml").read_text()
    there = project.replace("[project.urls]\n", '[project.urls]\nDocumentation = "https://docs.example/x/"\n')
    (tmp_path / "pyproject.toml").write_text(there)
    text = readme_of(tmp_path)
    assert "](https://docs.example/x/fetch.html#what-decodes-it)" in text
    assert "](https://docs.example/x/contributing.html)" in text and "](docs/" not in text

"""A headless Chromium for the tests of pages; one for all, with an empty profile."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = Path(os.environ.get("AUDIOSET_TOOLS_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium")

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
)
"""So that the browser itself asks nobody for anything."""


@dataclass(slots=True)
class Watched:
    """A page and all that it did.

    Args:
        page: Playwright's.
        errors: what the console called an error or a warning, what scripts threw, what dialogs said.
        requests: the address of everything that was asked for.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def clean(self, *hosts: str) -> bool:
        """Whether nothing went wrong and nothing was asked of anybody but the disk and these hosts."""
        allowed = ("file:///", "data:", "blob:", *(f"http://{host}/" for host in hosts))
        foreign = [address for address in self.requests if not address.startswith(allowed)]
        assert not self.errors and not foreign, (self.errors, foreign)
        return True


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; its tests are skipped where there is none, unless AUDIOSET_TOOLS_BROWSER=required."""
    if not CHROMIUM.exists():
        said = f"there is no browser at {CHROMIUM}: apt-get install chromium, or set AUDIOSET_TOOLS_CHROMIUM"
        if os.environ.get("AUDIOSET_TOOLS_BROWSER") == "required":
            pytest.fail(said)
        pytest.skip(said)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A laptop's window in an empty profile; further pages of it share what they store."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context
    context.close()


@pytest.fixture
def watched(context: BrowserContext) -> Watched:
    """A page whose errors and requests are written down."""
    return watch(context.new_page())


def watch(page: Page) -> Watched:
    """Write down all that a page does."""
    seen = Watched(page)
    page.on(
        "console",
        lambda said: seen.errors.append(said.text) if said.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: seen.errors.append(str(error)))

    def dismiss(dialog: object) -> None:
        seen.errors.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.on("request", lambda request: seen.requests.append(request.url))
    return seen


def until(page: Page, expression: str) -> None:
    """Wait until a page says yes; Playwright's own way needs `eval`, which the policy forbids."""
    for _ in range(400):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never came true: {expression}")

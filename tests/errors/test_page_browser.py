"""People at work in a real browser: keys, reloads, a server that dies, two at once, hostile texts."""

import csv
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from audioset_tools.cli import run
from audioset_tools.errors.answers import Cause, latest, read_answers
from audioset_tools.errors.secret import SECRET
from audioset_tools.workspace import ANSWERS, Workspace, printable
from tests.browser import Watched, watch
from tests.errors.mistaken import mistaken

HOSTILE = """</script><img src=x onerror="alert('x')">'"&\u202e;=1"""
"""All that HTML, a script, a terminal and a CSV can choke on."""


NAMELESS = """
[...document.querySelectorAll('button, input, select, textarea, audio, progress, img')]
    .filter((one) => one.checkVisibility() && !one.labels?.length)
    .filter((one) => !(one.getAttribute('aria-label') || one.alt || one.textContent.trim()))
    .map((one) => one.outerHTML)
"""
"""What can be seen or used and has no name for those who hear the page."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Twelve mistakes, and the page about them; to be copied, not changed."""
    workspace = mistaken(tmp_path_factory.mktemp("made"), 12)
    assert errors(workspace, "--annotators", "Ada,Ben") == 0
    return workspace


@pytest.fixture
def workspace(made: Workspace, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(made.root, tmp_path / "w")))


def errors(workspace: Workspace, *words: str) -> int:
    return run(["errors", "--workspace", str(workspace.root), "--run", "paper", *words])


class Server:
    """`errors --serve` in a process of its own."""

    def __init__(self, workspace: Workspace) -> None:
        words = ["errors", "--workspace", str(workspace.root), "--run", "paper", "--annotators", "Ada,Ben"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "audioset_tools", *words, "--serve"], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().split()[-1]

    def stop(self, how: signal.Signals = signal.SIGKILL) -> int:
        if self._process.poll() is None:
            self._process.send_signal(how)
            self._process.communicate(timeout=20)
        return self._process.returncode


@pytest.fixture
def server(workspace: Workspace) -> Iterator[Server]:
    server = Server(workspace)
    yield server
    server.stop()


def stored(workspace: Workspace, run: str = "paper") -> dict[tuple[str, str], tuple[str | None, str]]:
    """The answers that hold, by annotator and key."""
    return {
        key: (one.cause, one.note)
        for key, one in latest(read_answers(workspace.runs / run / ANSWERS)).items()
    }


def keys_of(page: Page) -> list[str]:
    """The clips in the order of the page."""
    return page.evaluate("JSON.parse(document.getElementById('data').textContent).clips.map(({key}) => key)")


def begin(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.get_by_role("button", name=name, exact=True).press("Enter")
    expect(page.get_by_role("heading", level=2)).to_be_focused()


def until(page: Page, expression: str) -> None:
    """Wait for what a page says of itself; its policy forbids Playwright's own way."""
    deadline = time.monotonic() + 20
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(20)


def type_keys(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_ten_clips_by_keyboard_through_a_reload_and_a_killed_server(
    workspace: Workspace, server: Server, watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    begin(page, server.address, "Ada")
    said = [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]
    for cause in said[:4]:
        type_keys(page, str(cause), "n")
    expect(page.get_by_text("4 of 12 answered")).to_be_visible()
    type_keys(page, str(said[4]), "/")
    page.keyboard.type("1 n, told in words")
    type_keys(page, "Escape")
    expect(page.locator("#saved")).to_have_text("Saved on disk")
    # What has been said to be saved survives SIGKILL; what is said now is kept and sent again.
    server.stop(signal.SIGKILL)
    type_keys(page, "n")
    for cause in said[5:7]:
        type_keys(page, str(cause), "n")
    expect(page.locator("#saved")).to_contain_text(
        "Not saved yet: the server does not answer. 2 answers kept"
    )
    assert len(stored(workspace)) == 5
    # Worse: of what was saved, only an older copy is left.
    path = workspace.runs / "paper" / ANSWERS
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    again = Server(workspace)
    try:
        assert again.address == server.address
        expect(page.locator("#saved")).not_to_contain_text("Not saved", timeout=20_000)
        expect(page.locator("#saved")).not_to_have_text("Saving …")
        assert len(stored(workspace)) == 7
        until(page, "document.getElementById('mel').naturalWidth === 400")
        page.reload()
        expect(page.get_by_text("7 of 12 answered")).to_be_visible()
        expect(page.get_by_role("heading", level=2)).to_contain_text("Clip 8 of 12")
        type_keys(page, str(said[7]), "j", str(said[8]), "j", "4", "0", str(said[9]))
        expect(page.get_by_text("10 of 12 answered")).to_be_visible()
        expect(page.locator("#saved")).to_have_text("Saved on disk")
        order = keys_of(page)
        type_keys(page, "k", "b")
        expect(page.get_by_label("Mislabelled")).to_be_checked()
    finally:
        assert again.stop(signal.SIGINT) == 0
    causes = list(Cause)
    assert stored(workspace) == {
        ("Ada", key): (causes[cause - 1], "1 n, told in words" if number == 4 else "")
        for number, (key, cause) in enumerate(zip(order, said, strict=False))
    }
    assert errors(workspace, "--csv", str(tmp_path / "t.csv")) == 0
    with (tmp_path / "t.csv").open() as handle:
        table = list(csv.reader(handle))
    # Six clips of Tone, said 1 2 3 4 5 1, and four of Noise, said 2 3 4 5.
    assert table[1:] == [
        ["Tone", "6", "33.33", "16.67", "16.67", "16.67", "16.67"],
        ["Noise", "4", "0.00", "25.00", "25.00", "25.00", "25.00"],
    ]
    # The browser itself says in the console that nobody answered.
    watched.errors = [said for said in watched.errors if "ERR_CONNECTION_REFUSED" not in said]
    assert watched.clean(server.address.split("/")[2])
    assert (workspace.runs / "paper" / SECRET).stat().st_mode & 0o077 == 0


def test_two_annotators_at_once_and_what_one_left_behind(
    workspace: Workspace, server: Server, context: BrowserContext, chromium: Browser
) -> None:
    elsewhere = chromium.new_context()
    ada, ben = context.new_page(), elsewhere.new_page()
    begin(ada, server.address, "Ada")
    begin(ben, server.address, "Ben")
    for cause in "12345":
        type_keys(ada, cause, "n")
        type_keys(ben, "2", "n")
    for page in (ada, ben):
        type_keys(page, "k")
        expect(page.locator("#saved")).to_have_text("Saved on disk")
        expect(page.get_by_text("5 of 12 answered")).to_be_visible()
    assert sorted(key[0] for key in stored(workspace)) == ["Ada"] * 5 + ["Ben"] * 5
    # Ben's other browser knows what he said; nobody sees what Ada said.
    other = context.new_page()
    begin(other, server.address, "Ben")
    expect(other.get_by_text("5 of 12 answered")).to_be_visible()
    expect(other.get_by_label("Unlabelled instrument")).to_be_checked()
    other.close()
    # Server and browser die together; later somebody else sits down at the same browser.
    server.stop(signal.SIGKILL)
    type_keys(ada, "k", "0")
    expect(ada.locator("#saved")).to_contain_text("Not saved yet")
    ada.close()
    again = Server(workspace)
    try:
        third = context.new_page()
        third.goto(again.address)
        third.get_by_label("Another name").fill("Zoë")
        third.keyboard.press("Enter")
        expect(third.get_by_text("0 of 12 answered")).to_be_visible()
        key = keys_of(third)[3]
        until(third, "Object.values(localStorage).every((one) => !one.includes('\"saved\":false'))")
        assert stored(workspace)["Ada", key] == (None, "")
    finally:
        again.stop()
        elsewhere.close()


def test_a_clock_that_is_ahead_and_a_cookie_that_is_gone(
    workspace: Workspace, server: Server, context: BrowserContext
) -> None:
    context.add_init_script("const now = Date.now; Date.now = () => now() + 3_600_000;")
    page = context.new_page()
    page.goto(server.address)
    assert "token" not in page.url and page.evaluate("document.cookie") == ""
    context.set_offline(True)
    page.get_by_role("button", name="Ada", exact=True).press("Enter")
    type_keys(page, "1")
    expect(page.locator("#saved")).to_contain_text("Not saved yet")
    context.set_offline(False)
    # Also what was answered before the server's time was known.
    expect(page.locator("#saved")).to_have_text("Saved on disk", timeout=20_000)
    type_keys(page, "n", "2")
    expect(page.locator("#saved")).to_have_text("Saved on disk")
    (cookie,) = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", page.url[-34:])
    context.clear_cookies()
    type_keys(page, "3")
    expect(page.locator("#saved")).to_contain_text("Not saved yet: open the address")
    assert "printed" in context.request.get(page.url).text()
    context.new_page().goto(server.address)
    expect(page.locator("#saved")).to_have_text("Saved on disk", timeout=20_000)
    path = workspace.runs / "paper" / ANSWERS
    assert sorted(stored(workspace).values()) == [("mislabelled", ""), ("other sounds", "")]
    assert all(one.given <= time.time() * 1000 for one in read_answers(path, lambda: 1e12))


def test_without_a_server_the_page_exports_what_import_takes(
    workspace: Workspace, watched: Watched, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = watched.page
    address = (workspace.runs / "paper" / "errors" / "index.html").as_uri()
    begin(page, address, "Ben")
    until(page, "document.getElementById('sound').duration > 0")
    assert page.evaluate("document.getElementById('sound').duration") == pytest.approx(10, abs=0.2)
    assert page.evaluate("document.getElementById('mel').naturalWidth") > 0
    # The picture has axes.
    assert page.locator(".hertz span").all_inner_texts()[0] == "125"
    assert page.locator(".seconds span").all_inner_texts() == ["0", "2", "4", "6", "8", "10 s"]
    type_keys(page, " ")
    until(page, "document.getElementById('sound').currentTime > 0")
    expect(page.locator("#playhead")).to_be_visible()
    type_keys(page, "p", "3", "/")
    page.keyboard.type("piano?\nno: flute")
    type_keys(page, "Escape", "n", "5")
    expect(page.locator("#saved")).to_have_text("Kept in this browser; export when you are done")
    page.reload()
    expect(page.get_by_text("2 of 12 answered")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export my answers").click()
    assert waiting.value.suggested_filename == "error-answers-Ben.json"
    waiting.value.save_as(tmp_path / "ben.json")
    order = keys_of(page)
    assert errors(workspace, "--import", str(tmp_path / "ben.json")) == 0
    assert "2 new answers, 0 known already" in capsys.readouterr().out
    assert stored(workspace) == {
        ("Ben", order[0]): ("mislabelled", "piano?\nno: flute"),
        ("Ben", order[1]): ("other", ""),
    }
    assert watched.clean()


def test_where_nothing_can_be_kept_the_page_says_so_and_still_exports(
    workspace: Workspace, context: BrowserContext
) -> None:
    context.add_init_script(
        "Storage.prototype.setItem = Storage.prototype.getItem = () => { throw new DOMException('no'); }"
    )
    page = context.new_page()
    begin(page, (workspace.runs / "paper" / "errors" / "index.html").as_uri(), "Ada")
    type_keys(page, "1")
    expect(page.locator("#saved")).to_have_text("Kept only while this page is open; export when you are done")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export my answers").click()
    assert len(json.loads(waiting.value.path().read_text())["answers"]) == 1


def test_hostile_texts_are_shown_and_never_run(
    watched: Watched, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = '<img src=x onerror="alert(1)">'
    workspace = mistaken(tmp_path / "w", 4, (HOSTILE, "=cmd|' /C calc'!A0"), run=name)
    folder = workspace.runs / name
    words = ["errors", "--workspace", str(workspace.root), "--run", name]
    assert run([*words, "--annotators", HOSTILE.replace("\u202e", "")]) == 0
    page = watched.page
    begin(page, (folder / "errors" / "index.html").as_uri(), HOSTILE.replace("\u202e", ""))
    expect(page.locator("#actual")).to_have_text(printable(HOSTILE))
    expect(page.locator("#chances")).to_contain_text(printable(HOSTILE))
    expect(page.locator("#me")).to_contain_text("<img src=x")
    type_keys(page, "3", "/")
    page.keyboard.insert_text(HOSTILE)
    type_keys(page, "Escape", "n", "3")
    page.reload()
    expect(page.locator("#me")).to_contain_text("<img src=x")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export my answers").click()
    assert page.locator("img").count() == 1 and page.evaluate("document.scripts.length") == 3
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert watched.clean()
    capsys.readouterr()
    assert run([*words, "--import", str(waiting.value.path())]) == 0
    relabel = tmp_path / "relabel.csv"
    assert run([*words, "--csv", str(tmp_path / "t.csv"), "--relabel", str(relabel), "--table"]) == 0
    shown = capsys.readouterr()
    assert "\u202e" not in shown.out + shown.err and r"\u202e" in shown.out
    with relabel.open(newline="") as handle:
        rows = list(csv.reader(handle, strict=True))
    assert len(rows) == 3 and all(not re.match("[=+@-]", row[2]) for row in rows)
    assert not re.search("^[=+@-]", (tmp_path / "t.csv").read_text(), re.MULTILINE)


def test_the_page_can_be_used_by_keyboard_and_read_aloud(
    workspace: Workspace, context: BrowserContext
) -> None:
    watched = watch(context.new_page())
    page = watched.page
    begin(page, (workspace.runs / "paper" / "errors" / "index.html").as_uri(), "Ada")
    assert page.evaluate(NAMELESS) == []
    order = []
    for _ in range(12):
        type_keys(page, "Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.name"))
        # Inside of a player the browser shows the focus itself.
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or order[-1] == "sound", order
    reached = [name for name, before in zip(order, ["", *order], strict=False) if name != before]
    assert reached[:5] == ["sound", "cause", "note", "play", "next"]
    type_keys(page, "?")
    expect(page.get_by_role("dialog")).to_be_visible()
    type_keys(page, "n", "Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("heading", level=2)).to_contain_text("Clip 1 of 12")
    type_keys(page, "1", "u")
    expect(page.get_by_role("heading", level=2)).to_contain_text("Clip 2 of 12")
    expect(page.locator("[role=status]").first).to_have_text("1 of 12 answered")
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert watched.clean()

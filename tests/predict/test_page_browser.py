"""The pages of recordings in a real browser, opened from disk."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from audioset_tools.predict import run as run_module
from audioset_tools.predict.run import predict
from tests.browser import Watched, until, watch
from tests.predict.conftest import Ears, noise, tone, write
from tests.report.test_run_browser import LOOKS

HOSTILE = "<b onclick=alert(1)>x\"&'\n\033[31m #1?.flac"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a folder of four recordings, one of them unreadable, heard by a stand-in."""
    folder = tmp_path_factory.mktemp("music")
    # 0 to 22.5 s are a tone, from there on noise, and from 47.5 s on a tone again.
    write(folder / "long.flac", tone(25), noise(25), tone(25))
    write(folder / "deeper" / HOSTILE, noise(12))
    write(folder / "short.wav", tone(3))
    (folder / "bad.mp3").write_text("no music")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "find_run", lambda workspace, run: run)
        patch.setattr(run_module, "load_run", lambda *_: Ears())
        predict([folder], "run", html=folder.parent / "pages")
    return folder.parent / "pages"


def moment(page: Page) -> float:
    return float(page.locator("#stage").get_attribute("aria-valuenow") or -1)


def cursor(page: Page) -> float:
    """Where the cursor is drawn, as a share of the picture."""
    return page.evaluate("parseFloat(document.getElementById('cursor').style.left) / 100")


def test_the_cursor_moves_with_the_sound(pages: Path, watched: Watched) -> None:
    page = watched.page
    page.goto((pages / "long.flac.html").as_uri())
    until(page, "document.getElementById('sound').readyState > 0")
    assert moment(page) == 0 and cursor(page) == 0
    page.locator("body").press(" ")
    until(page, "Number(document.getElementById('stage').getAttribute('aria-valuenow')) > 0.2")
    assert 0 < cursor(page) < 0.1
    page.locator("body").press(" ")
    until(page, "document.getElementById('sound').paused")
    assert watched.clean(), "the sound is a file, and nothing else was asked for"


def test_clicks_and_keys_lead_to_any_moment(pages: Path, watched: Watched) -> None:
    page = watched.page
    page.goto((pages / "long.flac.html").as_uri())
    until(page, "document.getElementById('sound').readyState > 0")
    box = page.locator("#stage").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 3, box["y"] + 10)
    assert moment(page) == pytest.approx(25, abs=0.3)
    until(page, "Math.abs(document.getElementById('sound').currentTime - 25) < 0.3")
    body = page.locator("body")
    body.press("ArrowRight")
    assert moment(page) == pytest.approx(30, abs=0.3)
    body.press("Shift+ArrowLeft")
    assert moment(page) == 0
    second = page.evaluate(
        "JSON.parse(document.getElementById('data').textContent).passages.map((one) => one.start)"
    )
    body.press("2")
    assert moment(page) == pytest.approx(second[1], abs=0.01) and "Noise" in page.locator("#now").inner_text()
    body.press("1")
    assert moment(page) == pytest.approx(second[2], abs=0.01)
    body.press("1")
    assert moment(page) == 0, "behind the last stretch comes the first"
    page.get_by_role("button", name="Noise").click()
    assert moment(page) == pytest.approx(second[1], abs=0.01)
    assert page.locator(".names button.active").inner_text().endswith("Noise")
    body.press("b")
    assert moment(page) == 0
    page.locator("#over-time button").nth(2).click()
    assert moment(page) == pytest.approx(second[2], abs=0.01)
    page.locator("#stage").press("End")
    assert moment(page) == 75 and cursor(page) == 1
    assert page.locator("#stage").get_attribute("aria-valuetext") == "1:15, Tone"
    assert watched.clean()


def test_where_the_sound_is_gone_it_is_told_and_the_cursor_moves_all_the_same(
    pages: Path, tmp_path: Path, watched: Watched
) -> None:
    moved = tmp_path / "far" / "away" / "a.html"
    moved.parent.mkdir(parents=True)
    moved.write_bytes((pages / "long.flac.html").read_bytes())
    page = watched.page
    page.goto(moved.as_uri())
    page.locator("#trouble").wait_for()
    page.locator("body").press("2")
    assert moment(page) > 20 and not page.locator("#sound").is_visible()


def test_the_index_is_sorted_by_any_column(pages: Path, watched: Watched) -> None:
    page = watched.page
    page.goto((pages / "index.html").as_uri())
    names = "[...document.querySelectorAll('tbody tr')].map((row) => row.cells[0].textContent.slice(0, 4))"
    assert page.evaluate(names) == ["bad.", "deep", "long", "shor"]
    head = page.locator("thead button")
    head.filter(has_text="length").click()
    assert page.evaluate(names) == ["long", "deep", "shor", "bad."]
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    head.filter(has_text="length").click()
    assert page.evaluate(names) == ["shor", "deep", "long", "bad."]
    head.filter(has_text="Noise").click()
    assert page.evaluate(names)[0] == "deep" and page.evaluate(names)[-1] == "bad."
    head.filter(has_text="recording").click()
    assert page.evaluate(names) == ["bad.", "deep", "long", "shor"]
    page.get_by_label("Show those whose name holds").fill("LONG")
    assert page.locator("tbody tr:visible").count() == 1 and page.locator("#shown").inner_text() == "1 of 4"
    assert watched.clean()


def test_a_hostile_name_is_text_and_its_page_plays(pages: Path, watched: Watched) -> None:
    page = watched.page
    page.goto((pages / "index.html").as_uri())
    page.get_by_role("link", name="deeper").click()
    assert page.locator("h1").inner_text() == HOSTILE.replace("\n", "\\n").replace("\033", "\\x1b")
    assert page.locator("b[onclick]").count() == 0
    until(page, "document.getElementById('sound').readyState > 0")
    page.get_by_role("link", name="All recordings").click()
    assert page.url.endswith("/index.html") and watched.clean()


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
)
def test_they_can_be_read_in_light_and_dark_and_on_a_phone(
    pages: Path, chromium: Browser, scheme: Any, width: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    seen = watch(context.new_page())
    for name in ("index.html", "long.flac.html"):
        seen.page.goto((pages / name).as_uri())
        seen.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        looks = seen.page.evaluate(LOOKS)
        assert looks["troubles"] == [] and looks["seen"] > 20, name
        assert seen.page.evaluate(
            "[...document.images].every((one) => one.complete && one.naturalWidth > 50)"
        )
    assert seen.clean()
    context.close()

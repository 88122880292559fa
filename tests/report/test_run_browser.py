"""The page in a real browser, opened from disk: it loads nothing else, plays, leads on, and can be read."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from audioset_tools.report.run import ReportConfig, write_report
from audioset_tools.words import counted
from audioset_tools.workspace import Workspace
from tests.browser import Watched, until, watch
from tests.report.workspaces import HOSTILE, hostile

LOOKS = (Path(__file__).parent / "looks.js").read_text()


def play(page: Page, which: int = 0) -> dict[str, Any]:
    """Play a sound of the page for a moment."""
    return page.evaluate(
        """async (which) => {
            const audio = document.querySelectorAll("audio")[which];
            await audio.play();
            await new Promise((done) => audio.addEventListener("timeupdate", done, { once: true }));
            return { duration: audio.duration, paused: audio.paused, error: audio.error };
        }""",
        which,
    )


def test_the_page_opens_from_disk_and_asks_for_nothing_else(index: Path, watched: Watched) -> None:
    watched.page.goto(index.as_uri(), wait_until="load")
    folder = index.parent.as_uri()
    assert watched.clean() and all(one.startswith((folder, "data:")) for one in watched.requests)
    assert not [one for one in watched.requests if one.endswith(".flac")], "sounds come only when played"
    watched.page.locator("#samples").scroll_into_view_if_needed()
    until(watched.page, "[...document.images].some((one) => one.complete && one.naturalWidth === 400)")


def test_pictures_come_only_when_they_are_near(index: Path, watched: Watched) -> None:
    watched.page.goto(index.as_uri(), wait_until="load")
    asked = {one for one in watched.requests if one.endswith(".jpg")}
    shown = watched.page.locator("img").count()
    assert len(asked) < shown == 10
    assert set(watched.page.locator("img").evaluate_all("(all) => all.map((one) => one.loading)")) == {"lazy"}


def test_a_sound_plays(index: Path, watched: Watched) -> None:
    watched.page.goto(index.as_uri())
    heard = play(watched.page)
    assert heard["duration"] == pytest.approx(10, abs=0.05) and not heard["paused"] and not heard["error"]
    assert watched.clean()


def test_a_cell_opens_the_right_clips(workspace: Workspace, index: Path, watched: Watched) -> None:
    page = watched.page
    page.goto(index.as_uri())
    rows = (workspace.runs / "knn" / "predictions.csv").read_text().splitlines()[1:]
    wrong = {row.split(",")[0] for row in rows if row.split(",")[1:3] == ["Tone", "Noise"]}
    (heading,) = [one for one in page.locator("h3").all() if one.inner_text() == "Run knn"]
    matrix = heading.locator("xpath=following::table[contains(@class, 'matrix')]").first
    clips = counted(len(wrong), "clip")
    matrix.get_by_label(f"{clips} of Tone taken for Noise").click()
    assert page.locator("h1").inner_text() == "Tone, taken for Noise"
    shown = page.locator("figure.clip").evaluate_all("(all) => all.map((one) => one.id.slice(5))")
    assert wrong and set(shown) == wrong and len(shown) == len(wrong)
    assert play(page)["duration"] == pytest.approx(10, abs=0.05)
    assert page.evaluate(LOOKS)["troubles"] == []
    page.get_by_role("link", name="Back to the report").click()
    assert page.url.endswith("index.html#runs") and watched.clean()


def test_what_strangers_wrote_is_not_run(tmp_path: Path, watched: Watched) -> None:
    index = write_report(hostile(tmp_path / "w"), tmp_path / "out", ReportConfig(every=60), now="now").index
    page = watched.page
    for path in (index, *sorted(index.parent.glob("cells/*/*.html"))):
        page.goto(path.as_uri())
        assert page.evaluate("window.hacked") is None and page.locator("b, img[src=x]").count() == 0
        assert HOSTILE.split("\033")[0] in page.content().replace("&lt;", "<").replace("&gt;", ">").replace(
            "&amp;", "&"
        ).replace("&quot;", '"')
    assert watched.clean()
    # Should a script get into a page all the same, the policy keeps it from running.
    page.evaluate("""() => {
        const one = document.createElement("script");
        one.textContent = "window.hacked = 3";
        document.body.append(one);
        document.body.insertAdjacentHTML("beforeend", '<img src="data:," onerror="window.hacked = 4">');
    }""")
    page.wait_for_timeout(50)
    assert page.evaluate("window.hacked") is None and "Content Security Policy" in " ".join(watched.errors)


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
)
def test_it_can_be_read_in_light_and_dark_and_on_a_phone(
    index: Path, chromium: Browser, scheme: Any, width: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    seen = watch(context.new_page())
    seen.page.goto(index.as_uri())
    seen.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    looks = seen.page.evaluate(LOOKS)
    assert looks["troubles"] == [] and looks["seen"] > 200
    assert seen.clean()
    context.close()


def test_the_keyboard_leads_through_the_page_in_order(index: Path, watched: Watched) -> None:
    page = watched.page
    page.goto(index.as_uri())
    focused = (
        "(() => { const one = document.activeElement; return one.textContent.trim() || one.tagName; })()"
    )
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Skip to the content"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid" and page.locator(".skip").bounding_box()["x"] >= 0
    names = []
    for _ in range(6):
        page.keyboard.press("Tab")
        names.append(page.evaluate(focused))
    assert names == [
        "The selection", "The fetch", "The clips", "A sample of each class", "The runs", "Data card",
    ]  # fmt: skip
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    tops = page.locator("main a, main summary, main audio, main [tabindex='0']").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect().top)"
    )
    assert page.locator("[tabindex]").evaluate_all("(all) => all.every((one) => one.tabIndex <= 0)")
    assert len(tops) > 10 and tops[0] < tops[-1]


def test_a_watched_page_renews_itself_and_keeps_what_plays(
    copy: Workspace, tmp_path: Path, watched: Watched
) -> None:
    out, page = tmp_path / "out", watched.page
    index = write_report(copy, out, ReportConfig(every=0.1), now="first").index
    page.goto(index.as_uri())
    sound = page.evaluate("document.querySelector('#samples audio').getAttribute('src')")
    page.evaluate(
        """() => {
            const audio = document.querySelector("#samples audio");
            audio.loop = true;
            document.querySelector("#runs details").open = true;
            window.scrollTo(0, 900);
            return audio.play();
        }"""
    )
    place = "document.querySelector('#clips').getBoundingClientRect().top"
    before = page.evaluate(place)
    assert page.evaluate("window.scrollY") == 900
    shutil.rmtree(copy.runs / "knn")
    write_report(copy, out, ReportConfig(per_class=4, every=0.1), now="second")
    page.get_by_text("As of second").wait_for()
    until(page, "!document.querySelector('#runs').textContent.includes('Run knn')")
    # What is above may have grown or shrunk meanwhile: what one looks at stays where it is.
    assert page.evaluate(place) == pytest.approx(before, abs=1)
    assert page.evaluate("document.querySelector('#runs details').open")
    assert page.evaluate("!document.querySelector('#samples audio').paused"), "what plays goes on"
    assert page.locator("#samples figure.clip").count() == 6
    page.evaluate("document.querySelector('#samples audio').pause()")
    until(page, "document.querySelectorAll('#samples figure.clip').length === 8")
    assert page.evaluate("document.querySelector('#samples audio').getAttribute('src')") == sound
    write_report(copy, out, ReportConfig(per_class=4), now="done")
    page.get_by_text("As of done").wait_for()
    until(page, "document.querySelectorAll('iframe').length === 0")
    assert watched.clean()

"""Pages of recordings: where they go, what they lead to, and that a name is text and no more."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest

from audioset_tools.exceptions import UsageError
from audioset_tools.predict import page as page_module
from audioset_tools.predict.overview import Spectrogram
from audioset_tools.predict.page import COLUMNS, PageWriter, strip, strongest, ticks, write_timeline
from audioset_tools.predict.timeline import Recording, Timeline, Unreadable
from tests.predict.conftest import RATE, SPEC, heard
from tests.report.pages import Read

NAN = (np.nan,) * 3


def drawn(timeline: Timeline) -> Timeline:
    bands = np.random.default_rng(0).random((SPEC.n_mels, 60), dtype=np.float32)
    return replace(timeline, spectrogram=Spectrogram(bands, 0.25, 0.5))


def named(path: Path, name: str | None = None) -> Timeline:
    found = heard((0.9, 0.1, 0.0), NAN, (0.2, 0.7, 0.1))
    return drawn(replace(found, recording=Recording(path, Path(name or path.name))))


def data_of(page: Path) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text())
    return json.loads(found[1])


def test_a_page_leads_to_the_recording_and_holds_its_pictures(tmp_path: Path) -> None:
    write_timeline(tmp_path / "pages" / "a.html", named(tmp_path / "music" / "a b#1%?.mp3"), SPEC)
    page = Read(tmp_path / "pages" / "a.html")
    assert page.values("audio", "src") == ["../music/a%20b%231%25%3F.mp3"]
    strip_at, mel_at = page.values("img", "src")
    assert strip_at.startswith("data:image/png;base64,iVBOR") and mel_at.startswith(
        "data:image/jpeg;base64,/9j/"
    )
    assert "a b#1%?.mp3" in page.text and "0:30, mostly Piano (0.55)" in page.text
    data = data_of(tmp_path / "pages" / "a.html")
    assert data["seconds"] == 30 and data["names"] == ["Piano", "Drums", "Flute"]
    assert [one["active"] for one in data["passages"]] == [[0], [], [1]]
    assert [(one["start"], one["end"]) for one in data["passages"]] == [(0, 10), (10, 20), (20, 30)]
    assert [one["words"] for one in data["passages"]] == ["Piano", "silence", "Drums"]


@pytest.mark.parametrize(
    "name",
    ['</script><img src=x onerror="a()">\033[31m', os.fsdecode(b"\xff\xfe.ogg"), "javascript:alert(1)"],
)
def test_a_name_is_text_and_its_address_leads_to_the_very_file(tmp_path: Path, name: str) -> None:
    recording = tmp_path / "in" / name.replace("/", "∕")
    write_timeline(tmp_path / "a.html", named(recording), SPEC)
    page = Read(tmp_path / "a.html")
    assert not [tag for tag, values in page.tags if tag == "img" and values.get("src") == "x"]
    (address,) = page.values("audio", "src")
    assert address.isascii() and ":" not in address
    assert tmp_path.joinpath(os.fsdecode(unquote_to_bytes(address))) == recording
    assert "\033" not in (tmp_path / "a.html").read_text()


def test_several_have_an_index_in_which_what_is_unreadable_has_its_reason(tmp_path: Path) -> None:
    found = [named(tmp_path / "in" / "x" / "one.mp3", "x/one.mp3"), named(tmp_path / "in" / "two.mp3")]
    bad = Unreadable(Recording(tmp_path / "in" / "bad.mp3", Path("bad.mp3")), "no <sound>")
    recordings = [found[0].recording, bad.recording, found[1].recording]
    pages = PageWriter.open(tmp_path / "out", recordings)
    for number, answer in enumerate((found[0], bad, found[1])):
        pages.write(number, answer, SPEC)
    pages.finish(found[0].class_names)
    index = Read(tmp_path / "out" / "index.html")
    assert index.values("a", "href")[1:] == ["x/one.mp3.html", "two.mp3.html"]
    assert "no <sound>" in index.text and "3 recordings" in index.text
    assert "../index.html" in Read(tmp_path / "out" / "x" / "one.mp3.html").values("a", "href")
    sound = Read(tmp_path / "out" / "x" / "one.mp3.html").values("audio", "src")
    assert sound == ["../../in/x/one.mp3"]
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="--html"):
        PageWriter.open(tmp_path / "file", recordings)


def test_a_single_recording_has_a_page_and_no_index(tmp_path: Path) -> None:
    one = named(tmp_path / "one.mp3")
    pages = PageWriter.open(tmp_path / "new" / "page.html", [one.recording])
    pages.write(0, one, SPEC)
    pages.finish(one.class_names)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["page.html"]


def test_the_strip_is_dense_where_probable_orange_where_active_and_grey_in_silence() -> None:
    timeline = heard((0.9, 0.1, 0.0), NAN, (0.2, 0.7, 0.1))
    pixels = strip(timeline, [0, 1, 2])
    piano, drums = pixels[0], pixels[8]
    assert pixels.shape == (24, COLUMNS, 4) and (pixels[7] == 0).all()
    third = COLUMNS // 3
    assert (piano[: third - 1, 3] == 230).all() and (drums[: third - 1, 3] == 26).all()
    assert (piano[third + 1 : 2 * third - 1, 3] == 96).all()
    line = pixels[3, :, 0] == 214
    assert line[: third - 1].all() and not line[third + 1 :].any()
    assert (pixels[8 + 3, 2 * third + 1 :, 0] == 214).all()


def test_windows_that_overlap_speak_for_what_lies_around_their_middles() -> None:
    timeline = heard((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    timeline = replace(timeline, windows=((0, 10 * RATE), (2 * RATE, 12 * RATE)))
    piano = strip(timeline, [0])[0, :, 3]
    assert int((piano == 255).sum()) == COLUMNS // 2


def test_of_very_many_classes_those_that_are_ever_probable_are_shown(tmp_path: Path) -> None:
    probability = np.zeros((2, 60))
    probability[0, 50] = probability[1, 3] = 0.9
    many = replace(
        heard((0, 0, 0), (0, 0, 0)), class_names=tuple(f"c{n}" for n in range(60)), probability=probability
    )
    shown = strongest(many)
    assert len(shown) == 24 and shown == sorted(shown) and {3, 50} <= set(shown)
    write_timeline(tmp_path / "a.html", drawn(many), SPEC)
    assert "Of 60 classes those 24 are drawn" in Read(tmp_path / "a.html").text


def test_of_very_many_stretches_keys_lead_to_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "MOST_PASSAGES", 2)
    write_timeline(tmp_path / "a.html", named(tmp_path / "a.mp3"), SPEC)
    assert len(data_of(tmp_path / "a.html")["passages"]) == 2
    assert "Keys lead to the first 2 of 3 stretches." in Read(tmp_path / "a.html").text


def test_an_axis_of_any_length_has_a_few_round_moments() -> None:
    assert ticks(30) == [0, 5, 10, 15, 20, 25, 30] and ticks(3_600) == [
        0,
        600,
        1_200,
        1_800,
        2_400,
        3_000,
        3_600,
    ]
    for seconds in (0.1, 1, 7, 61, 599, 5_000, 90_000, 604_800):
        assert 1 <= len(ticks(seconds)) <= 8

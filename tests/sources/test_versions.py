"""What yt-dlp is installed, how old it is, and what it finds to run JavaScript with."""

import threading
from datetime import date

import pytest

from audioset_tools.exceptions import EnvironmentProblem
from audioset_tools.sources import versions


@pytest.mark.parametrize(
    ("today", "version", "age"),
    [
        (date(2026, 11, 28), "2026.08.19", "yt-dlp 2026.08.19 is 101 days old, "),
        (date(2026, 8, 20), "2026.08.19", " 1 day old, "),
        (date(2026, 10, 26), "2026.10.26.232812", " 0 days old, "),
        (date(2026, 1, 1), "2026.08.19", " 0 days old, "),
        (date(2026, 1, 1), "master", " of unknown age, "),
        (date(2026, 11, 28), None, f"yt-dlp {versions.ytdlp_version()} is "),
    ],
)
def test_the_advice_of_the_nightly_names_the_version_its_age_and_the_command(
    today: date, version: str | None, age: str
) -> None:
    first, second = versions.nightly_advice(today, version).split(". ")
    assert age in first
    assert second.endswith(': pip install -U --pre "yt-dlp[default]"')


@pytest.mark.parametrize(
    ("version", "released"),
    [
        ("2026.08.19", date(2026, 8, 19)),
        ("2026.8.9", date(2026, 8, 9)),
        ("2026.10.26.232812", date(2026, 10, 26)),
        ("2026.13.40", None),
        ("master", None),
        ("1.2", None),
    ],
)
def test_the_release_date_is_the_version(version: str, released: date | None) -> None:
    assert versions.release_date(version) == released


def test_the_installed_ytdlp_has_a_date_and_the_scripts_that_it_wants() -> None:
    assert versions.release_date(versions.ytdlp_version())
    assert versions.scripts_verdict(versions.scripts()) is None
    assert versions.scripts().wanted


@pytest.mark.parametrize(
    ("requirements", "wanted"),
    [
        (["brotli; extra == 'default'", "yt-dlp-ejs==0.8.0; extra == 'default'"], "0.8.0"),
        (["yt_dlp_ejs == 1.2.3"], "1.2.3"),
        (["yt-dlp-ejs>=0.8"], None),
        ([], None),
    ],
)
def test_the_wanted_scripts_are_read_from_the_requirements(
    requirements: list[str], wanted: str | None
) -> None:
    assert versions.scripts_wanted(requirements) == wanted


def test_ytdlp_uses_deno_unasked_and_names_what_it_finds() -> None:
    runtimes = versions.javascript_runtimes()
    assert runtimes
    assert [one.name for one in runtimes if one.asked] == ["deno"]
    assert runtimes[0].asked


def test_a_runtime_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(versions, "_runtimes", lambda: released.wait(60) and [])
    with pytest.raises(EnvironmentProblem, match="did not tell its version"):
        versions.javascript_runtimes(timeout=0.05)
    released.set()

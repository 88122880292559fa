"""What is thought of ffmpeg, yt-dlp, JavaScript, the clock and proxies."""

import tempfile
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools import compiled
from audioset_tools.audio import libav
from audioset_tools.doctor import machine
from audioset_tools.doctor.check import Level, guarded
from audioset_tools.sources import versions
from audioset_tools.sources.connection.proxies import masked_proxy
from audioset_tools.sources.versions import Runtime, Scripts
from tests.doctor.conftest import look


@pytest.mark.parametrize("installed", [True, False])
def test_the_decoders_that_clips_depend_on_are_named(
    installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not installed:
        monkeypatch.setattr(libav, "pyav", lambda: None)
    found = machine.decoders()
    assert found.verdict is Level.OK and "soundfile " in found.found
    assert ("pyav " in found.found) is (installed and libav.pyav() is not None)


def test_an_ffmpeg_that_hangs_is_a_problem(ffmpeg_first: Callable[[str], None]) -> None:
    ffmpeg_first("#!/bin/sh\nexec sleep 60\n")
    check = guarded("ffmpeg", lambda: machine.ffmpeg(timeout=0.3))
    assert check.finding.verdict is Level.PROBLEM
    assert "did not answer within 0.3 s" in check.finding.found


def test_a_working_ffmpeg_on_the_path_is_named_with_its_resampler(
    ffmpeg_first: Callable[[str], None], tmp_path: Path
) -> None:
    ffmpeg_first(
        "#!/bin/sh\necho 'ffmpeg version 5.1.9-0+deb12u1 Copyright'\necho configuration: --enable-x\n"
    )
    found = machine.ffmpeg()
    assert found.verdict is Level.OK
    assert f"5.1.9-0+deb12u1 on the PATH ({tmp_path / 'bin' / 'ffmpeg'}), without soxr" in found.found
    ffmpeg_first("#!/bin/sh\necho 'ffmpeg version 8.1.2 Copyright'\necho configuration: --enable-libsoxr\n")
    found = machine.ffmpeg()
    assert found.verdict is Level.WARNING
    assert "with soxr" in found.found


@pytest.mark.parametrize(
    ("version", "warned"),
    [("8.1", True), ("8.1.1", True), ("n8.1.2-3-gabc", True), ("8.1-full_build", True), ("8.0.1", False),
     ("8.10", False), ("18.1.1", False), ("n9.0.2-17-g2a571b6068", False), ("N-118-g8.1", False),
     ("4.4.2-0ubuntu0.22.04.1", True), ("n5.0.1", True), ("5.1.9-0+deb12u1", False)],
)  # fmt: skip
def test_an_ffmpeg_that_is_broken_or_too_old_is_warned_about(version: str, warned: bool) -> None:
    assert (machine.ffmpeg_verdict(version, version).verdict is Level.WARNING) is warned


@pytest.mark.parametrize(
    ("today", "verdict", "words"),
    [
        (date(2026, 8, 18), Level.OK, "0 days old"),
        (date(2026, 10, 18), Level.OK, "60 days old"),
        (date(2026, 10, 19), Level.WARNING, "61 days old"),
        (date(2026, 12, 17), Level.WARNING, "120 days old"),
        (date(2026, 12, 18), Level.WARNING, "too old"),
    ],
)
def test_an_old_ytdlp_is_warned_about(today: date, verdict: Level, words: str) -> None:
    found = machine.ytdlp_verdict("2026.08.19", date(2026, 8, 19), today)
    assert found.verdict is verdict
    assert words in found.found
    assert bool(found.remedy) is (verdict is Level.WARNING)
    assert ('pip install -U --pre "yt-dlp[default]"' in found.remedy) is (verdict is Level.WARNING)


def test_a_ytdlp_of_unknown_age_is_warned_about() -> None:
    assert machine.ytdlp_verdict("master", None, date(2026, 1, 1)).verdict is Level.WARNING


DENO = Runtime("deno", "2.9.8", "/d", True, True)


OLD_DENO = Runtime("deno", "1.0", "/d", False, True)


NODE = Runtime("node", "22.1.0", "/n", True, False)


@pytest.mark.parametrize(
    ("runtimes", "scripts", "verdict", "words"),
    [
        ([DENO, NODE], Scripts("0.8.0", "0.8.0"), Level.OK, "deno 2.9.8"),
        ([], Scripts("0.8.0", "0.8.0"), Level.WARNING, "no runtime: only the visionos client"),
        ([OLD_DENO], Scripts("0.8.0", "0.8.0"), Level.WARNING, "deno 1.0 (too old): only the visionos"),
        ([OLD_DENO, NODE], Scripts("0.8.0", None), Level.WARNING, "does not use unasked"),
        ([DENO], Scripts(None, "0.8.0"), Level.WARNING, "not installed"),
        ([DENO], Scripts("0.7.0", "0.8.0"), Level.WARNING, "0.7.0 where this yt-dlp asks for 0.8.0"),
    ],
)
def test_what_javascript_there_is_for_ytdlp(
    monkeypatch: pytest.MonkeyPatch,
    runtimes: list[Runtime],
    scripts: Scripts,
    verdict: Level,
    words: str,
) -> None:
    monkeypatch.setattr(versions, "javascript_runtimes", lambda: runtimes)
    monkeypatch.setattr(versions, "scripts", lambda: scripts)
    found = machine.javascript()
    assert found.verdict is verdict
    assert words in found.found
    assert bool(found.remedy) is (verdict is Level.WARNING)


def test_a_ytdlp_that_does_not_say_what_it_finds_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> list[Runtime]:
        raise ImportError("cannot import name 'supported_js_runtimes'")

    monkeypatch.setattr(versions, "_runtimes", gone)
    assert versions.javascript_runtimes() is None
    found = machine.javascript()
    assert found.verdict is Level.WARNING
    assert "does not say" in found.found


def test_a_clock_from_before_ytdlp_is_a_problem(tmp_path: Path) -> None:
    at = datetime(2020, 1, 1).timestamp()
    assert look(tmp_path, clock=lambda: at)["clock"].verdict is Level.PROBLEM
    assert look(tmp_path)["clock"].verdict is Level.OK


def test_proxies_are_told_without_their_passwords(tmp_path: Path) -> None:
    environ = {"HTTPS_PROXY": "http://me:secret@proxy:3128", "all_proxy": "socks5://host:1", "HTTP_PROXY": ""}
    found = look(tmp_path, environ=environ)["proxies"].found
    assert found == "HTTPS_PROXY=http://***@proxy:3128, all_proxy=socks5://host:1"
    assert look(tmp_path)["proxies"].found == "none in the environment"


def test_a_proxy_that_cannot_be_one_is_a_problem(tmp_path: Path) -> None:
    found = look(tmp_path, environ={"HTTPS_PROXY": "http://me:secret@host:port"})["proxies"]
    assert found.verdict is Level.PROBLEM and "the environment's HTTPS_PROXY" in found.found
    assert "secret" not in found.found + found.remedy


@given(
    st.sampled_from(["", "http://", "SOCKS5h://"]),
    st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=9),
    st.text("aB3:@?#%.", min_size=8),
)
def test_no_password_is_ever_shown(scheme: str, user: str, password: str) -> None:
    shown = masked_proxy(f"{scheme}{user}:{password}@proxy.example:3128")
    assert shown == f"{scheme}***@proxy.example:3128"


def test_a_missing_folder_for_temporary_files_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    found = machine.temporary_files()
    assert (found.verdict, found.found) == (Level.WARNING, "No usable temporary directory found")


def test_where_compiled_code_is_kept_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.compiled_code().found.startswith("kept ")
    monkeypatch.setattr(
        compiled, "KEPT", compiled.CodeFolder(Path("/x"), "in /x", "/home/me could be written by others")
    )
    found = machine.compiled_code()
    assert found.verdict is Level.WARNING
    assert "could be written by others" in found.found and "NUMBA_CACHE_DIR" in found.remedy


PROVIDER = "open({!r}, 'w').close()\n"


def test_plugins_that_yt_dlp_loads_silently_are_named_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, path, mark = tmp_path / "config", tmp_path / "path", tmp_path / "mark"
    for folder, name in ((home / "yt-dlp" / "plugins" / "a", "bird.py"), (path, "\x1b[31mnest.py")):
        (folder / "yt_dlp_plugins" / "extractor").mkdir(parents=True)
        (folder / "yt_dlp_plugins" / "extractor" / name).write_text(PROVIDER.format(str(mark)))
        (folder / "yt_dlp_plugins" / "extractor" / "_no_plugin.py").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.syspath_prepend(path)
    found = machine.plugins({})
    assert found.verdict is Level.WARNING and "YTDLP_NO_PLUGINS" in found.remedy
    assert found.found.startswith("2 loaded in every fetch") and "_no_plugin" not in found.found
    assert f"{home}/yt-dlp/plugins/a/yt_dlp_plugins/extractor/bird.py" in found.found
    assert "nest.py" in found.found and "\x1b" not in found.found
    assert not mark.exists()
    off = machine.plugins({"YTDLP_NO_PLUGINS": "1"})
    assert (off.verdict, off.found) == (Level.OK, "none: YTDLP_NO_PLUGINS is set")


def test_the_plugins_of_installed_packages_are_named_and_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "yt_dlp_plugins" / "extractor"
    folder.mkdir(parents=True)
    for number in range(20):
        (folder / f"p{number:02}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(versions.sysconfig, "get_path", lambda name: str(tmp_path))
    found = machine.plugins({})
    assert found.verdict is Level.OK
    assert found.found.startswith("20 loaded in every fetch") and "and 10 more" in found.found


def test_plugins_in_a_zip_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "birds.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("yt_dlp_plugins/extractor/bird.py", "")
    monkeypatch.syspath_prepend(archive)
    assert str(archive) in machine.plugins({}).found


def test_a_ytdlp_that_does_not_say_what_it_loads_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yt_dlp.plugins.directories", None)
    assert machine.plugins({}).verdict is Level.WARNING

"""What several commands share: a workspace or a recipe that there is not, a package that is not installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from audioset_tools.cli import run
from audioset_tools.cli.options import needing
from audioset_tools.exceptions import EnvironmentProblem
from audioset_tools.installing import install

KEY = "-0SdAVK79lg_30000"

COMMANDS = [
    ["status"],
    ["verify"],
    ["verify", "--repair"],
    ["featurize"],
    ["train"],
    ["evaluate"],
    ["evaluate", "some-run"],
    ["evaluate", "--compare"],
    ["evaluate", "--compare", "some-run"],
    ["report"],
    ["errors", "--run", "some-run"],
    ["errors", "--run", "some-run", "--table"],
    ["inspect", KEY],
    ["inspect", "test-00000.h5"],
    ["forget", "abcdefghijA"],
]
"""All that work on a workspace that is there."""


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_workspace_that_there_is_not_is_a_usage_error_and_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "ledger.sqlite").touch()
    assert run([*words, "--workspace", str(tmp_path / "w")]) == 2
    said = capsys.readouterr()
    assert f"there is no workspace {tmp_path / 'w'}; beside it: other" in said.err
    assert "--workspace" in said.err and not said.out
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        *((words, 6) for words in (["status"], ["verify"], ["featurize"], ["train"], ["evaluate"])),
        (["forget", "abcdefghijA"], 6),
        (["evaluate", "some-run"], 2),
        (["errors", "--run", "some-run"], 2),
        (["inspect", KEY], 2),
    ],
)
def test_a_workspace_without_anything_says_what_to_run_first_or_that_there_is_no_such_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int
) -> None:
    assert run([*words, "--workspace", str(tmp_path)]) == code
    said = capsys.readouterr().err
    assert "audioset-tools" in said and ("is no workspace: nothing was fetched into it" in said) is (
        code == 6
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["select", "fetch", "doctor"])
def test_a_recipe_that_there_is_not_is_a_usage_error_that_names_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run([command, "--recipe", "nosuch", "--workspace", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "there is no recipe nosuch" in said and "paper, clean, instruments, keyboards, several" in said


def test_an_extra_that_is_not_installed_is_named_with_how_to_get_it() -> None:
    with (
        pytest.raises(EnvironmentProblem, match="nosuchpackage is not installed") as refused,
        needing("train"),
    ):
        import nosuchpackage  # noqa: F401
    assert refused.value.remedy == f"Install it: {install('train')}"


SECRET = "s3cr3t-0f-th3-us3r"

CANNOT_WORK = [
    ["--proxy", "foo://x"],
    ["--proxy", f"http://me:{SECRET}#@host:port"],
    ["--proxy", "http://"],
    ["--ytdlp-option", "proxy=5"],
    ["--ytdlp-option", f'proxy="http://me:{SECRET}/@host"'],
    ["--ytdlp-option", 'socket_timeout="x"'],
    ["--ytdlp-option", "nosuch=1"],
    ["--ytdlp-option", f"http://me:{SECRET}@host:1"],
    ["--ytdlp-option", f"http://me:{SECRET}@host:1=x"],
    ["--ytdlp-option", f"proxy=http://me:{SECRET}@host:1"],
    ["--ytdlp-option", f"netrc_cmd='echo {SECRET}'"],
    ["--ytdlp-option", "socket_timeout=" + "[" * 50_000],
    ["--ytdlp-option", "socket_timeout=1" + "0" * 5_000],
    ["--cookies-from-browser", "netscape"],
    ["--cookies", "COOKIES"],
    ["--cookies", "FIFO"],
]


@pytest.mark.parametrize("command", ["fetch", "doctor", "offset"])
@pytest.mark.parametrize("words", CANNOT_WORK, ids=lambda words: " ".join(words)[:40])
def test_what_cannot_work_ends_a_command_before_it_begins(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], command: str, words: list[str]
) -> None:
    """Before, each clip failed of it; and yt-dlp printed the lines of a file of cookies."""
    (tmp_path / "COOKIES").write_text(
        f"# Netscape HTTP Cookie File\n.youtube.com TRUE / TRUE 0 SID {SECRET}\n"
    )
    os.mkfifo(tmp_path / "FIFO")
    more = {"fetch": ["--metadata", "/nowhere"], "doctor": ["--network"],
            "offset": ["--source", "youtube", "--source", f"local:{tmp_path}"]}[command]  # fmt: skip
    words = [str(tmp_path / word) if word in ("COOKIES", "FIFO") else word for word in words]
    assert run([command, *more, *words, "--workspace", str(tmp_path / "w")]) == 2
    said = capfd.readouterr()
    assert SECRET not in said.err + said.out and "Traceback" not in said.err and len(said.err) < 2_000
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("source", ["youtube", "hf:agkphysics/AudioSet"])
def test_a_proxy_of_the_environment_that_cannot_be_one_does_too(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    source: str,
) -> None:
    monkeypatch.setenv(name, f"foo://me:{SECRET}@host:1")
    words = ["fetch", "--source", source, "--metadata", "/nowhere", "--workspace", str(tmp_path / "w")]
    for more in ([], ["--dry-run"]):
        assert run([*words, *more]) == 2
        said = capsys.readouterr().err
        assert f"the environment's {name} cannot be a proxy" in said and SECRET not in said
    assert not (tmp_path / "w").exists()
    # Who goes another way, or nowhere, is not concerned.
    local = ["fetch", "--source", f"local:{tmp_path}", "--workspace", str(tmp_path / "w")]
    offset = [
        "offset",
        "--source",
        source,
        "--source",
        f"local:{tmp_path}",
        "--workspace",
        str(tmp_path / "w"),
    ]
    assert run(offset) == 2
    assert f"the environment's {name}" in capsys.readouterr().err
    for other in (local, [*words, "--proxy", "http://127.0.0.1:9"] if source == "youtube" else local):
        assert run(other) != 0
        assert "the environment's" not in capsys.readouterr().err


def test_no_warning_of_a_library_reaches_standard_error() -> None:
    """They quote addresses, headers, and the lines of a file of cookies."""
    program = f"""
import logging, warnings
from audioset_tools import cli
cli._hush()
warnings.warn("{SECRET}")
for name in ("urllib3", "huggingface_hub", "asyncio", "x"):
    logging.getLogger(name).error("{SECRET}")
"""
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize("value", ["nan", "0", "x"])
def test_a_number_of_seconds_is_one_that_can_be_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    assert run(["report", f"--watch={value}", "--workspace", str(tmp_path)]) == 2
    assert "--watch" in capsys.readouterr().err
    for flag in ("--max-wait", "--retry-wait"):
        given = f"{flag}={value.replace('0', '-1')}"
        assert run(["fetch", given, "--workspace", str(tmp_path)]) == 2
        assert flag in capsys.readouterr().err and not list(tmp_path.iterdir())

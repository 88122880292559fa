"""Settings: defaults < a TOML file < the environment < flags; and a file with a mistake in it is refused."""

import json
import os
import time
from pathlib import Path

import click
import pytest

from audioset_tools.cli import cli
from audioset_tools.cli import run as run_here
from audioset_tools.cli.config import read_config
from audioset_tools.exceptions import UsageError
from tests.commands.conftest import World, run

TABLES = f"Tables are {', '.join(sorted(cli.commands))}"


def test_settings_come_from_file_environment_and_flags(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(f'[select]\nmetadata = "{world.lists}"\nper-class = 3\nrecipe = "clean"\n')

    def told(*flags: str) -> tuple[str, int]:
        found = json.loads(run("--config", str(config), "select", "--json", *flags).stdout)
        return found["recipe"], found["per_class"]

    assert told() == ("clean", 3)
    monkeypatch.setenv("AUDIOSET_TOOLS_SELECT_PER_CLASS", "4")
    assert told() == ("clean", 4)
    assert told("--per-class", "5", "--recipe", "paper") == ("paper", 5)
    config.write_text("[select]\nper-clas = 3\n")
    done = run("--config", str(config), "select")
    assert (done.returncode, "per-clas" in done.stderr) == (2, True)


def test_a_key_is_the_name_of_a_flag(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(
        """
        [fetch]
        per-class = 3
        source = ["local:a", "youtube"]
        retry = "passing"
        exclude = "list.csv"
        list = "segments.csv"
        json = true
        no-check-certificate = true
        cookies-from-browser = "firefox"
        sample-rate = 32000
        max-wait = 60
        ytdlp-option = ["socket_timeout=5", 'extractor_args={"youtube": {"player_client": ["web"]}}']
        [train]
        epochs = 2
        """
    )
    assert read_config(path, cli) == {
        "fetch": {
            "per_class": 3,
            "source_names": ["local:a", "youtube"],
            "retries": ["passing"],
            "exclude": "list.csv",
            "segment_list": "segments.csv",
            "as_json": True,
            "no_check_certificate": True,
            "browser": "firefox",
            "sample_rate": "32000",
            "max_wait": 60,
            "ytdlp_options": [
                "socket_timeout=5",
                'extractor_args={"youtube": {"player_client": ["web"]}}',
            ],
        },
        "train": {"epochs": 2},
    }


def test_every_flag_of_every_command_is_a_key(tmp_path: Path) -> None:
    """But for those that show something and end, and `--config` itself."""
    path = tmp_path / "settings.toml"
    for name, command in cli.commands.items():
        for option in command.params:
            if not isinstance(option, click.Option) or option.name == "ytdlp_options":
                continue
            flag = max(option.opts, key=len).removeprefix("--")
            value = {True: "true"}.get(bool(option.is_flag), '"16000"')
            if isinstance(option.type, click.types.IntParamType | click.types.FloatParamType):
                value = "1"
            path.write_text(f"[{name}]\n{flag} = {value}\n")
            assert [*read_config(path, cli)[name]] == [option.name]


@pytest.mark.parametrize("text", ['source = "local:{}"', 'source = ["local:{}"]'])
def test_what_a_file_says_reaches_the_command_and_the_flags_win(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    config = tmp_path / "settings.toml"
    nowhere = tmp_path / "nowhere"
    config.write_text(f"[fetch]\n{text.format(nowhere)}\nworkspace = '{tmp_path / 'w'}'\n")
    assert run_here(["--config", str(config), "fetch"]) == 2
    assert f"{nowhere} does not exist" in capsys.readouterr().err
    assert run_here(["--config", str(config), "fetch", "--source", "local:/nowhere/else"]) == 2
    assert "/nowhere/else does not exist" in capsys.readouterr().err


RUNS = [
    "netrc_cmd='touch {}'",
    'netrc_cmd="touch {}"',
    'exec_cmd="touch {}"',
    'external_downloader="{}"',
    'postprocessors=[{"key": "Exec", "exec_cmd": "touch {}"}]',
    'js_runtimes={"deno": {"path": "{}"}}',
    'ffmpeg_location="{}"',
    'cookiefile="{}"',
    'cachedir="{}"',
    'proxy="http://127.0.0.1:1"',
    'http_headers={"Cookie": "a=b"}',
    'extractor_args={"youtubepot-bgutilscript": {"script_path": ["{}"]}}',
    'extractor_args={"youtube": {"innertube_host": ["127.0.0.1"]}}',
    'print_to_file={"video": [["x", "{}"]]}',
    "nosuch=1",
    "socket_timeout=[]",
    "=1",
    "socket_timeout",
]


@pytest.mark.parametrize("option", RUNS)
def test_a_file_sets_harmless_options_of_yt_dlp_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    """A colleague's file could run commands."""
    config, mark = tmp_path / "settings.toml", tmp_path / "mark"
    given = json.dumps(option.replace("{}", str(mark)))
    config.write_text(f"[fetch]\nworkspace = '{tmp_path / 'w'}'\nytdlp-option = [{given}]\n")
    assert run_here(["--config", str(config), "fetch"]) == 2
    assert f"error: {config}: ytdlp-option" in capsys.readouterr().err.splitlines()[0]
    assert [*tmp_path.iterdir()] == [config]


HOSTILE = {
    "a FIFO": lambda path: os.mkfifo(path),
    "zeroes": lambda path: path.symlink_to("/dev/zero"),
    "a folder": lambda path: path.mkdir(),
    "large": lambda path: path.write_bytes(b"#" * 200_000),
    "no UTF-8": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "nested": lambda path: path.write_text("x = " + "[" * 50_000),
    "dotted": lambda path: path.write_text("a." * 5_000 + "a = 1"),
    "a long number": lambda path: path.write_text("[fetch]\nper-class = 1" + "0" * 5_000),
    "a dotted table": lambda path: path.write_text("[" + "fetch." * 5_000 + "x]\n"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_whatever_lies_where_settings_are_looked_for_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    path = tmp_path / "settings.toml"
    HOSTILE[kind](path)
    began = time.process_time()
    assert run_here(["--config", str(path), "fetch", "--workspace", str(tmp_path / "w")]) == 2
    assert time.process_time() - began < 5
    assert len(capsys.readouterr().err) < 1_000 and not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    "line",
    ["per-class = 'x'", "per-class = 1.5", "per-class = true", "per-class = [1]", "per-class = {a = 1}",
     "proxy = 5", "proxy = ['http://x']", "json = 'yes'", "json = 1", "source = [['youtube']]",
     "source = {a = 1}", "source = [true]", "max-wait = 'x'", "max-wait = nan", "max-wait = -1",
     "sample-rate = 5", "cookies = 3", "workspace = 2020-01-01", "ytdlp-option = 5", "jobs = [ ]"],
)  # fmt: skip
def test_a_value_that_a_flag_does_not_take_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(f"[fetch]\nmetadata = '/nowhere'\n{line}\n")
    words = [
        "--config",
        str(path),
        "fetch",
        *(() if "workspace" in line else ("--workspace", str(tmp_path / "w"))),
    ]
    assert run_here(words) == 2
    assert "Traceback" not in capsys.readouterr().err and not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("[fetch", "cannot be read as TOML", "leave --config out"),
        ("[fetches]\n", "there is no command 'fetches'", TABLES),
        ("fetch = 3\n", "there is no command 'fetch'", TABLES),
        (
            "[fetch]\nper-clas = 3\n",
            "fetch has no option 'per-clas'",
            "`audioset-tools fetch --help` lists them.",
        ),
    ],
)
def test_a_mistake_is_named_with_what_there_is(tmp_path: Path, text: str, what: str, remedy: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        read_config(path, cli)
    assert what in refused.value.what and str(path) in refused.value.what
    assert remedy in refused.value.remedy
    with pytest.raises(UsageError, match="cannot be read as TOML"):
        read_config(tmp_path / "nowhere.toml", cli)

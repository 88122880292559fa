"""What all commands have in common: -h, -q, -v, --log, ids that begin with `-`, one style of error."""

import re
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.cli import cli, run
from audioset_tools.ledger import Ledger
from audioset_tools.types import YTID
from audioset_tools.workspace import Workspace
from tests.factories import loaded

SECRET = "s3cr3t-0f-th3-us3r"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with nothing but a queue."""
    (tmp_path / "w").mkdir()
    loaded(tmp_path / "w" / "ledger.sqlite").__exit__(None, None, None)
    return tmp_path / "w"


def said(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit code, stdout, and stderr without the times of its lines."""
    code = run([*map(str, words)])
    out, err = capsys.readouterr()
    return code, out, re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", "", err, flags=re.MULTILINE)


@pytest.mark.parametrize("words", [[], *([name] for name in cli.commands)], ids=lambda words: " ".join(words))
def test_every_command_is_asked_alike(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    short, long = (said(capsys, *words, flag) for flag in ("-h", "--help"))
    assert short == long and short[0] == 0
    for options in ("-h, --help", "-q, --quiet", "-v, --verbose", "--log FILE"):
        assert options in short[1]


def test_the_help_lists_the_commands_in_the_order_of_the_work_with_whole_sentences(
    capsys: pytest.CaptureFixture[str],
) -> None:
    listed = said(capsys, "--help")[1].partition("Commands:\n")[2]
    order = [line.split()[0] for line in listed.splitlines() if re.match(r"  [a-z]", line)]
    assert order == [*cli.commands] and set(order) > {"doctor", "demo"}
    work = ["doctor", "select", "fetch", "verify", "featurize", "train", "evaluate", "predict", "publish"]
    assert [name for name in order if name in work] == work
    text = " ".join(listed.split())
    for name, command in cli.commands.items():
        first = " ".join((command.help or "").split("\n\n")[0].split())
        assert f"{name} {first}" in text and first.endswith(".")
    assert "..." not in text


WRONG = [
    (["fetch", "--7"], "no such option", "`audioset-tools fetch --help` lists all options."),
    (["fetch", "--per-clas", "3"], "no such option", "Did you mean --per-class? "),
    (["train", "--epochs", "x"], "'x' is not a valid integer", "`audioset-tools train --help`"),
    (["evaluate", "--split", "tset"], "'tset' is not one of", "`audioset-tools evaluate --help`"),
    (["forget", "-Gxxxxxxxxxx"], "no such option '-G'", "`audioset-tools forget --help` lists"),
    (["forget"], "missing argument 'ID...'", "`audioset-tools forget --help`"),
    (["export", "hf"], "missing option '--out'", "`audioset-tools export --help`"),
    (["status", "more"], "got unexpected extra argument (more)", "`audioset-tools status --help`"),
    (["nosuch"], "no such command 'nosuch'", "`audioset-tools --help` lists all commands."),
    (["-x", "status"], "no such option", "`audioset-tools --help` lists all commands."),
]


@pytest.mark.parametrize(("words", "what", "remedy"), WRONG, ids=lambda value: str(value)[:30])
def test_a_wrong_command_line_is_told_as_every_error_is(
    capsys: pytest.CaptureFixture[str], words: list[str], what: str, remedy: str
) -> None:
    code, out, err = said(capsys, *words)
    assert (code, out) == (2, "")
    first, second = err.splitlines()
    assert first.startswith("error: ") and what in first and not first.endswith(".")
    assert second.startswith(remedy)


def test_without_a_word_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys)
    assert "Commands:" in out + err and "error:" not in err and code in (0, 2)


@given(st.from_regex(YTID, fullmatch=True), st.permutations(["--yes", "--workspace", "-q"]))
def test_an_id_is_an_id_wherever_it_stands(ytid: str, order: list[str]) -> None:
    ytid = f"-{ytid[1:]}"
    words = [part for name in order for part in ([name, "w"] if name == "--workspace" else [name])]
    command = cli.commands["forget"]
    for at in (0, *(n for n in range(1, len(words) + 1) if words[n - 1] != "--workspace")):
        line = [*words[:at], ytid, *words[at:]]
        known = ytid in ("--yes", "--workspace", "--dry-run", "--quiet", "--verbose")
        if not known:
            with click.Context(command, resilient_parsing=True) as context:
                command.parse_args(context, line)
            assert [str(one) for one in context.params["ids"]] == [ytid]


def test_a_value_of_an_option_stays_one_though_it_looks_like_an_id(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, err = said(capsys, "inspect", "--workspace", "-bcdefghijA", "-abcdefghiA")
    assert code == 2 and "there is no workspace -bcdefghijA" in err
    code, _, err = said(capsys, "predict", "-abcdefghiA", "--run", "x", "--workspace", tmp_path)
    assert code == 2 and "-abcdefghiA is neither a file nor a clip" in err


def test_quiet_tells_results_and_errors_alone(capsys: pytest.CaptureFixture[str], workspace: Path) -> None:
    table = workspace / "out.csv"
    words = ["status", "--failures", "--out", table, "--workspace", workspace]
    assert "wrote 0 failures" in said(capsys, *words)[2]
    for quiet in (["-q", *words], [*words, "--quiet"]):
        assert said(capsys, *quiet) == (0, "", "")
    assert said(capsys, "-q", "status", "--workspace", workspace)[1]
    code, _, err = said(capsys, "status", "-q", "--workspace", workspace / "no")
    assert code == 2 and err.startswith("error: there is no workspace")
    # The next command is not quiet because this one was.
    assert "wrote 0 failures" in said(capsys, *words)[2]


def test_verbose_says_which_setting_counts_and_whence(
    capsys: pytest.CaptureFixture[str], workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(f"workspace = '{workspace}'\n[doctor]\nper-class = 7\n")
    monkeypatch.setenv("AUDIOSET_TOOLS_DOCTOR_PACE", "600/h")
    words = ["doctor", "-v", "--proxy", f"http://me:{SECRET}@localhost:1"]
    _, _, err = said(capsys, "--config", config, *words)
    for line in (
        f"--workspace {workspace}, by --config",
        "--per-class 7, by --config",
        "--pace 600/h, by the environment",
        "--proxy (not shown), by the command line",
    ):
        assert line in err
    assert SECRET not in err and "doctor ends after" in err and "exit code" in err
    assert "--recipe" not in err


def test_a_log_has_every_line_and_the_beginning_and_the_end(
    capsys: pytest.CaptureFixture[str], workspace: Path, tmp_path: Path
) -> None:
    log = tmp_path / "run.log"
    words = ["status", "--failures", "--out", tmp_path / "t.csv", "--workspace", workspace]
    for line in (["--log", log, *words], [*words, "--log", log, "-q"]):
        assert said(capsys, *line)[0] == 0
    said(capsys, "--log", log, "fetch", "--proxy", f"http://me:{SECRET}#@host:port", "--workspace", workspace)
    said(capsys, "--log", log, "status", f"http://me:{SECRET}@host:1")
    said(capsys, "--log", log, "fetch", "--per-class", f"http://me:{SECRET}@host:1")
    lines = [line[21:] for line in log.read_text().splitlines()]
    once = ["status begins", "wrote 0 failures", "status ends after 0 s", "exit code 0"]
    for line, piece in zip(lines[:8], once * 2, strict=True):
        assert piece in line
    assert any(line.startswith("error: ") for line in lines) and lines[-1] == "exit code 2"
    assert SECRET not in log.read_text()


def test_a_settings_file_holds_what_stands_before_a_command(
    capsys: pytest.CaptureFixture[str], workspace: Path, tmp_path: Path
) -> None:
    config, log = tmp_path / "settings.toml", tmp_path / "log"
    config.write_text(f"quiet = true\nlog = '{log}'\nworkspace = '{workspace}'\n")
    code, out, err = said(capsys, "--config", config, "status", "--failures", "--out", tmp_path / "t.csv")
    assert (code, out, err) == (0, "", "") and "wrote 0 failures" in log.read_text()
    config.write_text("per-class = 3\n")
    code, _, err = said(capsys, "--config", config, "status")
    assert code == 2 and "there is no command 'per-class'" in err
    assert "before them stand workspace, quiet, verbose, log" in err


def test_the_demo_makes_a_folder_of_its_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = said(capsys, "--workspace", tmp_path / "w", "demo")
    assert code == 2 and "demo --workspace" in err and not (tmp_path / "w").exists()


def test_a_log_that_cannot_be_written_is_an_error_before_anything_is_done(
    capsys: pytest.CaptureFixture[str], workspace: Path
) -> None:
    code, out, err = said(capsys, "status", "--workspace", workspace, "--log", workspace / "no" / "log")
    assert (code, out) == (5, "")
    assert err.startswith(f"error: the log {workspace / 'no' / 'log'} cannot be written")
    assert "--log" in err.splitlines()[1]


def test_a_workspace_is_named_once_and_flags_win(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "settings.toml"
    config.write_text("workspace = 'of-file'\n[status]\nworkspace = 'of-table'\n")

    def used(*words: str) -> str:
        code, _, err = said(capsys, *words)
        assert code == 2
        return err.partition("there is no workspace ")[2].split("\n")[0].split(";")[0]

    monkeypatch.chdir(tmp_path)
    assert used("status") == used("verify") == "audioset"
    file = ("--config", str(config))
    assert (used(*file, "status"), used(*file, "verify")) == ("of-table", "of-file")
    monkeypatch.setenv("AUDIOSET_TOOLS_WORKSPACE", "of-all")
    assert used("status") == used(*file, "status") == used(*file, "verify") == "of-all"
    monkeypatch.setenv("AUDIOSET_TOOLS_STATUS_WORKSPACE", "of-one")
    assert (used(*file, "status"), used("verify")) == ("of-one", "of-all")
    assert used(*file, "--workspace", "before", "status") == "before"
    assert used("--workspace", "before", "status", "--workspace", "behind") == "behind"


def test_a_ledger_with_an_id_of_any_form_is_inspected_without_a_dash_in_the_way(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from tests.factories import candidate, origin

    one = candidate("-bcdefghijA")
    with Ledger(Workspace(tmp_path).ledger) as ledger:
        ledger.load(origin("Flute"), [one])
    for words in (["-bcdefghijA", "--workspace", tmp_path], ["--workspace", tmp_path, "-q", "-bcdefghijA"]):
        code, out, _ = said(capsys, "inspect", *words)
        assert code == 0 and one.key in out

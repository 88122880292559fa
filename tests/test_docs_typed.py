"""What the pages tell one to type runs, one page after another, against the simulated YouTube."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from audioset_tools.cli import cli, run
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.lists import write_lists

DOCS = Path(__file__).parent.parent / "docs"
FEW = {"--per-class 100": "--per-class 3", "--per-class 2400": "--per-class 6"}
COOKIES = "# Netscape HTTP Cookie File\n.youtube.com\tTRUE\t/\tTRUE\t2000000000\tPREF\tx\n"


def blocks(page: str) -> list[str]:
    """The commands of a page that say what shell they are for; the others send something or install."""
    found = re.findall(r"^```bash\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    assert found, page
    return found


@pytest.fixture
def shell(
    tmp_path: Path,
    serve: Callable[[Plan], Simulator],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[str], str]:
    """Runs commands in one folder, whose YouTube and lists are simulated; ours in this process, for speed."""
    lists = tmp_path / "lists"
    table = write_lists(lists, {"Piano": 12, "Drums": 12, "Flute": 12, "Other": 12})
    youtube = serve(Plan(seed=1, table=table))
    (tmp_path / "cookies.txt").write_text(COOKIES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIOSET_TOOLS_FETCH_PROXY", youtube.proxy)
    monkeypatch.setenv("AUDIOSET_TOOLS_FETCH_NO_CHECK_CERTIFICATE", "1")

    def type_in(block: str) -> str:
        for asked, few in FEW.items():
            block = block.replace(asked, few)
        # A list excludes lists, and a pace that is given is kept; nothing is downloaded, by no command.
        metadata, pace = "" if "--list" in block else str(lists), "" if "--pace" in block else "unlimited"
        for name in cli.commands:
            monkeypatch.setenv(f"AUDIOSET_TOOLS_{name.upper()}_METADATA", metadata)
        monkeypatch.setenv("AUDIOSET_TOOLS_FETCH_PACE", pace)
        for line in block.splitlines():
            program, *arguments = shlex.split(line)
            if program == "audioset-tools":
                assert run(arguments) == 0, f"{line}\n{capsys.readouterr().err}"
            else:
                subprocess.run([program, *arguments], check=True)
        return capsys.readouterr().out

    return type_in


def splits(workspace: Path) -> dict[str, str]:
    """In which split each clip is."""
    rows = (workspace / "dataset.csv").read_text().splitlines()[1:]
    return {key: row.split(",")[3] for row in rows for key in [row.split(",")[0]]}


@pytest.mark.timeout(330)
def test_the_pages_commands_run_one_page_after_another(shell: Callable[[str], str], tmp_path: Path) -> None:
    workspace = tmp_path / "audioset"
    small, large = blocks("growing.md")
    shell(small)
    before = splits(workspace)
    said = shell(large)
    after = splits(workspace)
    assert (len(before), len(after)) == (12, 24)
    assert before.items() <= after.items()
    assert "first" in said

    hand_on, make_again = blocks("sharing.md")
    shell(hand_on)
    assert "# first" in (tmp_path / "published/runs/first/README.md").read_text()
    assert "same bytes" in shell(make_again)

    (account,) = blocks("accounts.md")
    shell(account)

    (clean,) = blocks("cleaning.md")
    shards = {path: path.read_bytes() for path in workspace.glob("shards/*/*.h5")}
    (workspace / "report").mkdir()
    shell(clean)
    assert shards and all(path.read_bytes() == content for path, content in shards.items())


def test_windows_is_told_where_it_runs() -> None:
    code = "import sys; sys.platform = 'win32'; import audioset_tools"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith("Install it inside WSL 2 (docs/platforms.md).")

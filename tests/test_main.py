"""Whose code runs: what is installed, nothing of the current folder; and what its output may meet."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from audioset_tools.simulator.lists import write_lists

TRAP = "import pathlib; pathlib.Path(__file__).with_suffix('.ran').touch()\n"
ROOT = Path(__file__).parents[1]


def _run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        arguments, cwd=folder, env=inherited | environment, capture_output=True, text=True, timeout=100
    )


def test_python_m_runs_no_module_of_the_current_folder(tmp_path: Path) -> None:
    """`python -m` looks there first, where anybody may have put a file named as one that is meant."""
    for name in ("click", "csv", "ffmpeg", "future", "numpy", "past", "rich", "sqlite3", "test", "tomllib"):
        (tmp_path / f"{name}.py").write_text(TRAP)
    done = _run(tmp_path, sys.executable, "-m", "audioset_tools", "doctor", "--help", PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("*.ran"))


def test_ffmpeg_python_runs_no_test_py(tmp_path: Path) -> None:
    """CVE-2025-50817: modules of `future`, which ffmpeg-python asks for, import the first `test` found."""
    (tmp_path / "test.py").write_text(TRAP)
    code = (
        "import sys; sys.path[:1] = ['', sys.argv[1]]\n"
        "from audioset_tools.audio.ffmpeg import command_for_all\n"
        "assert '-filter_complex' in command_for_all(b'OggS', 16_000)\n"
        "print(*sys.modules)\n"
        "from future.standard_library import install_aliases\n"
        "install_aliases(); print('test' in sys.modules)\n"
        "import test\n"
    )
    done = _run(tmp_path, sys.executable, "-c", code, str(ROOT))
    loaded, by_aliases = done.stdout.splitlines()
    assert not {"test", "future.standard_library", "future.backports", "future.moves"} & set(loaded.split())
    assert by_aliases == "False"
    assert (tmp_path / "test.ran").exists(), "the trap is none"


@pytest.mark.parametrize("words", [["select"], ["select", "--json"]])
def test_a_reader_that_goes_away_is_no_failure(words: list[str], tmp_path: Path) -> None:
    write_lists(tmp_path, {"Piano": 3, "Drums": 3, "Flute": 3, "Other": 3})
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "audioset_tools", *words, "--metadata", str(tmp_path)]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_the_locale_cannot_show_is_replaced(tmp_path: Path) -> None:
    write_lists(tmp_path, {"Piano": 3, "Drums": 3, "Flute": 3, "Other": 3})
    command = [sys.executable, "-m", "audioset_tools", "select", "--metadata", str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"?" in done.stdout

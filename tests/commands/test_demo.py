"""`demo` as a user runs it: the whole job against the simulator, in a folder of its own."""

from pathlib import Path

from tests.commands.conftest import run


def test_the_demo_ends_well_and_shows_the_pause(tmp_path: Path) -> None:
    done = run("demo", "--workspace", str(tmp_path / "demo"), "--per-class", "4")
    assert done.returncode == 0, done.stderr
    assert "all paused until" in done.stderr
    assert "Table 2. Precision, recall and F1-score" in done.stdout
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr


def test_the_demo_touches_no_folder_of_the_users(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("dear")
    done = run("demo", "--workspace", str(tmp_path))
    assert done.returncode == 2
    assert (tmp_path / "thesis.tex").read_text() == "dear"

"""How a job is divided: what goes together, and who does it."""

import sys
from pathlib import Path

import pytest

from audioset_tools.exceptions import EnvironmentProblem, UsageError
from audioset_tools.tasks.division import Division
from audioset_tools.tasks.part import ArrayPart


def test_an_array_part_has_no_scheduler() -> None:
    with pytest.raises(UsageError, match="do not go together"):
        Division(scheduler="tcp://node:8786", part=ArrayPart(1, 4))
    with pytest.raises(UsageError, match="0 jobs"):
        Division(0)
    assert Division().is_whole and not Division(part=ArrayPart(1, 4)).is_whole


def test_without_a_scheduler_it_is_threads_of_this_process(tmp_path: Path) -> None:
    with Division(3).engine(tmp_path, print) as by:
        assert by.is_here and by.count() == 3 and by.words == ""
        assert by.place(Path("clips")) == Path("clips")
        assert by.submit(divmod, 7, 4).result() == (1, 3)


def test_without_the_extra_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "audioset_tools.tasks.cluster", raising=False)
    with (
        pytest.raises(EnvironmentProblem, match="distributed is not installed") as caught,
        Division(scheduler="tcp://node:8786").engine(tmp_path, print),
    ):
        pass
    assert "[cluster]" in caught.value.remedy

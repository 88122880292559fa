"""Every format of the table has a module that plans it."""

from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pytest

from audioset_tools.export.examples import read_exported
from audioset_tools.export.formats import FORMATS, plan_of
from audioset_tools.workspace import Workspace


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_planned_by_a_module_of_its_name(name: str) -> None:
    assert callable(plan_of(name))


@pytest.mark.parametrize("name", ["hf", "lhotse", "webdataset"])
def test_a_part_can_be_handed_to_another_process(exportable: Workspace, labels: Path, name: str) -> None:
    parts = plan_of(name)(read_exported(exportable, "classes", labels)).parts
    assert all(len(ForkingPickler.dumps(part)) < 100_000 for part in parts)

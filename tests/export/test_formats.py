"""Every format of the table has a module that plans it."""

import pytest

from audioset_tools.export.formats import FORMATS, plan_of


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_planned_by_a_module_of_its_name(name: str) -> None:
    assert callable(plan_of(name))

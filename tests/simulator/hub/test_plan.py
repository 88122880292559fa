"""A plan says at once what it cannot mean."""

import pytest

from audioset_tools.exceptions import UsageError
from audioset_tools.simulator.hub import HubPlan


def test_an_unknown_oddity_is_refused() -> None:
    with pytest.raises(UsageError, match="no part is 'upside down'"):
        HubPlan(odd="upside down")

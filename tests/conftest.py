"""What several parts' tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no failure; and a continuous integration must not fail by the luck of a draw.
settings.register_profile("patient", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest) -> Path:
    """The simulator's encoded sounds, kept from one run of the tests to the next."""
    return Path(request.config.cache.mkdir("simulator"))

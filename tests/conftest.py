"""What several parts' tests share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest) -> Path:
    """The simulator's encoded sounds, kept from one run of the tests to the next."""
    return Path(request.config.cache.mkdir("simulator"))

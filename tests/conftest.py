"""What several parts' tests share."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no failure; and a continuous integration must not fail by the luck of a draw.
settings.register_profile("patient", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("patient")

# A shell's jobs in the background ignore SIGINT, and so would all that they start, if a test interrupts it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest) -> Path:
    """The simulator's encoded sounds, kept from one run of the tests to the next."""
    return Path(request.config.cache.mkdir("simulator"))

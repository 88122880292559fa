"""What the tests of the catalog make."""

from tests.catalog.conftest import selection

__all__ = ["selection"]

"""The data files shipped with the package: recipes and the official files' addresses."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def manifest(name: str) -> Path:
    """The path of a shipped manifest, in an installed wheel or in a checkout."""
    shipped = _PACKAGE / "manifests" / name
    return shipped if shipped.exists() else _PACKAGE.parent / "manifests" / name

"""N verified AudioSet clips per class, mel shards from them, and the paper's CNN trained on those."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .featurize.reader import MelShards

__all__ = ["MelShards", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # Only when asked for: it brings numpy, HDF5 and numba, and the command line must start at once.
    if name == "MelShards":
        from .featurize.reader import MelShards

        return MelShards
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

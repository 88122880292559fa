"""`index.json`: which shards make up a finished folder.

It goes before the first shard of a folder changes and comes back after the last one is in place, so that a
folder without it is unfinished and nobody trains on half of it.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from ..errors import DataMismatch
from ..workspace import write_beside

NAME = "index.json"

FEATURIZE_AGAIN = "Run `audioset-tools featurize` again: it keeps what is right and makes the rest anew."


def write_index(folder: Path, shards: Mapping[str, str]) -> None:
    """Declare a folder finished.

    Args:
        folder: of one spec.
        shards: per file name, the digest of the inputs it was made from.
    """
    with write_beside(folder / NAME) as temporary:
        temporary.write_text(json.dumps({"shards": dict(shards)}, indent=1) + "\n")


def read_index(folder: Path) -> dict[str, str]:
    """Per shard of a finished folder, its file name and the digest of its inputs.

    Raises:
        DataMismatch: featurize did not finish here, or the file is damaged.
    """
    try:
        index = json.loads((folder / NAME).read_text())
        return {str(name): str(inputs) for name, inputs in index["shards"].items()}
    except FileNotFoundError as error:
        raise DataMismatch(f"{folder} is unfinished: featurize was interrupted", FEATURIZE_AGAIN) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataMismatch(f"{folder / NAME} is damaged", FEATURIZE_AGAIN) from error

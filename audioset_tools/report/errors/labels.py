"""AudioSet's own labels of some clips, by name, from lists that are on this machine already."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from ...catalog.labels import read_ontology
from ...catalog.official import find_metadata, official_files
from ...catalog.segments import read_catalog


def label_names(
    keys: Collection[str], given: Path | None, workspace_copy: Path
) -> dict[str, tuple[str, ...]] | None:
    """The names of the labels of each clip that the lists hold; None where there are no lists.

    Nothing is ever downloaded for this.

    Args:
        keys: of the clips.
        given: the folder that somebody named; else
        workspace_copy: the workspace's own, which may lack some of them.

    Raises:
        UsageError: the folder given lacks a file.
        DataMismatch: a list is damaged or foreign.
    """
    if given is None and not all((workspace_copy / one.file).is_file() for one in official_files().values()):
        return None
    folder = find_metadata(given, workspace_copy)
    ontology, catalog = read_ontology(folder / official_files()["ontology"].file), read_catalog(folder)
    ytids = np.array(sorted({key[:11] for key in keys}), dtype=catalog.ytid.dtype)
    found = map(catalog.segment, np.flatnonzero(np.isin(catalog.ytid, ytids)).tolist())
    return {one.key: tuple(sorted(map(ontology.name, one.mids))) for one in found if one.key in keys}

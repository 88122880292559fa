"""docs/notebook.ipynb runs from its first cell to its last against the simulator, in a real kernel."""

from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOK = Path(__file__).parent.parent / "docs" / "notebook.ipynb"


@pytest.mark.timeout(330)
def test_the_notebook_runs(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output["data"] for output in outputs if "data" in output]
    printed = "".join(output.get("text", "") for output in outputs)
    assert any("image/png" in data for data in shown)
    assert any("<audio" in data.get("text/html", "") for data in shown)
    assert printed.count("epoch 2: loss ") == 2
    assert printed.endswith("audio export.json meta\n")


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)

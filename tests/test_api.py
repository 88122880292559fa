"""The public API is what docs/api.md says, and its examples run as a notebook user would run them."""

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

import audioset_tools

PAGE = (Path(__file__).parent.parent / "docs" / "api.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

FUNCTIONS = sorted(name for name in audioset_tools.__all__ if name.islower() and not name.startswith("_"))


def test_the_page_names_all_there_is() -> None:
    documented = {
        *re.findall(r"^### (\w+)$", PAGE, re.MULTILINE),
        *re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE),
    }
    assert {*documented, "__version__"} == set(audioset_tools.__all__)
    assert all(name in PAGE for name in audioset_tools.__all__)


@pytest.mark.parametrize("name", sorted(set(audioset_tools.__all__) - {"__version__"}))
def test_each_name_has_a_docstring(name: str) -> None:
    assert inspect.getdoc(getattr(audioset_tools, name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_typed_and_has_an_example(name: str) -> None:
    function = getattr(audioset_tools, name)
    assert get_type_hints(function).keys() == {*inspect.signature(function).parameters, "return"}
    assert f"{name}(" in "".join(EXAMPLES)


@pytest.mark.timeout(330)
def test_the_examples_run_one_after_another(tmp_path: Path) -> None:
    notebook = tmp_path / "notebook.py"
    notebook.write_text("\n".join(EXAMPLES) + "\nstack.close()\n")
    done = subprocess.run(
        [sys.executable, notebook], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_was_imported_does_not_hide_the_function_of_its_name() -> None:
    code = (
        "import audioset_tools.fetch.status, audioset_tools.shards.spec; from audioset_tools import fetch;"
        "from audioset_tools.fetch import status; import audioset_tools.featurize.run;"
        "from audioset_tools import featurize; print(callable(fetch), callable(featurize), status.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True audioset_tools.fetch.status\n"


def test_to_import_it_is_instant_and_a_wrong_name_is_an_error() -> None:
    code = "import audioset_tools, sys; sys.exit(sorted({'numpy', 'click'} & sys.modules.keys()) or 0)"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        audioset_tools.nothing  # noqa: B018
    assert set(dir(audioset_tools)) == set(audioset_tools.__all__)

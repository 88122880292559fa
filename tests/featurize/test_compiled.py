"""Compiled functions work wherever the package lies, also where nothing can be kept."""

import pytest

from audioset_tools.featurize.compiled import compiled


def double(number: int) -> int:
    return 2 * number


def test_the_machine_code_is_kept_where_it_can_be() -> None:
    function = compiled(double)
    assert function(21) == 42
    assert function.stats.cache_path


def test_without_a_folder_for_machine_code_every_process_compiles_for_itself() -> None:
    names: dict[str, object] = {}
    # numba looks for a folder by the file that the function is from: this one is from none.
    exec(compile("def triple(number): return 3 * number", "<nowhere>", "exec"), names)
    function = compiled(names["triple"])
    assert function(14) == 42
    assert function.stats.cache_path is None


def test_what_is_no_function_is_a_mistake_still() -> None:
    with pytest.raises(TypeError):
        compiled(3)

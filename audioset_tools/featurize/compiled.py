"""The one door to numba: a decorator for the inner loops.

Where numba keeps the machine code is numba's affair: beside the module, else in the user's cache folder
(`NUMBA_CACHE_DIR` chooses another). It looks at the decorated function's own file alone to see whether that
code is still right, so a compiled function calls only compiled functions of its own module.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile a function when it is first called, and keep the machine code for later processes.

    Every operation is rounded as it stands: the compiler may neither reorder a sum nor fuse a product with
    one. Which of them it fused would depend on whether a function was compiled just now or came from the
    folder, so that the first run after an installation would give other bytes than the second. Speed is the
    same.

    Args:
        function: of numpy arrays and numbers.
    """
    try:
        return _compile(function, cache=True)
    except RuntimeError:
        # numba's only word for "no folder to keep it in": a read-only installation and no home folder.
        # Everything works, every process compiling for itself.
        return _compile(function, cache=False)


def _compile(function: F, cache: bool) -> F:
    compile_it = numba.njit(cache=cache, nogil=True, error_model="numpy")
    return cast(F, compile_it(function))

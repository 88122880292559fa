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

    Nothing here lets the compiler reorder a sum: the same numbers come out on every run.

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
    compile_it = numba.njit(cache=cache, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
    return cast(F, compile_it(function))

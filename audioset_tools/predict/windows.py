"""Windows of a clip's length over a recording of any length."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a recording, `samples`, [at most a window's length], from the sample `start` on."""

    start: int
    samples: Samples

    @property
    def end(self) -> int:
        """The sample behind its last."""
        return self.start + len(self.samples)


def cut(blocks: Iterable[Samples], length: int, hop: int) -> Iterator[Window]:
    """Cut windows out of a recording as it comes; no more than one and a block is kept.

    They begin every `hop` samples. The last one ends with the recording and so may begin sooner; only a
    recording that is shorter than a window gives a shorter one.

    Args:
        blocks: the recording, in any pieces.
        length: samples of a window.
        hop: samples from one to the next, 1 to `length`.
    """
    kept, start, done = np.zeros(0, np.int16), 0, 0
    for block in blocks:
        kept = np.concatenate([kept, block])
        while len(kept) >= length + (hop if done else 0):
            # The window before is kept: the last may need to begin inside it.
            if done:
                kept, start = kept[hop:], start + hop
            done = start + length
            yield Window(start, kept[:length])
    if len(kept) and start + len(kept) > done:
        last = kept[-length:]
        yield Window(start + len(kept) - len(last), last)


def stretches(windows: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The stretch that each window speaks for: all of a recording, each part once.

    It reaches half way to the middle of the neighbours' middles, and at either end to the recording's end.

    Args:
        windows: first sample of each, and the one behind its last; in order.
    """
    middles = [(start + end) // 2 for start, end in windows]
    borders = [(one + next) // 2 for one, next in pairwise(middles)]
    first, last = windows[0][0], windows[-1][1]
    return list(zip([first, *borders], [*borders, last], strict=True))

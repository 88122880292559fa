"""White noise added to training waveforms before the mel, so that the network cannot learn them by heart.

Paper, section 3: "integrated random white noise to the audio samples of the training set before extracting
the melspectrograms". It gives no level; ours is drawn for every copy by itself.
"""

import hashlib
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

LEVELS = 2**16


def noise_rng(seed: int, key: str, copy: int) -> np.random.Generator:
    """The random numbers of one noise copy, the same whichever worker makes it and in whatever order.

    Args:
        seed: the data set's seed.
        copy: which copy, counted from 1.
    """
    digest = hashlib.sha256(f"{seed}\n{key}\n{copy}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def add_noise(waveform: Floats, snr_range: tuple[float, float], rng: np.random.Generator) -> Floats:
    """A copy of a waveform with white Gaussian noise at a signal-to-noise ratio drawn uniformly.

    The noise's variance is `mean(x^2) / 10^(snr / 10)`; silence therefore stays silence.

    Args:
        waveform: its samples at any scale, [T].
        snr_range: lowest and highest ratio in decibels.
        rng: where level and noise come from.

    Returns:
        float32, [T], possibly beyond [-1, 1]: normalisation comes later.
    """
    snr = rng.uniform(*snr_range)
    signal = np.mean(np.square(waveform, dtype=np.float64))
    noise = white_noise(len(waveform), rng)
    noise *= np.float32(np.sqrt(signal / 10 ** (snr / 10)))
    noise += waveform
    return noise


def white_noise(count: int, rng: np.random.Generator) -> Floats:
    """Independent samples of a normal distribution of unit variance: float32, [count].

    Sixteen random bits choose among 65,536 levels, in a sixth of the time of `rng.standard_normal`: the
    levels lie closer than those of 16-bit audio wherever samples are likely, and end at 4.3 deviations.
    """
    words: npt.NDArray[np.uint64] = rng.bit_generator.random_raw(-(-count // 4))
    return _levels().take(words.view(np.uint16)[:count])


@lru_cache(maxsize=1)
def _levels() -> Floats:
    """The normal distribution's quantiles, brought to exactly unit variance."""
    normal = NormalDist()
    quantiles = np.array([normal.inv_cdf((level + 0.5) / LEVELS) for level in range(LEVELS)])
    levels: Floats = (quantiles / quantiles.std()).astype(np.float32)
    return levels

"""White noise added to training waveforms before the mel, so that the network cannot learn them by heart.

Paper, section 3: "integrated random white noise to the audio samples of the training set before extracting
the melspectrograms". It gives no level; ours is drawn anew for every copy.
"""

import hashlib

import numpy as np
import numpy.typing as npt


def noise_rng(seed: int, key: str, copy: int) -> np.random.Generator:
    """The random numbers of one noise copy, the same whichever worker makes it and in whatever order.

    Args:
        seed: the data set's seed.
        key: the clip's key.
        copy: which copy, counted from 1.
    """
    digest = hashlib.sha256(f"{seed}\n{key}\n{copy}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def add_noise(
    waveform: npt.NDArray[np.float32], snr_range: tuple[float, float], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """A copy of a waveform with white Gaussian noise at a signal-to-noise ratio drawn uniformly.

    The noise's variance is `mean(x^2) / 10^(snr / 10)`; silence therefore stays silence.

    Args:
        waveform: samples, [T].
        snr_range: lowest and highest ratio in decibels.
        rng: where level and noise come from.

    Returns:
        float32, [T], possibly beyond [-1, 1]: normalisation comes later.
    """
    snr = rng.uniform(*snr_range)
    signal = np.mean(np.square(waveform, dtype=np.float64))
    deviation = np.float32(np.sqrt(signal / 10 ** (snr / 10)))
    return waveform + deviation * rng.standard_normal(len(waveform), dtype=np.float32)

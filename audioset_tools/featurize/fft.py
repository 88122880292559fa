"""Power spectra of many frames at once, summed into bands: every operation is done to 64 frames together.

librosa's own transform takes one frame after the other. Here the frames lie side by side, so that the
innermost loop does the same to neighbouring numbers and the compiler makes vector instructions of it; and a
block of frames goes through windowing, transform and mel bands before the next begins, so that it never
leaves the cache. `bench/featurize.py` says what that gives.

A *row* is WIDTH numbers: the real parts of LANES complex numbers, then their imaginary parts. A block is one
row for each of the n samples of a frame: frames f and f + LANES are real and imaginary part of lane f, since
for real x and y the transform of z = x + iy has both in it (Z* is the complex conjugate):

    X[k] = (Z[k] + Z*[n-k]) / 2        Y[k] = (Z[k] - Z*[n-k]) / 2i
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse

from ..compiled import compiled

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

LANES = 32
"""Complex numbers in a row. 16 left a third of the speed, 64 gained nothing (measured on AVX-512)."""

WIDTH = 2 * LANES
"""Numbers in a row, and frames in a block."""


class BandSpectra:
    """Takes short-time spectra and sums them into bands, keeping its tables and buffers.

    Args:
        window: of every frame, float32, [n_fft].
        hop_length: samples from one frame to the next.
        filters: weights, float32, [bands, 1 + n_fft // 2].
        power: exponent of the magnitude.
    """

    def __init__(
        self, window: Floats, hop_length: int, filters: scipy.sparse.csr_array, power: float
    ) -> None:
        plan = plan_transform(len(window))
        self._window, self._hop_length = window, hop_length
        self._tables = (plan.radices, plan.twiddles, plan.roots, plan.places)
        self._filters = (filters.indptr, filters.indices, filters.data)
        self._exponent = np.float32(power / 2)
        self._buffers = (
            np.empty(len(window) * WIDTH, np.float32),
            np.empty(len(window) * WIDTH, np.float32),
            np.empty(filters.shape[1] * WIDTH, np.float32),
        )

    def samples(self, frames: int) -> int:
        """How long a waveform must be for so many frames: whole blocks of them are read."""
        return -(-frames // WIDTH) * WIDTH * self._hop_length + len(self._window)

    def __call__(self, waveform: Floats, bands: Floats) -> None:
        """Fill `bands`, float32, [bands, frames], from a waveform, float32, [self.samples(frames)]."""
        _bands(
            waveform, self._window, self._hop_length, *self._tables, *self._buffers, self._exponent,
            *self._filters, bands,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Transform:
    """A Fourier transform of n samples, cut into stages of small radices whose product is n.

    After stages of radices p1, p2, ... row q P + r (with P = p1 p2 ...) holds element q of the transform of
    size n / P that yields the frequencies of residue class r. A stage of radix p takes the p rows t + j n / p
    and leaves its p results in the rows t p + k:

        y[k] = w(n / P)^(u k) * sum over j of x[j] w(p)^(j k),    w(m) = exp(-2 pi i / m),  u = t div P

    so every stage walks through memory in the same way, whatever came before it.

    Args:
        radices: of each stage, int64, [stages].
        twiddles: w(n / P)^(u k) at t p + k of each stage, its parts apart, float32, [stages, n, 2].
        roots: w(p)^j of each stage, in the same form, float32, [stages, largest radix, 2].
        places: the row in which each frequency ends, int64, [n].
    """

    radices: Integers
    twiddles: Floats
    roots: Floats
    places: Integers


def plan_transform(n: int) -> Transform:
    """The stages of a transform of `n` samples."""
    radices = factorise(n)
    places = np.zeros(n, np.int64)
    twiddles = np.empty((len(radices), n), np.complex128)
    roots = np.zeros((len(radices), max(radices)), np.complex128)
    frequency, before = np.arange(n), 1
    for stage, p in enumerate(radices):
        t, k = np.divmod(np.arange(n), p)
        twiddles[stage] = np.exp(-2j * np.pi * (t // before) * k * before / n)
        roots[stage, :p] = np.exp(-2j * np.pi * np.arange(p) / p)
        frequency, residue = np.divmod(frequency, p)
        places = places * p + residue
        before *= p
    return Transform(np.array(radices), _parts(twiddles), _parts(roots), places)


def factorise(n: int) -> list[int]:
    """Radices whose product is `n`, those with a fast stage first."""
    radices = []
    for p in (4, 5, *range(2, n + 1)):
        while n % p == 0:
            radices.append(p)
            n //= p
        if n == 1:
            break
    return radices or [1]


def _parts(values: npt.NDArray[np.complex128]) -> Floats:
    return np.stack([values.real, values.imag], axis=-1).astype(np.float32)


@compiled
def _bands(
    waveform: Floats,
    window: Floats,
    hop_length: int,
    radices: Integers,
    twiddles: Floats,
    roots: Floats,
    places: Integers,
    block: Floats,
    spare: Floats,
    power: Floats,
    exponent: np.float32,
    indptr: Integers,
    indices: Integers,
    weights: Floats,
    bands: Floats,
) -> None:
    frames = bands.shape[1]
    row = np.empty(WIDTH, np.float32)
    for first in range(0, frames, WIDTH):
        _load(waveform[first * hop_length :], window, hop_length, block)
        _power(_transform(block, spare, radices, twiddles, roots), places, power)
        if exponent != 1:
            power[:] = power**exponent
        end = min(first + WIDTH, frames)
        for band in range(len(bands)):
            row[:] = 0
            for entry in range(indptr[band], indptr[band + 1]):
                weight, values = weights[entry], power[indices[entry] * WIDTH :]
                for i in range(WIDTH):
                    row[i] += weight * values[i]
            bands[band, first:end] = row[: end - first]


@compiled
def _transform(block: Floats, spare: Floats, radices: Integers, twiddles: Floats, roots: Floats) -> Floats:
    """Transform a block, back and forth between it and a spare one; gives the one that holds the result."""
    for stage in range(len(radices)):
        if radices[stage] == 4:
            _stage_of_4(block, spare, twiddles[stage])
        elif radices[stage] == 5:
            _stage_of_5(block, spare, twiddles[stage])
        else:
            _stage(block, spare, twiddles[stage], roots[stage], radices[stage])
        block, spare = spare, block
    return block


@compiled
def _stage(a: Floats, b: Floats, twiddles: Floats, roots: Floats, p: int) -> None:
    """The formula of `Transform` as it stands: p^2 products, for radices that nobody asks for."""
    groups = len(twiddles) // p
    for t in range(groups):
        for k in range(p):
            y = b[(t * p + k) * WIDTH :]
            wr, wi = twiddles[t * p + k, 0], twiddles[t * p + k, 1]
            for j in range(p):
                root = roots[j * k % p]
                cr, ci = wr * root[0] - wi * root[1], wr * root[1] + wi * root[0]
                x = a[(t + j * groups) * WIDTH :]
                if j == 0:
                    for i in range(LANES):
                        y[i] = x[i] * cr - x[LANES + i] * ci
                        y[LANES + i] = x[i] * ci + x[LANES + i] * cr
                else:
                    for i in range(LANES):
                        y[i] += x[i] * cr - x[LANES + i] * ci
                        y[LANES + i] += x[i] * ci + x[LANES + i] * cr


@compiled
def _stage_of_4(a: Floats, b: Floats, twiddles: Floats) -> None:
    """w(4) is -i, so that the sums need no products at all."""
    groups = len(twiddles) // 4
    step = groups * WIDTH
    for t in range(groups):
        w1, w2, w3 = twiddles[4 * t + 1], twiddles[4 * t + 2], twiddles[4 * t + 3]
        x0 = a[t * WIDTH :]
        x1, x2, x3 = x0[step:], x0[2 * step :], x0[3 * step :]
        y = b[4 * t * WIDTH :]
        for i in range(LANES):
            even_r, even_i = x0[i] + x2[i], x0[LANES + i] + x2[LANES + i]
            odd_r, odd_i = x1[i] + x3[i], x1[LANES + i] + x3[LANES + i]
            left_r, left_i = x0[i] - x2[i], x0[LANES + i] - x2[LANES + i]
            right_r, right_i = x1[LANES + i] - x3[LANES + i], x3[i] - x1[i]
            y[i] = even_r + odd_r
            y[LANES + i] = even_i + odd_i
            r, m = left_r + right_r, left_i + right_i
            y[WIDTH + i] = r * w1[0] - m * w1[1]
            y[WIDTH + LANES + i] = r * w1[1] + m * w1[0]
            r, m = even_r - odd_r, even_i - odd_i
            y[2 * WIDTH + i] = r * w2[0] - m * w2[1]
            y[2 * WIDTH + LANES + i] = r * w2[1] + m * w2[0]
            r, m = left_r - right_r, left_i - right_i
            y[3 * WIDTH + i] = r * w3[0] - m * w3[1]
            y[3 * WIDTH + LANES + i] = r * w3[1] + m * w3[0]


COS_1, COS_2 = np.float32(np.cos(2 * np.pi / 5)), np.float32(np.cos(4 * np.pi / 5))
SIN_1, SIN_2 = np.float32(np.sin(2 * np.pi / 5)), np.float32(np.sin(4 * np.pi / 5))


@compiled
def _stage_of_5(a: Floats, b: Floats, twiddles: Floats) -> None:
    """w(5)^4 is the conjugate of w(5) and w(5)^3 that of w(5)^2, so that x1 and x4, x2 and x3 go in pairs."""
    groups = len(twiddles) // 5
    step = groups * WIDTH
    for t in range(groups):
        w1, w2 = twiddles[5 * t + 1], twiddles[5 * t + 2]
        w3, w4 = twiddles[5 * t + 3], twiddles[5 * t + 4]
        x0 = a[t * WIDTH :]
        x1, x2, x3, x4 = x0[step:], x0[2 * step :], x0[3 * step :], x0[4 * step :]
        y = b[5 * t * WIDTH :]
        for i in range(LANES):
            sum_1r, sum_1i = x1[i] + x4[i], x1[LANES + i] + x4[LANES + i]
            sum_2r, sum_2i = x2[i] + x3[i], x2[LANES + i] + x3[LANES + i]
            dif_1r, dif_1i = x1[i] - x4[i], x1[LANES + i] - x4[LANES + i]
            dif_2r, dif_2i = x2[i] - x3[i], x2[LANES + i] - x3[LANES + i]
            y[i] = x0[i] + sum_1r + sum_2r
            y[LANES + i] = x0[LANES + i] + sum_1i + sum_2i
            left_r = x0[i] + COS_1 * sum_1r + COS_2 * sum_2r
            left_i = x0[LANES + i] + COS_1 * sum_1i + COS_2 * sum_2i
            right_r, right_i = SIN_1 * dif_1i + SIN_2 * dif_2i, -SIN_1 * dif_1r - SIN_2 * dif_2r
            r, m = left_r + right_r, left_i + right_i
            y[WIDTH + i] = r * w1[0] - m * w1[1]
            y[WIDTH + LANES + i] = r * w1[1] + m * w1[0]
            r, m = left_r - right_r, left_i - right_i
            y[4 * WIDTH + i] = r * w4[0] - m * w4[1]
            y[4 * WIDTH + LANES + i] = r * w4[1] + m * w4[0]
            left_r = x0[i] + COS_2 * sum_1r + COS_1 * sum_2r
            left_i = x0[LANES + i] + COS_2 * sum_1i + COS_1 * sum_2i
            right_r, right_i = SIN_2 * dif_1i - SIN_1 * dif_2i, SIN_1 * dif_2r - SIN_2 * dif_1r
            r, m = left_r + right_r, left_i + right_i
            y[2 * WIDTH + i] = r * w2[0] - m * w2[1]
            y[2 * WIDTH + LANES + i] = r * w2[1] + m * w2[0]
            r, m = left_r - right_r, left_i - right_i
            y[3 * WIDTH + i] = r * w3[0] - m * w3[1]
            y[3 * WIDTH + LANES + i] = r * w3[1] + m * w3[0]


@compiled
def _load(waveform: Floats, window: Floats, hop_length: int, block: Floats) -> None:
    """Fill a block with the first WIDTH frames of a waveform, windowed."""
    for i in range(len(window)):
        row, samples = block[i * WIDTH :], waveform[i:]
        for lane in range(WIDTH):
            row[lane] = samples[lane * hop_length] * window[i]


@compiled
def _power(block: Floats, places: Integers, power: Floats) -> None:
    """Squared magnitudes of a transformed block: WIDTH frames in a row for each frequency up to n / 2."""
    n = len(places)
    for k in range(n // 2 + 1):
        z = block[places[k] * WIDTH :]
        mirror = block[places[(n - k) % n] * WIDTH :]
        row = power[k * WIDTH :]
        for i in range(LANES):
            r, m = z[i] + mirror[i], z[LANES + i] - mirror[LANES + i]
            row[i] = np.float32(0.25) * (r * r + m * m)
            r, m = z[LANES + i] + mirror[LANES + i], mirror[i] - z[i]
            row[LANES + i] = np.float32(0.25) * (r * r + m * m)

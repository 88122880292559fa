"""Copies of a video, wherever they lie: which is read, and what one that is no good costs."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from audioset_tools.archives.names import parse_name
from audioset_tools.audio.ffmpeg import DecodeError, Media
from audioset_tools.audio.segment import Sound, decode_segment
from audioset_tools.sources.copies import Copy, best_excerpt
from audioset_tools.sources.source import Excerpt, FetchError, Undecoded
from audioset_tools.types import Reason
from tests.factories import candidate

RATE = 16_000


def wav(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, "PCM_16", format="WAV")
    return file.getvalue()


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(1).uniform(-0.5, 0.5, round(seconds * RATE))


class Shelf:
    """Copies in memory that note when they are got."""

    def __init__(self, **content: bytes | Reason) -> None:
        self.got: list[str] = []
        self.copies = [self._copy(name.replace("__", "."), value) for name, value in content.items()]

    def _copy(self, where: str, content: bytes | Reason) -> Copy:
        def get() -> Media:
            self.got.append(where)
            if isinstance(content, Reason):
                raise FetchError(content, where)
            return Media(content)

        name = parse_name(where)
        assert name is not None
        return Copy(name, "shelf", where, get)

    def hear(self) -> tuple[Sound, Excerpt]:
        failed: list[Undecoded] = []
        while True:
            excerpt = best_excerpt(self.copies, candidate("abcdefghijA", 30_000), failed)
            try:
                return decode_segment(
                    excerpt.media, *excerpt.span(candidate("abcdefghijA", 30_000)), excerpt.tail_ms
                ), excerpt
            except DecodeError as error:
                failed.append((excerpt, error))


def refused(hear: Callable[[], object]) -> Reason:
    with pytest.raises(FetchError) as caught:
        hear()
    return caught.value.reason


def test_the_copy_whose_name_says_most_is_the_only_one_that_is_got() -> None:
    shelf = Shelf(
        abcdefghijA__wav=wav(noise(60)), abcdefghijA_30_40__wav=wav(noise(10)), abcdefghijA_30__wav=b""
    )
    sound, excerpt = shelf.hear()
    assert excerpt.origin == "shelf abcdefghijA_30_40.wav"
    assert sound.seconds == 10
    assert shelf.got == ["abcdefghijA_30_40.wav"]


def test_a_copy_is_got_once_however_often_it_is_read() -> None:
    shelf = Shelf(abcdefghijA__wav=wav(noise(60)))
    sound, excerpt = shelf.hear()
    assert excerpt.begins_ms == 0
    assert np.allclose(sound.samples / 32768, noise(60)[30 * RATE : 40 * RATE], atol=1e-4)
    assert shelf.got == ["abcdefghijA.wav"]


def test_a_copy_that_is_no_good_is_followed_by_the_next() -> None:
    shelf = Shelf(
        abcdefghijA__wav=Reason.DAMAGED_FILE, YabcdefghijA__flac=b"no sound", YabcdefghijA__wav=wav(noise(10))
    )
    _, excerpt = shelf.hear()
    assert excerpt.origin == "shelf YabcdefghijA.wav"


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        (Reason.DAMAGED_FILE, Reason.TIMEOUT, Reason.TIMEOUT),
        (Reason.CONNECTION, Reason.DAMAGED_FILE, Reason.CONNECTION),
        (Reason.DAMAGED_FILE, Reason.NO_AUDIO, Reason.DAMAGED_FILE),
        (Reason.TOO_MANY_REQUESTS, Reason.DAMAGED_FILE, Reason.TOO_MANY_REQUESTS),
    ],
)
def test_what_may_be_had_another_time_outweighs_what_is_no_good(
    first: Reason, second: Reason, verdict: Reason
) -> None:
    assert refused(Shelf(abcdefghijA__wav=first, YabcdefghijA__wav=second).hear) is verdict


def test_a_refusal_of_the_run_ends_the_search() -> None:
    shelf = Shelf(abcdefghijA__wav=Reason.TOO_MANY_REQUESTS, YabcdefghijA__wav=wav(noise(10)))
    refused(shelf.hear)
    assert shelf.got == ["abcdefghijA.wav"]


def test_a_video_without_a_copy_is_not_in_the_source() -> None:
    assert refused(Shelf().hear) is Reason.NOT_IN_SOURCE
    assert refused(Shelf(abcdefghijA_60__wav=b"").hear) is Reason.NOT_IN_SOURCE


@pytest.mark.parametrize(("length", "taken"), [(20, True), (12, False)])
def test_a_copy_that_begins_with_the_segment_must_be_as_long_as_its_name_says(
    length: int, taken: bool
) -> None:
    shelf = Shelf(abcdefghijA_30_50__wav=wav(noise(length)))
    if taken:
        assert shelf.hear()[0].seconds == 10
    else:
        assert refused(shelf.hear) is Reason.WRONG_LENGTH

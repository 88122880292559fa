"""A candidate's sound from a source, as a worker of fetch gets it."""

from audioset_tools.audio.ffmpeg import DecodeError
from audioset_tools.audio.segment import Sound, decode_segment
from audioset_tools.sources.source import Excerpt, Source, Undecoded
from audioset_tools.types import Candidate


def hear(source: Source, which: Candidate, timeout: float = 20) -> tuple[Sound, Excerpt]:
    """The sound, and what it was decoded from; raises the source's verdict."""
    failed: list[Undecoded] = []
    while True:
        excerpt = source.alternative(which, failed) if failed else source.open(which)
        try:
            start_ms, end_ms = excerpt.span(which)
            sound = decode_segment(excerpt.media, start_ms, end_ms, excerpt.tail_ms, timeout=timeout)
            return sound, excerpt
        except DecodeError as error:
            failed.append((excerpt, error))

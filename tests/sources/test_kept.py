"""Another workspace as a source: what is not as it was kept is no clip."""

from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.audio.ffmpeg import DecodeError, DecodeFault, Media
from audioset_tools.audio.kept import keep_source
from audioset_tools.exceptions import UsageError
from audioset_tools.ledger import Ledger
from audioset_tools.sources.kept import Kept, kept_workspace
from audioset_tools.sources.source import FetchError
from audioset_tools.types import KeptSource, Reason
from audioset_tools.workspace import Workspace
from tests.factories import both, clip, loaded


@pytest.fixture
def other(tmp_path: Path) -> Workspace:
    """A workspace with one clip whose source was kept, from 20 s of its video on."""
    workspace = Workspace(tmp_path / "other")
    workspace.root.mkdir()
    first, second, *_ = both(5)
    found = keep_source(Media(b"RIFF and so on"), workspace.kept_source(first.class_name, first.key))
    assert found is not None
    path, sha256 = found
    with loaded(workspace.ledger) as ledger:
        kept = KeptSource(path.relative_to(workspace.root).as_posix(), sha256, 20_000)
        ledger.accept(first, replace(clip(first), kept=kept), at=1)
        ledger.accept(second, clip(second), at=2)
    return workspace


def test_what_was_kept_is_opened_where_it_begins(other: Workspace) -> None:
    source = Kept(kept_workspace(f"kept:{other.root}"))
    first, second, *_ = both(5)
    assert (source.holds(first), source.holds(second)) == (True, False)
    assert list(source.videos()) == [first.ytid]
    excerpt = source.open(first)
    assert (excerpt.media.content, excerpt.begins_ms, excerpt.origin) == (
        b"RIFF and so on",
        20_000,
        "kept test",
    )
    with pytest.raises(FetchError) as caught:
        source.open(second)
    assert caught.value.reason is Reason.NOT_IN_SOURCE
    with pytest.raises(FetchError) as caught:
        source.alternative(first, [(excerpt, DecodeError(DecodeFault.FAILED, "it is none"))])
    assert (caught.value.reason, caught.value.detail) == (Reason.DAMAGED_FILE, "it is none")


def test_what_changed_or_is_gone_is_no_clip(other: Workspace) -> None:
    source, (first, *_) = Kept(other), both(5)
    (path,) = other.sources.rglob("Y*.*")
    path.write_bytes(b"RIFF and other")
    with pytest.raises(FetchError, match="has changed since") as caught:
        source.open(first)
    assert caught.value.reason is Reason.DAMAGED_FILE
    path.unlink()
    with pytest.raises(FetchError, match="cannot be read"):
        source.open(first)


def test_a_workspace_that_kept_nothing_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no workspace"):
        kept_workspace(f"kept:{tmp_path / 'none'}")
    with Ledger(tmp_path / "ledger.sqlite"):
        pass
    with pytest.raises(UsageError, match="kept no source"):
        Kept(kept_workspace(f"kept:{tmp_path}"))

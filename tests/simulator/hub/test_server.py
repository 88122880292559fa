"""The stand-in Hub as the real huggingface_hub finds it: what it lists, whom it refuses, what it gives."""

import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("huggingface_hub")

import huggingface_hub as hub
from huggingface_hub import errors

from audioset_tools.simulator.hub import HubPlan, HubRefusal, HubSimulator
from audioset_tools.simulator.hub.server import COMMIT, REPO, told

CONTENT = bytes(range(256)) * 8
PATH = "eval/some [odd] name.zip"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "eval").mkdir()
    (tmp_path / PATH).write_bytes(CONTENT)
    (tmp_path / "README.md").write_text("a card")
    return tmp_path


@pytest.fixture
def simulator(folder: Path) -> Iterator[HubSimulator]:
    with HubSimulator(folder, HubPlan(branches=(("v1", "1" * 40),), page=1)) as simulator:
        yield simulator


def api(simulator: HubSimulator, token: str | bool = False) -> hub.HfApi:
    return hub.HfApi(endpoint=simulator.address, token=token)


def metadata(simulator: HubSimulator) -> hub.HfFileMetadata:
    url = hub.hf_hub_url(REPO, PATH, repo_type="dataset", revision=COMMIT, endpoint=simulator.address)
    return hub.get_hf_file_metadata(url, token=False, endpoint=simulator.address)


def part(url: str, wanted: str | None = "bytes=3-9") -> tuple[int, bytes, dict[str, str]]:
    """One request to the storage: status, body, headers."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=10)
    connection.request("GET", f"{where.path}?{where.query}", headers={"Range": wanted} if wanted else {})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def test_a_revision_has_a_commit(simulator: HubSimulator) -> None:
    assert api(simulator).dataset_info(REPO).sha == COMMIT
    assert api(simulator).dataset_info(REPO, revision="v1").sha == "1" * 40
    assert api(simulator).dataset_info(REPO, revision=COMMIT).sha == COMMIT
    with pytest.raises(errors.RevisionNotFoundError):
        api(simulator).dataset_info(REPO, revision="v2")
    with pytest.raises(errors.RepositoryNotFoundError):
        api(simulator).dataset_info("some/other")


def test_the_tree_comes_page_by_page(simulator: HubSimulator) -> None:
    tree: list[Any] = list(api(simulator).list_repo_tree(REPO, recursive=True, repo_type="dataset"))
    assert [(file.path, file.size) for file in tree] == [("README.md", 6), (PATH, len(CONTENT))]
    assert tree[1].lfs.sha256 == simulator.etag(PATH)
    assert simulator.counts()["requests"]["tree"] == 2


def test_a_file_lies_at_a_signed_address_of_another_host(simulator: HubSimulator) -> None:
    found = metadata(simulator)
    assert (found.commit_hash, found.etag, found.size) == (COMMIT, simulator.etag(PATH), len(CONTENT))
    assert urlsplit(found.location).netloc != urlsplit(simulator.address).netloc
    status, body, headers = part(found.location)
    assert (status, body) == (206, CONTENT[3:10])
    assert headers["content-range"] == f"bytes 3-9/{len(CONTENT)}"
    assert part(found.location, None)[1] == CONTENT
    assert part(found.location, "bytes=99999-")[0] == 416
    assert part(found.location.replace("X-Amz-Signature=", "X-Amz-Signature=0"))[0] == 403
    assert simulator.counts()["requests"]["part"] == 4
    assert simulator.counts()["bytes"] == 7 + len(CONTENT)


def test_the_whole_client_works_with_it(simulator: HubSimulator) -> None:
    fs = hub.HfFileSystem(endpoint=simulator.address, token=False)
    with fs.open(f"datasets/{REPO}@{COMMIT}/{PATH}") as file:
        file.seek(100)
        assert file.read(5) == CONTENT[100:105]


@pytest.mark.parametrize(
    ("plan", "token", "error"),
    [
        (HubPlan(gate="gated"), False, errors.GatedRepoError),
        (HubPlan(gate="gated"), "hf_other", errors.GatedRepoError),
        (HubPlan(gate="private"), False, errors.RepositoryNotFoundError),
        (HubPlan(gate="private"), "hf_other", errors.RepositoryNotFoundError),
        (HubPlan(gate="disabled"), False, errors.DisabledRepoError),
        (HubPlan(gate="gone", granted=frozenset({"hf_me"})), "hf_me", errors.RepositoryNotFoundError),
        (HubPlan(chance_503=1), False, errors.HfHubHTTPError),
        (HubPlan(refusals=(HubRefusal(1, 9),)), False, errors.HfHubHTTPError),
    ],
)
def test_who_may_not_is_told_as_the_hub_tells_it(
    folder: Path, plan: HubPlan, token: str | bool, error: type[Exception]
) -> None:
    with HubSimulator(folder, plan) as simulator, pytest.raises(error):
        api(simulator, token).dataset_info(REPO)


def test_who_was_granted_access_has_it(folder: Path) -> None:
    with HubSimulator(folder, HubPlan(gate="gated", granted=frozenset({"hf_me"}))) as simulator:
        assert api(simulator, "hf_me").dataset_info(REPO).gated == "manual"


def test_a_refusal_says_for_how_long(folder: Path) -> None:
    assert told(HubRefusal(1, 9), 8.5) == {
        "RateLimit": '"api";r=0;t=9',
        "RateLimit-Policy": '"fixed window";"api";q=500;w=300',
    }
    assert told(HubRefusal(1, 9, "Retry-After"), 8.5) == {"Retry-After": "9"}
    assert told(HubRefusal(1, 9, ""), 8.5) == {}
    refusals = (HubRefusal(2, 0.2), HubRefusal(3, 0.2, "", True, 500))
    with HubSimulator(folder, HubPlan(refusals=refusals)) as simulator:
        assert api(simulator).dataset_info(REPO).sha == COMMIT
        with pytest.raises(errors.HfHubHTTPError, match="Retry after 1 seconds"):
            api(simulator).dataset_info(REPO)
        time.sleep(0.25)
        assert api(simulator).dataset_info(REPO).sha == COMMIT
        address = metadata(simulator).location
        assert [part(address)[0] for _ in range(3)] == [206, 206, 500]
        assert simulator.counts()["refused"] == 2


def test_a_refusal_is_as_long_by_every_clock(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.1
    assert now + 100 - now < 100, "a clock by which the same seconds, added and taken away, are fewer"
    clock = SimpleNamespace(monotonic=lambda: now, sleep=time.sleep)
    monkeypatch.setattr("audioset_tools.simulator.hub.server.time", clock)
    plan = HubPlan(refusals=(HubRefusal(1, 100, "Retry-After"),))
    with HubSimulator(folder, plan) as simulator, pytest.raises(errors.HfHubHTTPError) as caught:
        api(simulator).dataset_info(REPO)
    assert caught.value.response.headers["Retry-After"] == "101"


def test_addresses_expire(folder: Path) -> None:
    with HubSimulator(folder, HubPlan(link_uses=2)) as simulator:
        address = metadata(simulator).location
        assert [part(address)[0] for _ in range(3)] == [206, 206, 403]
        assert part(metadata(simulator).location)[0] == 206
    with HubSimulator(folder, HubPlan(link_seconds=0)) as simulator:
        assert part(metadata(simulator).location)[0] == 403


def test_a_data_set_is_taken_down_and_a_file_changes(folder: Path) -> None:
    with HubSimulator(folder, HubPlan(gone_at=2, changes_at=1)) as simulator:
        assert metadata(simulator).etag != simulator.etag(PATH)
        with pytest.raises(errors.RepositoryNotFoundError):
            api(simulator).dataset_info(REPO)


@pytest.mark.parametrize(
    ("odd", "status", "length", "told"),
    [
        ("ignored", 200, len(CONTENT), None),
        ("elsewhere", 206, 7, f"bytes 4-10/{len(CONTENT)}"),
        ("larger", 206, 7, f"bytes 3-9/{len(CONTENT) + 1}"),
        ("html", 200, 21, None),
        ("refused", 403, 40, None),
        ("unavailable", 503, 21, None),
    ],
)
def test_parts_may_be_odd(folder: Path, odd: str, status: int, length: int, told: str | None) -> None:
    with HubSimulator(folder, HubPlan(odd=odd)) as simulator:
        got, body, headers = part(metadata(simulator).location)
        assert (got, len(body), headers.get("content-range")) == (status, length, told)


@pytest.mark.parametrize("odd", ["short", "reset"])
def test_parts_may_break_off(folder: Path, odd: str) -> None:
    broken = pytest.raises((http.client.IncompleteRead, ConnectionResetError))
    with HubSimulator(folder, HubPlan(odd=odd)) as simulator, broken:
        part(metadata(simulator).location)


def test_what_nobody_has_is_not_found(simulator: HubSimulator) -> None:
    for path, status in (("/api/whoami-v2", 404), ("/api/datasets/a/b", 401)):
        assert part(f"{simulator.address}{path}")[0] == status
    assert part(f"{simulator.address}/datasets/{REPO}/resolve/main/..%2F..%2Fetc%2Fpasswd")[0] == 404
    assert simulator.counts()["requests"]["other"] == 2

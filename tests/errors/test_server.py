"""The server of an error analysis: for whoever knows the address alone, and on disk before it says so."""

import errno
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from audioset_tools.errors.answers import AHEAD_MS, Answer, Cause, read_answers, store_answers
from audioset_tools.errors.page import Made
from audioset_tools.errors.secret import Secret
from audioset_tools.errors.server import LARGEST, MOST, listen, make_app
from audioset_tools.exceptions import UsageError
from tests.errors.mistaken import answer, key_of, mistake

HOST = "127.0.0.1:4711"
ORIGIN = f"http://{HOST}"
ONE = answer(0, Cause.OTHER, note="hm")
SECRET = Secret("t" * 43, 4711)
COOKIE = "=".join(SECRET.cookie)
NOW = 1_700_000_000


@dataclass
class Site:
    """A server without a socket, and what its own page says to it."""

    client: FlaskClient
    answers: Path

    def get(self, path: str, **headers: str) -> TestResponse:
        """What lies below the path that only those know who were let in."""
        return self.plain(SECRET.path[:-1] + path, **{"Cookie": COOKIE} | headers)

    def plain(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers={"Host": HOST} | headers, buffered=True)

    def post(self, *answers: object, **headers: str) -> TestResponse:
        said = {"answers": [one.json() if isinstance(one, Answer) else one for one in answers]}
        return self.send(json.dumps(said), **headers)

    def send(self, content: str, **headers: str) -> TestResponse:
        usual = {"Host": HOST, "Origin": ORIGIN, "Cookie": COOKIE, "Content-Type": "application/json"}
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"{SECRET.path}answers", data=content, headers=usual | headers)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    folder = tmp_path / "run" / "errors"
    (folder / "sounds").mkdir(parents=True)
    (folder / "index.html").write_text("<p>the page")
    (folder / "sounds" / "a.flac").write_bytes(b"0123456789")
    (folder / "sounds" / "b.flac").write_bytes(b"not shown")
    made = Made(folder, 3, frozenset({"sounds/a.flac"}), ())
    answers = tmp_path / "run" / "error-answers.jsonl"
    mistakes = {key_of(n): mistake(n) for n in range(3)}
    app = make_app(made, mistakes, answers, SECRET, lambda: NOW)
    return Site(app.test_client(use_cookies=False), answers)


def test_an_answer_is_on_disk_before_it_is_confirmed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed, flush = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (flushed.append(descriptor), flush(descriptor)))
    assert site.post(ONE, answer(1, None)).status_code == 200 and flushed
    assert read_answers(site.answers) == [ONE, answer(1, None)]


def test_an_annotator_gets_his_own_last_answers_back(site: Site) -> None:
    later = answer(0, Cause.SOUNDS_LIKE, given=5)
    site.post(ONE, answer(1, Cause.OTHER, "Ben"), later, answer(1, Cause.OTHER))
    assert site.get("/answers?annotator=Ada").json["answers"] == [
        later.json(),
        answer(1, Cause.OTHER).json(),
    ]
    assert site.get("/answers?annotator=Cem").json == {"answers": [], "now": 1000 * NOW}
    assert site.get("/answers?annotator=%20").status_code == 400


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:4711", "127.0.0.1", "127.0.0.1:80", "[::1]:4711", "0.0.0.0:4711", ""],
)  # fmt: skip
def test_another_host_is_refused(site: Site, host: str) -> None:
    for path in ("/", "/answers?annotator=Ada", "/sounds/a.flac"):
        assert site.get(path, Host=host).status_code == 421
    assert site.plain(f"/?token={SECRET.token}", Host=host).status_code == 421
    assert site.post(ONE, Host=host, Origin=f"http://{host}").status_code == 421
    assert not site.answers.exists()


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {"Origin": "http://evil.example"}),
        (403, {"Origin": "null"}),
        (403, {"Origin": ""}),
        (403, {"Origin": "https://127.0.0.1:4711"}),
        (403, {"Origin": "http://127.0.0.1:80"}),
        (403, {"Cookie": ""}),
        (403, {"Cookie": "\xe4"}),
        (403, {"Sec_Fetch_Site": "cross-site"}),
        (403, {"Sec_Fetch_Site": "same-site"}),
        (415, {"Content_Type": "text/plain"}),
        (415, {"Content_Type": "application/x-www-form-urlencoded"}),
        (415, {"Content_Type": ""}),
    ],
)
def test_what_another_site_could_send_is_refused(site: Site, status: int, headers: dict[str, str]) -> None:
    assert site.post(ONE, **headers).status_code == status
    assert not site.answers.exists()
    assert site.post(ONE, Sec_Fetch_Site="same-origin").status_code == 200


def test_a_token_is_exchanged_for_a_cookie_and_leaves_the_address(site: Site) -> None:
    found = site.plain(f"/?token={SECRET.token}")
    assert (found.status_code, found.location) == (303, SECRET.path)
    name, value = SECRET.cookie
    cookie = found.headers["Set-Cookie"]
    assert cookie == f"{name}={value}; HttpOnly; Path={SECRET.path}; SameSite=Strict" and "4711" in name
    assert found.headers["Referrer-Policy"] == "no-referrer"
    assert SECRET.token not in found.location + cookie + found.text
    for token in ("", SECRET.token[:-1], f"{SECRET.token}x", "\xe4", "%ff", "%ed%a0%80", value, "x" * 60_000):
        refused = site.plain(f"/?token={token}")
        assert refused.status_code == 403 and "Set-Cookie" not in refused.headers
    assert site.plain("/", Cookie=COOKIE).status_code == 403


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        f"{SECRET.cookie[0]}=",
        f"{SECRET.cookie[0]}={SECRET.token}",
        f"{SECRET.cookie[0]}={SECRET.cookie[1][:-1]}",
        f"{SECRET.cookie[0]}=\xe4",
        f"other={SECRET.cookie[1]}",
        "=".join(Secret(SECRET.token, 4712).cookie),
        "=".join(Secret("u" * 43, 4711).cookie),
        ";" * 60_000,
        "a=b; " * 10_000,
    ],
)
def test_without_our_cookie_nothing_is_served(site: Site, cookie: str) -> None:
    store_answers(site.answers, [ONE])
    below = ("/", "/sounds/a.flac", "/sounds/b.flac", "/answers?annotator=Ada", "/nothing")
    for path in (*below, *(SECRET.path[:-1] + one for one in below)):
        refused = site.plain(path, Cookie=cookie)
        assert refused.status_code == 403 and b"printed" in refused.data and len(refused.data) < 1000
        assert b"hm" not in refused.data and b"0123" not in refused.data
    assert site.post(ONE, Cookie=cookie).status_code == 403
    assert read_answers(site.answers) == [ONE]
    # Among others it is found, also behind one of the same name that somebody else's server has set.
    many = f"a=b; {SECRET.cookie[0]}=x; {COOKIE}; c=d"
    assert site.get("/", Cookie=many).status_code == 200


def test_other_sites_do_not_read_answers(site: Site) -> None:
    for there in ("cross-site", "same-site"):
        assert site.get("/answers?annotator=Ada", **{"Sec-Fetch-Site": there}).status_code == 403


@pytest.mark.parametrize("given", [1000 * NOW + AHEAD_MS + 1, 2**53 - 1, 2**53, -1, 0.5, None, True, "1"])
def test_a_time_that_cannot_be_is_refused(site: Site, given: object) -> None:
    assert site.post(ONE.json() | {"given": given}).status_code == 400
    assert site.post(ONE, ONE.json() | {"given": given}).json["number"] == 1
    assert not site.answers.exists()
    assert site.post(ONE.json() | {"given": 1000 * NOW + AHEAD_MS}).status_code == 200


def test_an_absurd_time_that_is_stored_does_not_win_for_ever(site: Site) -> None:
    store_answers(site.answers, [answer(0, Cause.MISLABELLED, given=2**53 - 1)])
    (there,) = site.get("/answers?annotator=Ada").json["answers"]
    assert (there["cause"], there["given"]) == ("mislabelled", 0)
    assert site.post(answer(0, Cause.OTHER, given=1000 * NOW)).status_code == 200
    (there,) = site.get("/answers?annotator=Ada").json["answers"]
    assert there["cause"] == "other"


def test_answers_that_are_none_are_refused_with_their_number_and_nothing_is_stored(site: Site) -> None:
    refused = site.post(ONE, answer(7, Cause.OTHER))
    assert (
        refused.status_code == 400 and refused.json["number"] == 1 and "misclassify" in refused.json["error"]
    )
    number = json.dumps({"answers": [ONE.json()]}).replace('"given": 1', '"given": %s')
    for content in (
        "", "{", "[]", "1", '{"answers": []}', '{"answers": [1]}', "[" * 100_000, "\xff",
        *(number % one for one in ("1" * 400, "1e400", "NaN", "-Infinity", "1.0")),
    ):  # fmt: skip
        assert site.send(content).status_code == 400
    assert site.post(*[ONE] * (MOST + 1)).status_code == 400
    assert site.send(" " * (LARGEST + 1)).status_code == 413
    assert not site.answers.exists()


def test_a_full_disk_is_told_and_not_confirmed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    refused = site.post(ONE)
    assert refused.status_code == 507 and "No space left" in refused.json["error"]
    monkeypatch.undo()
    assert read_answers(site.answers) == []


def test_a_damaged_file_of_answers_is_told(site: Site) -> None:
    site.answers.write_text("{}\n")
    refused = site.get("/answers?annotator=Ada")
    assert refused.status_code == 500 and "line 1" in refused.json["error"]


def test_only_what_the_page_shows_is_given_out(site: Site) -> None:
    store_answers(site.answers, [ONE])
    assert site.get("/").data == b"<p>the page"
    sound = site.get("/sounds/a.flac")
    assert (sound.status_code, sound.mimetype, sound.data) == (200, "audio/flac", b"0123456789")
    part = site.get("/sounds/a.flac", Range="bytes=2-4")
    assert (part.status_code, part.data) == (206, b"234")
    for path in (
        "/sounds/b.flac", "/sounds/", "/index.html", "//etc/passwd", "/error-secret", "/../error-secret",
        *(f"/{up}error-answers.jsonl" for up in ("", "../", "%2e%2e/", "sounds/../../", "sounds/..%2f..%2f")),
    ):  # fmt: skip
        found = site.get(path)
        assert found.status_code in (404, 308) and b"hm" not in found.data, path
    (site.answers.parent / "errors" / "sounds" / "a.flac").unlink()
    assert site.get("/sounds/a.flac").status_code == 404
    put = site.client.put(f"{SECRET.path}answers", headers={"Host": HOST, "Cookie": COOKIE})
    assert put.status_code == 405


def test_every_answer_forbids_frames_and_use_by_other_sites(site: Site) -> None:
    for found in (
        site.get("/"),
        site.get("/sounds/a.flac"),
        site.post(ONE),
        site.plain("/"),
        site.plain(f"/?token={SECRET.token}"),
        site.get("/", Host="evil.example"),
    ):
        assert found.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
        assert found.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert found.headers["X-Content-Type-Options"] == "nosniff"
        assert found.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in found.headers


def test_a_run_has_a_port_of_its_own_on_loopback(tmp_path: Path) -> None:
    with listen(0, tmp_path) as first:
        host, port = first.getsockname()
        assert host == "127.0.0.1"
        with listen(0, tmp_path) as second:
            assert second.getsockname()[1] != port
        with pytest.raises(UsageError, match=f"port {port}"):
            listen(port, tmp_path)
    with listen(0, tmp_path) as again:
        assert again.getsockname()[1] == port
    for impossible in (-1, 70_000):
        with pytest.raises(UsageError):
            listen(impossible, tmp_path)

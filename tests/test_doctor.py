"""What the doctor finds, that it says so without a traceback, and that it sends nothing unless asked to."""

import fcntl
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, datetime
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.catalog.recipe import read_recipe
from audioset_tools.doctor import machine, place
from audioset_tools.doctor.check import Check, Finding, Verdict, checks_json, guarded, problems
from audioset_tools.doctor.disk import (
    Mount,
    Reach,
    Room,
    mount_of,
    mounted,
    nearest_existing,
    parse_mountinfo,
    reach_of,
)
from audioset_tools.doctor.examine import examine
from audioset_tools.doctor.network import probe_checks, youtube
from audioset_tools.errors import EnvironmentProblem
from audioset_tools.featurize.spec import MelSpec
from audioset_tools.fetch import transcode, versions
from audioset_tools.fetch.pace import Pace, parse_pace
from audioset_tools.fetch.probe import Probe, Step
from audioset_tools.fetch.versions import Runtime, Scripts
from audioset_tools.fetch.youtube import YouTube
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.simulator import Plan, Refusal, Simulator
from audioset_tools.types import CLIP_SAMPLES, SAMPLE_RATE, Candidate, Clip, Reason
from audioset_tools.workspace import Workspace

PLENTY = Room(10**13, None)
GUEST = parse_pace("guest")

MOUNTS = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
31 27 0:40 / /home rw,relatime shared:2 master:1 - nfs4 server:/home rw,vers=4.2
32 27 0:41 / /mnt/my\040lab\134share rw - cifs //server/share rw
33 31 0:42 /sub /home/me/local rw - xfs /dev/vdb1 rw
34 27 0:43 / /mnt/c rw - 9p C:\134 rw
35 27 0:44 / /data rw - autofs systemd-1 rw
36 27 0:45 / /data rw - lustre mgs@tcp:/scratch rw
"""


def moment(at: float) -> str:
    return f"{at:.0f}"


def look(workspace: Path, per_class: int = 2400, **options: object) -> dict[str, Finding]:
    options = {"room": lambda _: PLENTY, "environ": {}, **options}
    checks = examine(Workspace(workspace), per_class, read_recipe("paper"), moment, **options)  # type: ignore[arg-type]
    return {check.name: check.finding for check in checks}


def doctor(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "audioset_tools", "doctor", "--per-class", "3", *words]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=100, check=False, env={**os.environ, **environ}
    )


def verdicts(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in json.loads(done.stdout)["checks"]}


def make_ledger(workspace: Path, accepted: int = 0, per_class: int = 400) -> Path:
    """A ledger of two classes, the first of which has so many clips."""
    workspace.mkdir(exist_ok=True)
    path = Workspace(workspace).ledger
    origin = Origin("paper", "r", "l", ("Piano", "Other"), 1, (10, 1, 1))
    rows = [
        Candidate(f"{name[0]}{rank:09}A", 0, 10_000, name, 0, rank, "eval")
        for name in origin.class_names
        for rank in range(per_class)
    ]
    with Ledger(path) as ledger:
        ledger.load(origin, rows)
        for one in rows[:accepted]:
            ledger.accept(one, Clip(one.key, one.class_name, one.rank, "p", "ab", 10.0, 0.5, "test"), 0.0)
    return path


def damage_pages(path: Path) -> None:
    """Overwrite pages in the middle, leaving the header as it is."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = b"\xa5" * 8192
    path.write_bytes(content)


def fake_ffmpeg(folder: Path, script: str) -> str:
    """A PATH on which `ffmpeg` is this script."""
    folder.mkdir(exist_ok=True)
    path = folder / "ffmpeg"
    path.write_text(script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def serve(cache: Path) -> Iterator[Callable[[Plan], Simulator]]:
    with ExitStack() as stack:
        yield lambda plan: stack.enter_context(Simulator(plan, cache=cache))


@pytest.fixture
def ffmpeg_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts a script in the place of ffmpeg, in this process."""

    def put(script: str) -> None:
        monkeypatch.setenv("PATH", fake_ffmpeg(tmp_path / "bin", script))
        transcode.ffmpeg_binary.cache_clear()

    yield put
    transcode.ffmpeg_binary.cache_clear()


# The whole round


def test_a_healthy_machine_has_no_problem_and_nothing_is_left_behind(tmp_path: Path) -> None:
    done = doctor("--workspace", str(tmp_path / "deep" / "w"), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["problems"] == []
    assert len(report["checks"]) == 12
    assert list(tmp_path.iterdir()) == []


def test_the_table_is_for_people_and_names_every_check(tmp_path: Path) -> None:
    done = doctor("--workspace", str(tmp_path))
    assert done.returncode == 0
    for name in ("ffmpeg", "yt-dlp", "JavaScript", "file system", "ledger", "disk space"):
        assert name in done.stdout


def test_nothing_is_sent_even_with_a_proxy_that_would_tell(
    serve: Callable[[Plan], Simulator], tmp_path: Path
) -> None:
    simulator = serve(Plan())
    make_ledger(tmp_path / "w")
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), simulator.proxy)
    done = doctor("--workspace", str(tmp_path / "w"), "--proxy", simulator.proxy, "--json", **proxies)
    assert done.returncode == 0, done.stdout
    assert set(simulator.counts()["requests"].values()) == {0}


def test_no_socket_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the doctor opened a connection")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(AssertionError, match="opened"):
        socket.create_connection(("127.0.0.1", 9))
    assert look(tmp_path)["ffmpeg"].verdict is Verdict.OK


def test_a_check_that_fails_is_a_finding_and_the_others_are_made() -> None:
    def lacking() -> Finding:
        raise ModuleNotFoundError("No module named 'yt_dlp'", name="yt_dlp")

    def refused() -> Finding:
        raise PermissionError(13, "Permission denied", "/x")

    checks = [guarded("one", lacking), guarded("two", refused), Check("three", Finding(Verdict.OK, ""))]
    assert problems(checks) == ["one", "two"]
    assert "yt_dlp" in checks[0].finding.found
    assert "/x" in checks[1].finding.found
    assert checks_json(checks)["problems"] == ["one", "two"]


# ffmpeg, yt-dlp, JavaScript, clock, proxies


@pytest.mark.parametrize(
    "script", ["#!/bin/sh\necho cannot load libavcodec >&2\nexit 127\n", "no program", "#!/bin/sh\necho hi\n"]
)
def test_a_broken_ffmpeg_is_a_problem(tmp_path: Path, script: str) -> None:
    done = doctor("--workspace", str(tmp_path / "w"), "--json", PATH=fake_ffmpeg(tmp_path / "bin", script))
    assert done.returncode == 5
    assert json.loads(done.stdout)["problems"] == ["ffmpeg"]
    assert "Traceback" not in done.stderr
    assert "problem with ffmpeg" in done.stderr


def test_an_ffmpeg_that_hangs_is_a_problem(ffmpeg_first: Callable[[str], None]) -> None:
    ffmpeg_first("#!/bin/sh\nexec sleep 60\n")
    check = guarded("ffmpeg", lambda: machine.ffmpeg(timeout=0.3))
    assert check.finding.verdict is Verdict.PROBLEM
    assert "did not answer within 0.3 s" in check.finding.found


def test_a_working_ffmpeg_on_the_path_is_named_with_its_resampler(
    ffmpeg_first: Callable[[str], None], tmp_path: Path
) -> None:
    ffmpeg_first(
        "#!/bin/sh\necho 'ffmpeg version 5.1.9-0+deb12u1 Copyright'\necho configuration: --enable-x\n"
    )
    found = machine.ffmpeg()
    assert found.verdict is Verdict.OK
    assert f"5.1.9-0+deb12u1 on the PATH ({tmp_path / 'bin' / 'ffmpeg'}), without soxr" in found.found
    ffmpeg_first("#!/bin/sh\necho 'ffmpeg version 8.1.2 Copyright'\necho configuration: --enable-libsoxr\n")
    found = machine.ffmpeg()
    assert found.verdict is Verdict.WARNING
    assert "with soxr" in found.found


@pytest.mark.parametrize(
    ("version", "warned"),
    [("8.1", True), ("8.1.1", True), ("n8.1.2-3-gabc", True), ("8.1-full_build", True), ("8.0.1", False),
     ("8.10", False), ("18.1.1", False), ("n9.0.2-17-g2a571b6068", False), ("N-118-g8.1", False)],
)  # fmt: skip
def test_ffmpeg_8_1_is_warned_about(version: str, warned: bool) -> None:
    assert (machine.ffmpeg_verdict(version, version).verdict is Verdict.WARNING) is warned


@pytest.mark.parametrize(
    ("today", "verdict", "words"),
    [
        (date(2026, 8, 18), Verdict.OK, "0 days old"),
        (date(2026, 10, 18), Verdict.OK, "60 days old"),
        (date(2026, 10, 19), Verdict.WARNING, "61 days old"),
        (date(2026, 12, 17), Verdict.WARNING, "120 days old"),
        (date(2026, 12, 18), Verdict.WARNING, "too old"),
    ],
)
def test_an_old_ytdlp_is_warned_about(today: date, verdict: Verdict, words: str) -> None:
    found = machine.ytdlp_verdict("2026.08.19", date(2026, 8, 19), today)
    assert found.verdict is verdict
    assert words in found.found
    assert bool(found.remedy) is (verdict is Verdict.WARNING)
    assert ('pip install -U --pre "yt-dlp[default]"' in found.remedy) is (verdict is Verdict.WARNING)


@pytest.mark.parametrize(
    ("today", "version", "age"),
    [
        (date(2026, 11, 28), "2026.08.19", "yt-dlp 2026.08.19 is 101 days old, "),
        (date(2026, 8, 20), "2026.08.19", " 1 day old, "),
        (date(2026, 10, 26), "2026.10.26.232812", " 0 days old, "),
        (date(2026, 1, 1), "2026.08.19", " 0 days old, "),
        (date(2026, 1, 1), "master", " of unknown age, "),
        (date(2026, 11, 28), None, f"yt-dlp {versions.ytdlp_version()} is "),
    ],
)
def test_the_advice_of_the_nightly_names_the_version_its_age_and_the_command(
    today: date, version: str | None, age: str
) -> None:
    first, second = versions.nightly_advice(today, version).split(". ")
    assert age in first
    assert second.endswith(': pip install -U --pre "yt-dlp[default]"')


@pytest.mark.parametrize(
    ("version", "released"),
    [
        ("2026.08.19", date(2026, 8, 19)),
        ("2026.8.9", date(2026, 8, 9)),
        ("2026.10.26.232812", date(2026, 10, 26)),
        ("2026.13.40", None),
        ("master", None),
        ("1.2", None),
    ],
)
def test_the_release_date_is_the_version(version: str, released: date | None) -> None:
    assert versions.release_date(version) == released


def test_a_ytdlp_of_unknown_age_is_warned_about() -> None:
    assert machine.ytdlp_verdict("master", None, date(2026, 1, 1)).verdict is Verdict.WARNING


def test_the_installed_ytdlp_has_a_date_and_the_scripts_that_it_wants() -> None:
    assert versions.release_date(versions.ytdlp_version())
    assert versions.scripts_verdict(versions.scripts()) is None
    assert versions.scripts().wanted


@pytest.mark.parametrize(
    ("requirements", "wanted"),
    [
        (["brotli; extra == 'default'", "yt-dlp-ejs==0.8.0; extra == 'default'"], "0.8.0"),
        (["yt_dlp_ejs == 1.2.3"], "1.2.3"),
        (["yt-dlp-ejs>=0.8"], None),
        ([], None),
    ],
)
def test_the_wanted_scripts_are_read_from_the_requirements(
    requirements: list[str], wanted: str | None
) -> None:
    assert versions.scripts_wanted(requirements) == wanted


DENO = Runtime("deno", "2.9.8", "/d", True, True)
OLD_DENO = Runtime("deno", "1.0", "/d", False, True)
NODE = Runtime("node", "22.1.0", "/n", True, False)


@pytest.mark.parametrize(
    ("runtimes", "scripts", "verdict", "words"),
    [
        ([DENO, NODE], Scripts("0.8.0", "0.8.0"), Verdict.OK, "deno 2.9.8"),
        ([], Scripts("0.8.0", "0.8.0"), Verdict.WARNING, "no runtime: only the visionos client"),
        ([OLD_DENO], Scripts("0.8.0", "0.8.0"), Verdict.WARNING, "deno 1.0 (too old): only the visionos"),
        ([OLD_DENO, NODE], Scripts("0.8.0", None), Verdict.WARNING, "does not use unasked"),
        ([DENO], Scripts(None, "0.8.0"), Verdict.WARNING, "not installed"),
        ([DENO], Scripts("0.7.0", "0.8.0"), Verdict.WARNING, "0.7.0 where this yt-dlp asks for 0.8.0"),
    ],
)
def test_what_javascript_there_is_for_ytdlp(
    monkeypatch: pytest.MonkeyPatch,
    runtimes: list[Runtime],
    scripts: Scripts,
    verdict: Verdict,
    words: str,
) -> None:
    monkeypatch.setattr(versions, "javascript_runtimes", lambda: runtimes)
    monkeypatch.setattr(versions, "scripts", lambda: scripts)
    found = machine.javascript()
    assert found.verdict is verdict
    assert words in found.found
    assert bool(found.remedy) is (verdict is Verdict.WARNING)


def test_ytdlp_uses_deno_unasked_and_names_what_it_finds() -> None:
    runtimes = versions.javascript_runtimes()
    assert runtimes
    assert [one.name for one in runtimes if one.asked] == ["deno"]
    assert runtimes[0].asked


def test_a_runtime_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(versions, "_runtimes", lambda: released.wait(60) and [])
    with pytest.raises(EnvironmentProblem, match="did not tell its version"):
        versions.javascript_runtimes(timeout=0.05)
    released.set()


def test_a_ytdlp_that_does_not_tell_its_runtimes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> list[Runtime]:
        raise ImportError("cannot import name 'supported_js_runtimes'")

    monkeypatch.setattr(versions, "_runtimes", gone)
    assert versions.javascript_runtimes() is None
    found = machine.javascript()
    assert found.verdict is Verdict.WARNING
    assert "does not tell" in found.found


def test_a_clock_from_before_ytdlp_is_a_problem(tmp_path: Path) -> None:
    at = datetime(2020, 1, 1).timestamp()
    assert look(tmp_path, clock=lambda: at)["clock"].verdict is Verdict.PROBLEM
    assert look(tmp_path)["clock"].verdict is Verdict.OK


def test_proxies_are_told_without_their_passwords(tmp_path: Path) -> None:
    environ = {"HTTPS_PROXY": "http://me:secret@proxy:3128", "all_proxy": "socks5://host:1", "HTTP_PROXY": ""}
    found = look(tmp_path, environ=environ)["proxies"].found
    assert found == "HTTPS_PROXY=http://***@proxy:3128, all_proxy=socks5://host:1"
    assert look(tmp_path)["proxies"].found == "none in the environment"


@given(
    st.sampled_from(["", "http://", "SOCKS5h://"]),
    st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=9),
    st.text("aB3:@?#%.", min_size=8),
)
def test_no_password_is_ever_shown(scheme: str, user: str, password: str) -> None:
    shown = machine.masked(f"{scheme}{user}:{password}@proxy.example:3128")
    assert shown == f"{scheme}***@proxy.example:3128"


# The workspace


def test_a_folder_that_takes_no_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = look(tmp_path / "file" / "w")["workspace"]
    assert found.verdict is Verdict.PROBLEM
    assert "cannot be written to" in found.found


def test_a_file_system_that_cannot_lock_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    found = look(tmp_path)["workspace"]
    assert found.verdict is Verdict.PROBLEM
    assert "No locks available" in found.found


def test_a_running_fetch_is_told_and_is_no_error(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with workspace.lock():
        found = look(tmp_path)["workspace"]
    assert found.verdict is Verdict.OK
    assert "another command is running" in found.found
    assert look(tmp_path)["workspace"].found == str(tmp_path)


def test_a_missing_folder_for_temporary_files_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    found = machine.temporary_files()
    assert (found.verdict, found.found) == (Verdict.WARNING, "No usable temporary directory found")


def test_the_nearest_folder_that_exists_is_looked_at(tmp_path: Path) -> None:
    assert nearest_existing(tmp_path / "a" / "b") == tmp_path
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real").mkdir()
    assert nearest_existing(tmp_path / "link" / "c") == tmp_path / "real"


@pytest.mark.parametrize(
    ("path", "kind", "reach"),
    [
        ("/", "ext4", Reach.LOCAL),
        ("/homework", "ext4", Reach.LOCAL),
        ("/home", "nfs4", Reach.NETWORK),
        ("/home/me", "nfs4", Reach.NETWORK),
        ("/home/me/local/w", "xfs", Reach.LOCAL),
        ("/mnt/my lab\\share/w", "cifs", Reach.NETWORK),
        ("/mnt/c/Users", "9p", Reach.NETWORK),
        ("/data/w", "lustre", Reach.NETWORK),
    ],
)
def test_the_mount_that_a_path_lies_on(path: str, kind: str, reach: Reach) -> None:
    mount = mount_of(path, parse_mountinfo(MOUNTS))
    assert mount is not None
    assert (mount.kind, reach_of(mount.kind)) == (kind, reach)


@pytest.mark.parametrize(
    ("kind", "reach"),
    [
        ("fuse.sshfs", Reach.NETWORK),
        ("smb3", Reach.NETWORK),
        ("gpfs", Reach.NETWORK),
        ("fuse.gocryptfs", Reach.UNKNOWN),
        ("fuse", Reach.UNKNOWN),
        ("virtiofs", Reach.UNKNOWN),
        ("fuseblk", Reach.LOCAL),
        ("btrfs", Reach.LOCAL),
        ("overlay", Reach.LOCAL),
    ],
)
def test_which_kinds_reach_over_a_network(kind: str, reach: Reach) -> None:
    assert reach_of(kind) is reach


@given(st.lists(st.text("ab \t\n\\#-/\u2028\x85", min_size=1, max_size=8)))
def test_every_mount_point_is_read_back(names: list[str]) -> None:
    """Escaped as the kernel does (fs/proc_namespace.c, mangle)."""
    octal = {ord(character): f"\\{ord(character):03o}" for character in " \t\n\\#"}
    lines = [f"9 1 0:9 / /{name.translate(octal)} rw opt:1 - ext4 dev rw" for name in names]
    assert parse_mountinfo("\n".join(lines)) == [Mount(f"/{name}", "ext4") for name in names]


@given(st.text())
def test_any_text_is_taken_for_mounts(text: str) -> None:
    for mount in parse_mountinfo(text):
        assert mount_of(mount.point, [mount]) == mount


def test_the_mount_of_a_real_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = tmp_path / "mountinfo"
    listing.write_text(
        f"27 1 254:0 / / rw - ext4 /dev/vda rw\n28 27 0:1 / {tmp_path} rw - nfs server:/x rw\n"
    )
    monkeypatch.setattr("audioset_tools.doctor.disk.MOUNTINFO", listing)
    found = look(tmp_path / "w")["file system"]
    assert found.verdict is Verdict.PROBLEM
    assert f"nfs at {tmp_path}" in found.found
    monkeypatch.setattr("audioset_tools.doctor.disk.MOUNTINFO", tmp_path / "missing")
    assert mounted(tmp_path) is None
    assert look(tmp_path)["file system"].verdict is Verdict.WARNING


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("ext4", Verdict.OK),
        ("nfs", Verdict.PROBLEM),
        ("fuse.mergerfs", Verdict.WARNING),
        ("tmpfs", Verdict.WARNING),
    ],
)
def test_what_is_thought_of_a_file_system(kind: str, verdict: Verdict) -> None:
    assert place.file_system_verdict(Mount("/x", kind)).verdict is verdict


# The ledger, and the room there is


def test_a_whole_ledger_is_counted_and_left_as_it_is(tmp_path: Path) -> None:
    path = make_ledger(tmp_path, accepted=7)
    before = path.read_bytes()
    found = look(tmp_path)
    assert found["ledger"] == Finding(Verdict.OK, "whole; 7 clips")
    assert found["pause"] == Finding(Verdict.OK, "none")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_file_is_no_ledger_yet_and_stays_empty(tmp_path: Path) -> None:
    Workspace(tmp_path).ledger.touch()
    assert look(tmp_path)["ledger"].found == "none yet"
    assert Workspace(tmp_path).ledger.stat().st_size == 0


def test_damaged_pages_are_found_though_the_ledger_opens(tmp_path: Path) -> None:
    path = make_ledger(tmp_path)
    damage_pages(path)
    with Ledger(path):
        pass
    done = doctor("--workspace", str(tmp_path), "--json")
    assert done.returncode == 5
    assert verdicts(done)["ledger"] == "problem"
    assert "Traceback" not in done.stderr


def test_what_is_no_ledger_is_told(tmp_path: Path) -> None:
    Workspace(tmp_path).ledger.write_text("these are not the pages you are looking for" * 100)
    found = look(tmp_path)["ledger"]
    assert found.verdict is Verdict.PROBLEM
    assert "backup" in found.remedy


@pytest.mark.parametrize("name", ["origin", "pace"])
@pytest.mark.parametrize("value", ["{", "[]", '{"rate": "x", "never": 1}'])
def test_a_note_that_makes_no_sense_is_told(tmp_path: Path, name: str, value: str) -> None:
    with Ledger(make_ledger(tmp_path)) as ledger:
        ledger.put(name, value)
    found = look(tmp_path)["ledger"]
    assert found.verdict is Verdict.PROBLEM
    assert "makes no sense" in found.found


def test_a_stored_pause_is_told_until_it_has_passed(tmp_path: Path) -> None:
    at = datetime(2027, 1, 1).timestamp()
    pace = Pace(GUEST, clock=lambda: at)
    pace.refused(Reason.RATE_LIMITED, at, 1800.0)
    with Ledger(make_ledger(tmp_path)) as ledger:
        ledger.put("pace", pace.to_json())
    found = look(tmp_path, clock=lambda: at + 1799)["pause"]
    assert found.verdict is Verdict.WARNING
    assert found.found == f"until {at + 1800:.0f}: rate-limited"
    assert look(tmp_path, clock=lambda: at + 1801)["pause"].found == "none"


def test_the_sizes_are_those_of_the_stages() -> None:
    spec = MelSpec()
    assert (spec.sample_rate, spec.center) == (SAMPLE_RATE, True)
    assert 4 * spec.n_mels * (CLIP_SAMPLES // spec.hop_length + 1) == place.MEL_BYTES


@pytest.mark.parametrize(
    ("room", "verdict"),
    [
        (Room(0, None), Verdict.PROBLEM),
        (Room(3_072_422_399, None), Verdict.PROBLEM),
        (Room(3_072_422_400, None), Verdict.WARNING),
        (Room(10_290_393_599, None), Verdict.WARNING),
        (Room(10_290_393_600, None), Verdict.OK),
        (Room(10**13, 9_599), Verdict.PROBLEM),
        (Room(10**13, 9_600), Verdict.OK),
    ],
)
def test_the_paper_s_data_set_needs_as_much_room_as_the_readme_says(
    tmp_path: Path, room: Room, verdict: Verdict
) -> None:
    found = look(tmp_path, room=lambda _: room)["disk space"]
    assert found.verdict is verdict
    assert "9,600 clips still lacking take 3.1 GB, mel shards 7.2 GB" in found.found


def test_only_what_is_lacking_needs_room(tmp_path: Path) -> None:
    make_ledger(tmp_path, accepted=100)
    found = look(tmp_path, per_class=100, room=lambda _: Room(100 * 320_044, None))["disk space"]
    assert found.verdict is Verdict.WARNING
    assert "100 clips still lacking" in found.found
    shard = Workspace(tmp_path).shards / "paper" / "train-00000.h5"
    shard.parent.mkdir(parents=True)
    with shard.open("wb") as handle:
        handle.truncate(200 * 2 * place.MEL_BYTES)
    found = look(tmp_path, per_class=100, room=lambda _: Room(100 * 320_044, None))["disk space"]
    assert found.verdict is Verdict.OK


# YouTube, asked on demand


def ask(workspace: Path, proxy: str) -> dict[str, Finding]:
    connect = partial(YouTube, proxy=proxy, check_certificate=False)
    pace = parse_pace("unlimited")
    return {c.name: c.finding for c in youtube(Workspace(workspace), pace, connect, moment, "Nightly.")}


def test_every_step_to_a_clip_is_told(serve: Callable[[Plan], Simulator], tmp_path: Path) -> None:
    simulator = serve(Plan())
    words = (
        "--network",
        "--proxy",
        simulator.proxy,
        "--no-check-certificate",
        "--json",
        "--pace",
        "unlimited",
    )
    done = doctor("--workspace", str(tmp_path / "w"), *words)
    assert done.returncode == 0, done.stdout + done.stderr
    steps = {name: verdict for name, verdict in verdicts(done).items() if name.startswith("YouTube")}
    names = ["visitor id", "lean answer", "default answer", "index", "bytes", "decoding"]
    assert list(steps) == [*(f"YouTube: {name}" for name in names), "YouTube"]
    assert set(list(steps.values())[1:]) == {"ok"}
    asked = simulator.counts()["requests"]
    assert (asked["page"], asked["foreign"]) == (1, 0)
    assert asked["player"] <= 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "fault", ["private", "no-formats", "player-503", "unavailable", "media-403", "silent"]
)
def test_a_living_clip_that_cannot_be_had_is_a_problem_whatever_the_reason(
    serve: Callable[[Plan], Simulator], tmp_path: Path, fault: str
) -> None:
    found = ask(tmp_path, serve(Plan(shares={fault: 1.0}, passing_attempts=99)).proxy)
    assert found["YouTube"].verdict is Verdict.PROBLEM
    assert "cannot be had" in found["YouTube"].found
    assert found["YouTube"].remedy


def test_a_client_that_is_switched_off_is_told_and_no_problem(
    serve: Callable[[Plan], Simulator], tmp_path: Path
) -> None:
    simulator = serve(Plan(clients_off={"VISIONOS": "not-on-app"}))
    found = ask(tmp_path, simulator.proxy)
    assert found["YouTube: lean answer"].verdict is Verdict.WARNING
    assert "client-refused" in found["YouTube: lean answer"].found
    assert found["YouTube"].verdict is Verdict.OK


def test_the_users_own_options_hold_for_it(serve: Callable[[Plan], Simulator], tmp_path: Path) -> None:
    simulator = serve(Plan(clients_off={"VISIONOS": "not-on-app"}))
    words = (
        "--network",
        "--proxy",
        simulator.proxy,
        "--no-check-certificate",
        "--json",
        "--pace",
        "unlimited",
        "--ytdlp-option",
    )
    chosen = 'extractor_args={"youtube": {"player_client": ["visionos"]}}'
    done = doctor("--workspace", str(tmp_path / "w"), *words, chosen)
    assert done.returncode == 5
    assert verdicts(done)["YouTube: chosen answer"] == "warning"
    assert "YouTube: default answer" not in verdicts(done)


@pytest.mark.parametrize("answer", ["429", "rate-limited", "bot-check"])
def test_a_refusal_is_told_remembered_and_respected(
    serve: Callable[[Plan], Simulator], tmp_path: Path, answer: str
) -> None:
    simulator = serve(Plan(refusals=(Refusal(at=1, seconds=600, answer=answer),)))
    path = make_ledger(tmp_path)
    found = ask(tmp_path, simulator.proxy)["YouTube"]
    assert found.verdict is Verdict.PROBLEM
    with Ledger(path) as ledger:
        state = Pace(parse_pace("unlimited"), ledger.get("pace")).state
    assert state.paused_until > datetime.now().timestamp()
    assert f"{state.paused_until:.0f}" in found.remedy
    asked = simulator.counts()["requests"]
    found = ask(tmp_path, simulator.proxy)["YouTube"]
    assert found.verdict is Verdict.WARNING
    assert "not asked" in found.found
    assert simulator.counts()["requests"] == asked


def test_nobody_is_asked_beside_a_running_fetch(serve: Callable[[Plan], Simulator], tmp_path: Path) -> None:
    simulator = serve(Plan())
    with Workspace(tmp_path).lock():
        found = ask(tmp_path, simulator.proxy)["YouTube"]
    assert found.verdict is Verdict.WARNING
    assert "a fetch is running" in found.found
    assert simulator.counts()["requests"]["player"] == 0


def test_a_network_that_is_down_is_told_and_pauses_nobody(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    path = make_ledger(tmp_path)
    found = ask(tmp_path, f"http://me:secret@127.0.0.1:{port}")
    assert found["YouTube"].verdict is Verdict.PROBLEM
    assert "network-down" in found["YouTube"].found
    assert "network" in found["YouTube"].remedy
    assert not any("secret" in one.found for one in found.values())
    with Ledger(path) as ledger:
        assert Pace(GUEST, ledger.get("pace")).state.paused_until == 0


@pytest.mark.parametrize("name", ["visitor id", "lean answer", "index", "bytes", "decoding"])
@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_at_every_step_has_a_verdict_and_a_remedy(reason: Reason, name: str) -> None:
    *steps, whole = probe_checks(Probe((Step(name, reason, "words"),), False, 5.0), moment, "Nightly.")
    assert f"{reason}: words" in steps[0].finding.found
    assert whole.finding.verdict is Verdict.PROBLEM
    assert reason in whole.finding.found
    assert whole.finding.remedy

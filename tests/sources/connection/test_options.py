"""Which options of yt-dlp a fetch takes, and from whom."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yt_dlp

from audioset_tools.exceptions import UsageError
from audioset_tools.sources.connection.options import _KNOWN, ARGUMENTS_OF_FILES, OF_FILES, check_options

GOOD: dict[str, list[Any]] = {
    "proxy": ["http://127.0.0.1:1", ""],
    "geo_verification_proxy": ["socks5://127.0.0.1:1"],
    "source_address": ["127.0.0.1", "0.0.0.0"],
    "socket_timeout": [5, 0.5],
    "sleep_interval_requests": [0, 1.5],
    "extractor_retries": [0, 3],
    "nocheckcertificate": [True, False],
    "legacyserverconnect": [True],
    "prefer_insecure": [True],
    "geo_bypass": [False],
    "geo_bypass_country": ["CH"],
    "geo_bypass_ip_block": ["192.0.2.0/24"],
    "http_headers": [{"Accept-Language": "de"}],
    "compat_opts": [["no-youtube-unavailable-videos"]],
    "allow_unplayable_formats": [False],
    "verbose": [True],
    "quiet": [True],
    "no_warnings": [True],
    "cachedir": [False, "/tmp/x"],
    "extractor_args": [{"youtube": {"player_client": ["web"]}}, {"youtubepot-x": {"a": []}}],
    "js_runtimes": [{"node": {}}, {"deno": {"path": "/d"}}, {}, {"bun": None}],
    "remote_components": [["ejs:npm"]],
}

BAD: dict[str, list[Any]] = {
    "proxy": [5, None, "foo://x", "http://host:port", []],
    "geo_verification_proxy": ["foo://x"],
    "source_address": ["x", "", "192.0.2.1", 5, "::g"],
    "socket_timeout": ["x", "5", 0, -1, True, None, [], float("nan"), float("inf"), 10**400],
    "sleep_interval_requests": [-1, "x", 1e9],
    "extractor_retries": [1.5, -1, "infinite", 10**9, True],
    "nocheckcertificate": ["yes", 1, None],
    "geo_bypass_country": ["Switzerland", 5],
    "geo_bypass_ip_block": ["x", "192.0.2.0", "::/3", "192.0.2.0/99"],
    "client_certificate": [5, "/nowhere.pem"],
    "client_certificate_key": [5],
    "client_certificate_password": [5],
    "http_headers": [[], {"A": 5}, {"A": "b\r\nC: d"}, {"A b": "c"}, {"A": "é"}, {"": "x"}],
    "compat_opts": ["x", [5]],
    "cachedir": [True, 5, ""],
    "extractor_args": [
        [],
        {"youtube": []},
        {"youtube": {"player_client": "web"}},
        {"youtube": {"a": [5]}},
        None,
    ],
    "js_runtimes": [[], "node", {"node": 5}, {"node": {"paths": "x"}}, {"python": {}}, None],
    "remote_components": [["ejs:elsewhere"], "ejs:npm"],
    "cookiefile": ["/x"],
    "cookiesfrombrowser": [["firefox"]],
}

REFUSED = [
    *("netrc_cmd", "usenetrc", "netrc_location", "username", "password", "postprocessors", "exec_cmd"),
    *("external_downloader", "external_downloader_args", "ffmpeg_location", "postprocessor_args"),
    *("print_to_file", "outtmpl", "paths", "download_archive", "writeinfojson", "write_pages", "load_pages"),
    *(
        "debug_printtraffic",
        "dump_intermediate_pages",
        "ignoreerrors",
        "extract_flat",
        "noplaylist",
        "simulate",
    ),
    *("logger", "progress_hooks", "wait_for_video", "plugin_dirs", "enable_file_urls", "impersonate"),
    *("nosuchoption", "", "a b", "x" * 10_000, "\x1b[31m"),
]


@pytest.mark.parametrize(("name", "value"), [(name, one) for name, some in GOOD.items() for one in some])
def test_what_can_work_is_taken_and_yt_dlp_takes_it(name: str, value: Any) -> None:
    check_options({name: value})
    if name not in ("verbose", "quiet"):
        yt_dlp.YoutubeDL({name: value, "quiet": True}, auto_init=False).close()


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, one) for name, some in BAD.items() for one in some],
    ids=lambda one: repr(one)[:40],
)
def test_what_cannot_work_is_refused(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"--ytdlp-option {name}") as refused:
        check_options({name: value})
    assert len(str(refused.value)) < 1_000


@pytest.mark.parametrize("name", REFUSED, ids=lambda name: ascii(name)[:40])
def test_what_runs_commands_writes_files_or_does_nothing_here_is_refused(name: str) -> None:
    for value in ("x", True, [], {}):
        with pytest.raises(UsageError, match="a fetch takes no such option") as refused:
            check_options({name: value})
        assert len(str(refused.value)) < 1_000 and str(refused.value).isascii()


def test_every_option_of_the_table_is_tried_here() -> None:
    assert _KNOWN.keys() == GOOD.keys() | {name for name in BAD if name.startswith("client_")}


@pytest.mark.parametrize("name", sorted(_KNOWN))
def test_a_settings_file_sets_fewer(name: str) -> None:
    for value in GOOD.get(name, []):
        if name == "extractor_args" or name not in OF_FILES:
            continue
        check_options({name: value}, "settings.toml", of_file=True)
    if name not in OF_FILES:
        with pytest.raises(UsageError, match="not from a settings file"):
            check_options({name: GOOD.get(name, ["x"])[0]}, "settings.toml", of_file=True)


def test_of_extractor_args_a_settings_file_sets_a_few_of_youtubes() -> None:
    check_options(
        {"extractor_args": {"youtube": {key: ["x"] for key in ARGUMENTS_OF_FILES}}}, "f", of_file=True
    )
    for arguments in ({"youtube": {"innertube_host": ["127.0.0.1"]}}, {"youtubepot-bgutilscript": {}}):
        with pytest.raises(UsageError, match="a settings file may set a few"):
            check_options({"extractor_args": arguments}, "f", of_file=True)
        check_options({"extractor_args": arguments})


def test_a_certificate_of_ones_own_is_read(tmp_path: Path) -> None:
    pem = tmp_path / "own.pem"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        str(pem),
        "-subj",
        "/CN=me",
    ]
    try:
        made = subprocess.run([*words, "-out", str(tmp_path / "c.pem")], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no openssl")
    if made.returncode:
        pytest.skip("openssl makes no certificate")
    check_options({"client_certificate": str(tmp_path / "c.pem"), "client_certificate_key": str(pem)})
    pem.write_text("none")
    with pytest.raises(UsageError, match="cannot be read"):
        check_options({"client_certificate": str(tmp_path / "c.pem"), "client_certificate_key": str(pem)})

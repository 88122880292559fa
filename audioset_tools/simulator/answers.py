"""What YouTube would say: the player's JSON, the watch page and the manifests, in the recorded shape."""

import json
from functools import cache
from typing import Any

from . import shape
from .bank import Studio
from .faults import FEW_RIGHTS, ONE_CLIENT, playability
from .plan import Video
from .streams import Streams, ciphered, tracks

_OTHER_ID = "dQw4w9WgXcQ"
_LIVE = ("live", "premiere", "live-now")
_WITH_HLS = (*FEW_RIGHTS, "IOS")
_SCRIPT_BYTES = 900_000

_PAGE = """<!DOCTYPE html><html><head><title>{title}</title>
<script>ytcfg.set({config});</script></head><body>
<script>var ytInitialPlayerResponse = {player};</script>
<script>var ytInitialData = {data};</script>{remark}</body></html>
"""

_CAPTCHA = """<!DOCTYPE html><html><head><title>https://www.youtube.com/watch</title></head><body>
<form id="captcha-form" action="index" method="post"><div id="recaptcha" class="g-recaptcha"></div></form>
<p><b>About this page</b><br>Our systems have detected unusual traffic from your computer network. This page
checks to see if it&#39;s really you sending the requests, and not a robot.</p></body></html>
"""

_VERSION = "2.20260901.00.00"

_CONFIG = {
    "INNERTUBE_API_VERSION": "v1",
    "INNERTUBE_CLIENT_NAME": "WEB",
    "INNERTUBE_CLIENT_VERSION": _VERSION,
    "INNERTUBE_CONTEXT": {
        "client": {
            "hl": "en",
            "gl": "US",
            "clientName": "WEB",
            "clientVersion": _VERSION,
            "visitorData": shape.visitor_data("page"),
        }
    },
    "INNERTUBE_CONTEXT_CLIENT_NAME": 1,
    "LOGGED_IN": False,
    "PLAYER_JS_URL": "/s/player/00000000/player_ias.vflset/en_US/base.js",
    "VISITOR_DATA": shape.visitor_data("page"),
}

_STAMP = 20_500
"""The time stamp of the player's script: where the page has it, yt-dlp need not fetch the script."""


def player(video: Video, studio: Studio, client: str = "") -> bytes:
    """The answer to a player request of a client."""
    if video.fault == "no-json":
        return b"<!DOCTYPE html><html><body>Sorry</body></html>"
    seconds = round(video.length_ms / 1000)
    fault = _seen(video, client)
    status = playability(fault, video.ytid)
    details = _details(video, fault)
    if status["status"] != "OK":
        return _refusal(video.ytid, status, details)
    around = shape.surroundings(video.ytid, seconds, _languages(video), client)
    return _text(
        {
            "responseContext": json.dumps(_context(video.ytid)),
            "playabilityStatus": json.dumps(status),
            "streamingData": json.dumps(_streaming(video, studio, client, fault)),
            "playbackTracking": around.pop("playbackTracking"),
            "captions": around.pop("captions"),
            "videoDetails": json.dumps(details),
            **around,
        }
    ).encode()


def refused_player(ytid: str, answer: str) -> bytes:
    """The answer to a player request that comes too soon: one of `faults.ANSWERS` that is a page."""
    return _refusal(ytid, playability(answer, ytid), {"videoId": ytid})


def unknown_player(ytid: str) -> bytes:
    """The answer to a player request for a video that nobody knows."""
    return _refusal(ytid, {"status": "ERROR", "reason": "Video unavailable"}, {"videoId": ytid})


def page(video: Video, studio: Studio, stamped: bool = True) -> bytes:
    """The watch page. Its streams have no address, as YouTube's own web client lets the server choose them.

    Args:
        studio: where the sounds come from.
        stamped: whether it has the time stamp of the player's script.
    """
    status = playability("" if video.fault in ONE_CLIENT else video.fault, video.ytid)
    details = _details(video, video.fault)
    parts = {"playabilityStatus": json.dumps(status), "videoDetails": json.dumps(details)}
    if status["status"] == "OK":
        streams = Streams(video, studio, "WEB")
        data: dict[str, Any] = {"expiresInSeconds": "21540"}
        if video.fault == "bot-18":
            data["formats"] = [streams.muxed()]
        listed = streams.pictures() if video.fault == "no-audio" else streams.adaptive()
        data["adaptiveFormats"] = [_bare(stream) for stream in listed]
        data["serverAbrStreamingUrl"] = streams.server_driven()
        parts["streamingData"] = json.dumps(data)
        parts["storyboards"] = shape.storyboards(video.ytid, int(details["lengthSeconds"]))
    parts["microformat"] = json.dumps(_microformat(details, video.fault))
    remark = "This video is made for kids" if video.fault == "kids" else ""
    return _page(details["title"], _text(parts), remark, stamped)


def refused_page(ytid: str, answer: str) -> bytes:
    """The watch page of a client that asks too much."""
    response = {"videoDetails": {"videoId": ytid}, "playabilityStatus": playability(answer, ytid)}
    return _page("YouTube", json.dumps(response))


def recorded_page(answer: dict[str, Any]) -> bytes:
    """The watch page around a player's answer."""
    return _page("YouTube", json.dumps(answer).replace("</", "<\\/"))


def captcha_page() -> bytes:
    """What stands in a watch page's place, with status 200, when YouTube takes the client for a robot."""
    return _CAPTCHA.encode()


def home() -> bytes:
    """Any page that is no video's."""
    return _page("YouTube", "{}")


def initial_data() -> bytes:
    """The answer to `youtubei/v1/next`, which yt-dlp asks when it skips the page but not its data."""
    return json.dumps({"contents": {"twoColumnWatchNextResults": {}}}).encode()


def iframe_api() -> bytes:
    """The script from which yt-dlp learns the player's version."""
    return b"var scriptUrl = 'https:\\/\\/www.youtube.com\\/s\\/player\\/00000000\\/www-widgetapi.js';"


@cache
def player_script(big: bool = False) -> bytes:
    """All that yt-dlp wants from the player's script when no address needs deciphering.

    Args:
        big: as long as the real one, with nothing of use in the rest.
    """
    begin = f"var config={{signatureTimestamp:{_STAMP}}};"
    filler = "".join(
        f"function f{number}(a,b){{return a*{number}+b}};"
        for number in range(_SCRIPT_BYTES // 34 if big else 0)
    )
    return (begin + filler).encode()


def manifest(video: Video, studio: Studio) -> bytes:
    """The HLS manifest of a video: sound in groups of its own, and pictures that name one."""
    streams = Streams(video, studio, "VISIONOS")
    lines = ["#EXTM3U", "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines += [
        f'#EXT-X-MEDIA:URI="{streams.manifest(itag)}",TYPE=AUDIO,GROUP-ID="{itag}",NAME="Default",DEFAULT=YES,'
        "AUTOSELECT=YES"
        for itag in (233, 234)
    ]
    for itag, group, size, rate in ((269, 233, "256x144", 160_000), (230, 234, "640x360", 700_000)):
        sound = "mp4a.40.5" if group == 233 else "mp4a.40.2"
        lines.append(
            f'#EXT-X-STREAM-INF:BANDWIDTH={rate},CODECS="avc1.4D401E,{sound}",RESOLUTION={size},FRAME-RATE=25,'
            f'VIDEO-RANGE=SDR,AUDIO="{group}",CLOSED-CAPTIONS=NONE'
        )
        lines.append(streams.manifest(itag))
    return ("\n".join(lines) + "\n").encode()


def playlist(video: Video, studio: Studio) -> bytes:
    """The playlist of one stream of the manifest: all of the sound in one segment."""
    seconds = video.length_ms / 1000
    return (
        f"#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:{int(seconds) + 1}\n#EXT-X-PLAYLIST-TYPE:VOD\n"
        f"#EXTINF:{seconds:.3f},\n{Streams(video, studio, 'VISIONOS').segment()}\n#EXT-X-ENDLIST\n"
    ).encode()


def _seen(video: Video, client: str) -> str:
    """The fault as a client meets it."""
    return "" if video.fault in ONE_CLIENT and client not in FEW_RIGHTS else video.fault


def _languages(video: Video) -> tuple[str, ...]:
    return tuple(track.language for track in tracks(video) if track)


def _context(ytid: str) -> dict[str, Any]:
    return {
        "visitorData": shape.visitor_data(ytid),
        "maxAgeSeconds": 0,
        "cacheInstruction": {"monitoringKey": 1001},
        "responseId": f"IhMI{shape.noise(ytid, 22)}",
    }


def _refusal(ytid: str, status: dict[str, Any], details: dict[str, Any]) -> bytes:
    answer: dict[str, Any] = {
        "responseContext": _context(ytid),
        "playabilityStatus": status,
        "videoDetails": details,
    }
    answer |= {"trackingParams": shape.noise("tracking", 44), "adBreakHeartbeatParams": "Q0FB"}
    return json.dumps(answer).encode()


def _details(video: Video, fault: str) -> dict[str, Any]:
    shown_id = _OTHER_ID if fault == "wrong-video" else video.ytid
    title = f"{video.class_name}, played on loopback ({video.ytid})"
    details = shape.details(shown_id, title, round(video.length_ms / 1000))
    if fault in _LIVE:
        details |= {
            "isLiveContent": True,
            "isLive": fault == "live-now",
            "isUpcoming": fault in ("live", "premiere"),
        }
    return details


def _microformat(details: dict[str, Any], fault: str) -> dict[str, Any]:
    answer = shape.microformat(details)
    if fault == "geo-blocked":
        answer["playerMicroformatRenderer"]["availableCountries"] = ["AQ"]
    return answer


def _streaming(video: Video, studio: Studio, client: str, fault: str) -> dict[str, Any]:
    """The streams of a playable video, as a client sees them."""
    streams = Streams(video, studio, client, challenge=fault == "n-challenge")
    data: dict[str, Any] = {"expiresInSeconds": "21540"}
    if fault == "no-audio":
        return data | {"adaptiveFormats": streams.pictures()}
    adaptive = (
        streams.adaptive() if fault != "aac-only" else [*streams.pictures(), *streams.sounds("audio/mp4")]
    )
    muxed = [] if client in _WITH_HLS and fault != "itag18-only" else [streams.muxed()]
    if fault in ("no-formats", "drm", "sabr"):
        adaptive, muxed = [_bare(stream) for stream in adaptive], [_bare(stream) for stream in muxed]
    elif fault == "itag18-only":
        adaptive = [_bare(stream) for stream in adaptive]
    elif fault == "cipher":
        adaptive = [ciphered(stream) for stream in adaptive]
    elif fault in ("drm-families", "drm-some"):
        clean = () if fault == "drm-families" else (140,)
        for stream in (*adaptive, *muxed):
            if stream["itag"] not in clean:
                stream["drmFamilies"] = ["WIDEVINE", "PLAYREADY"]
    if muxed:
        data["formats"] = muxed
    if fault != "hls-only":
        data["adaptiveFormats"] = adaptive
    if client in _WITH_HLS and fault not in ("no-formats", "drm", "sabr"):
        data |= {"hlsManifestUrl": streams.manifest(), "aspectRatio": 1.7777778}
    data["serverAbrStreamingUrl"] = streams.server_driven()
    if fault == "drm":
        data["licenseInfos"] = [{"drmFamily": "WIDEVINE"}]
    return data


def _bare(stream: dict[str, Any]) -> dict[str, Any]:
    """A stream that is described but has no address."""
    return {name: value for name, value in stream.items() if name != "url"}


def _text(parts: dict[str, str]) -> str:
    """A JSON object of values that are JSON already."""
    return "{" + ", ".join(f'"{name}": {text}' for name, text in parts.items()) + "}"


def _page(title: str, response: str, remark: str = "", stamped: bool = True) -> bytes:
    text = _PAGE.format(
        title=title,
        config=json.dumps({**_CONFIG, "STS": _STAMP} if stamped else _CONFIG),
        player=response,
        data=json.dumps({"contents": {"twoColumnWatchNextResults": {}}}),
        remark=remark,
    )
    return text.encode()

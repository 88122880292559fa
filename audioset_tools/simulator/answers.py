"""What YouTube would say: the player's JSON and the watch page, as far as yt-dlp reads them."""

import json
from typing import Any
from urllib.parse import urlencode

from .bank import FORMATS, Format, Studio
from .faults import NOT_FOR_KIDS, playability
from .plan import Video

MEDIA_HOST = "rr1---sn-loopback.googlevideo.com"

_OTHER_ID = "dQw4w9WgXcQ"
_LIVE = ("live", "premiere", "live-now")

_PAGE = """<!DOCTYPE html><html><head><title>{title}</title>
<script>ytcfg.set({config});</script></head><body>
<script>var ytInitialPlayerResponse = {player};</script>
<script>var ytInitialData = {data};</script>{remark}</body></html>
"""

_CONFIG = {
    "INNERTUBE_CLIENT_NAME": "WEB",
    "INNERTUBE_CLIENT_VERSION": "2.20260901.00.00",
    "INNERTUBE_CONTEXT": {
        "client": {"clientName": "WEB", "clientVersion": "2.20260901.00.00", "visitorData": "c2ltdWxhdG9y"}
    },
    "PLAYER_JS_URL": "/s/player/00000000/player_ias.vflset/en_US/base.js",
    # The time stamp of the player's script: where it is told, yt-dlp has no need to fetch the script.
    "STS": 20500,
    "VISITOR_DATA": "c2ltdWxhdG9y",
}


def player(video: Video, studio: Studio, client: str = "") -> bytes:
    """The answer to a player request of a client."""
    if video.fault == "no-json":
        return b"<!DOCTYPE html><html><body>Sorry</body></html>"
    if video.fault == "kids" and client in NOT_FOR_KIDS:
        return json.dumps(_refusal(video.ytid, "unavailable")).encode()
    return json.dumps(_response(video, _formats(video, studio, client))).encode()


def refused_player(ytid: str, answer: str) -> bytes:
    """The answer to a player request that comes too soon: one of `faults.ANSWERS` that is a page."""
    return json.dumps(_refusal(ytid, answer)).encode()


def page(video: Video) -> bytes:
    """The watch page. Its formats have no address, as YouTube's own web client does not use any."""
    return _page(_response(video, []), "This video is made for kids" if video.fault == "kids" else "")


def refused_page(ytid: str, answer: str) -> bytes:
    """The watch page of a client that asks too much."""
    return _page(_refusal(ytid, answer))


def home() -> bytes:
    """Any page that is no video's."""
    return _page({})


def initial_data() -> bytes:
    """The answer to `youtubei/v1/next`, which yt-dlp asks when it skips the page but not its data."""
    return json.dumps({"contents": {"twoColumnWatchNextResults": {}}}).encode()


def iframe_api() -> bytes:
    """The script from which yt-dlp learns the player's version."""
    return b"var scriptUrl = 'https:\\/\\/www.youtube.com\\/s\\/player\\/00000000\\/www-widgetapi.js';"


def player_script() -> bytes:
    """All that yt-dlp wants from the player's script when no address needs deciphering."""
    return b"var config={signatureTimestamp:20500};"


def _refusal(ytid: str, answer: str) -> dict[str, Any]:
    return {"videoDetails": {"videoId": ytid}, "playabilityStatus": playability(answer)}


def _response(video: Video, formats: list[dict[str, Any]]) -> dict[str, Any]:
    told_id = _OTHER_ID if video.fault == "wrong-video" else video.ytid
    status = playability(video.fault)
    response: dict[str, Any] = {
        "playabilityStatus": status,
        "videoDetails": {
            "videoId": told_id,
            "title": f"{video.class_name}, played on loopback ({video.ytid})",
            "lengthSeconds": str(round(video.length_ms / 1000)),
            "author": "The simulator",
            "channelId": "UCloopbackloopbackloopba",
            "shortDescription": "",
            "viewCount": "1",
            "isLiveContent": video.fault in _LIVE,
            "isLive": video.fault == "live-now",
            "isUpcoming": video.fault in ("live", "premiere"),
        },
        "microformat": {"playerMicroformatRenderer": {"availableCountries": ["AQ"]}},
    }
    if status["status"] == "OK":
        response["streamingData"] = {"expiresInSeconds": "21540", "adaptiveFormats": formats}
    if video.fault == "drm":
        response["streamingData"]["licenseInfos"] = [{"drmFamily": "WIDEVINE"}]
    return response


def _formats(video: Video, studio: Studio, client: str) -> list[dict[str, Any]]:
    if playability(video.fault)["status"] != "OK":
        return []
    if video.fault == "no-audio":
        return [_picture(video, client)]
    if video.fault in ("no-formats", "drm"):
        return [_described(video, format) for format in FORMATS]
    return [
        _described(video, format)
        | {
            "url": _address(video, format.itag, format.mime, client),
            "contentLength": str(len(studio.file(video, format))),
        }
        for format in FORMATS
    ]


def _described(video: Video, format: Format) -> dict[str, Any]:
    return {
        "itag": format.itag,
        "mimeType": f'{format.mime}; codecs="{format.codec}"',
        "bitrate": format.bitrate,
        "averageBitrate": format.bitrate,
        "approxDurationMs": str(video.length_ms),
        "audioQuality": f"AUDIO_QUALITY_{format.quality}",
        "audioSampleRate": "48000",
        "audioChannels": 2,
        "quality": "tiny",
    }


def _picture(video: Video, client: str) -> dict[str, Any]:
    return {
        "itag": 160,
        "url": _address(video, 160, "video/mp4", client),
        "mimeType": 'video/mp4; codecs="avc1.4d400c"',
        "bitrate": 80_000,
        "width": 256,
        "height": 144,
        "fps": 25,
        "approxDurationMs": str(video.length_ms),
        "qualityLabel": "144p",
        "quality": "tiny",
    }


def _address(video: Video, itag: int, mime: str, client: str) -> str:
    query = {
        "expire": "4102444800",
        "id": video.ytid,
        "itag": itag,
        "source": "youtube",
        "mime": mime,
        "dur": f"{video.length_ms / 1000:.3f}",
        "c": client,
    }
    return f"https://{MEDIA_HOST}/videoplayback?{urlencode(query)}"


def _page(response: dict[str, Any], remark: str = "") -> bytes:
    title = response.get("videoDetails", {}).get("title", "YouTube")
    text = _PAGE.format(
        title=title,
        config=json.dumps(_CONFIG),
        player=json.dumps(response),
        data=json.dumps({"contents": {"twoColumnWatchNextResults": {}}}),
        remark=remark,
    )
    return text.encode()

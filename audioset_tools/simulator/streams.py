"""The streams of an answer: how YouTube lists them, and the addresses it signs for them.

What each video is offered in follows from its plan; the sizes and the places of the indexes are those of the
files that the addresses lead to. A few of the formats share a file, and pictures have an address but no file.
"""

import base64
import re
import struct
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from ..types import YTID
from .bank import FORMATS, Format, Studio
from .media import VirtualFile
from .plan import Video, dubbed
from .shape import EXPIRES, IP, noise

MEDIA_HOST = "rr1---sn-loopback.googlevideo.com"
MANIFEST_HOST = "manifest.googlevideo.com"

MUXED = 18
"""Picture and sound in one file, without an index; here only the sound is there."""

_FILES = {known.itag: known for known in FORMATS}
_FILE_OF = {139: 140, 140: 140, 249: 249, 250: 249, 251: 251, MUXED: 140}

_CUES = bytes.fromhex("1c53bb6b")
_OPAQUE = re.compile(rf"o-A({YTID.pattern})[A-Za-z0-9_-]{{32}}")

_LANGUAGES = {
    **{"ar": "Arabic", "bn": "Bangla", "de": "German", "es": "Spanish", "fa": "Persian", "fr": "French"},
    **{
        "hi": "Hindi",
        "id": "Indonesian",
        "it": "Italian",
        "ja": "Japanese",
        "ko": "Korean",
        "ml": "Malayalam",
    },
    **{"mr": "Marathi", "pa": "Punjabi", "pl": "Polish", "pt": "Portuguese", "ru": "Russian", "ta": "Tamil"},
    **{"te": "Telugu", "th": "Thai", "tr": "Turkish", "uz": "Uzbek", "vi": "Vietnamese", "zh": "Chinese"},
}
LANGUAGES = tuple(_LANGUAGES)
"""Into which videos are dubbed."""


class _Sound(NamedTuple):
    itag: int
    codec: str
    bitrate: int
    average: int
    quality: str

    @property
    def mime(self) -> str:
        return "audio/webm" if self.codec == "opus" else "audio/mp4"


_SOUNDS = (
    _Sound(139, "mp4a.40.5", 50_000, 48_800, "LOW"),
    _Sound(140, "mp4a.40.2", 130_500, 129_500, "MEDIUM"),
    _Sound(249, "opus", 57_000, 52_000, "LOW"),
    _Sound(250, "opus", 75_000, 69_000, "LOW"),
    _Sound(251, "opus", 146_000, 136_000, "MEDIUM"),
)


class _Picture(NamedTuple):
    itag: int
    codec: str
    width: int
    height: int
    quality: str
    bitrate: int


_PICTURES = (
    _Picture(137, "avc1.640028", 1920, 1080, "hd1080", 4_400_000),
    _Picture(248, "vp9", 1920, 1080, "hd1080", 2_600_000),
    _Picture(136, "avc1.4d401f", 1280, 720, "hd720", 2_300_000),
    _Picture(247, "vp9", 1280, 720, "hd720", 1_500_000),
    _Picture(135, "avc1.4d401f", 854, 480, "large", 1_100_000),
    _Picture(244, "vp9", 854, 480, "large", 750_000),
    _Picture(134, "avc1.4d401e", 640, 360, "medium", 630_000),
    _Picture(243, "vp9", 640, 360, "medium", 470_000),
    _Picture(133, "avc1.4d4015", 426, 240, "small", 240_000),
    _Picture(242, "vp9", 426, 240, "small", 220_000),
    _Picture(160, "avc1.4d400c", 256, 144, "tiny", 110_000),
    _Picture(278, "vp9", 256, 144, "tiny", 95_000),
)
_ROUTE = {
    **{"met": "1780870514,", "mh": "hs", "mm": "31,26", "mn": "sn-loopback,sn-loopback2", "ms": "au,onr"},
    **{"mv": "m", "mvi": "4", "pl": "33", "rms": "au,au"},
}
"""What an address says of the way to its server."""

_SIGNED = "expire,ei,ip,id,itag,source,requiressl,xpc,bui,spc,vprv,svpuc,mime,rqh,gir,clen,dur,lmt"

_USUAL = (137, 136, 134, 243, 160)


class Track(NamedTuple):
    """A language of the sound: its code, how it came about, what people read."""

    language: str
    content: str
    name: str


def tracks(video: Video) -> tuple[Track | None, ...]:
    """The languages of a video's sound, the original one last; one None where it has but one."""
    if not video.dubs:
        return (None,)
    others = [Track(code, "dubbed", _LANGUAGES[code]) for code in LANGUAGES[: video.dubs]]
    return (*others, Track("en", "original", "English original"))


class Streams:
    """Lists the streams of one video for one client.

    Args:
        studio: where their files come from.
        client: who asks, by the name it gives itself.
        challenge: put an `n` into each address, which a client has to solve first.
    """

    def __init__(self, video: Video, studio: Studio, client: str, challenge: bool = False) -> None:
        ytid = video.ytid
        self._video = video
        self._studio = studio
        self._ei = noise(f"ei {ytid}", 23)
        self._made = f"17{int(noise(ytid, 4).encode().hex(), 16) % 10**11:011d}"
        self._seconds = f"{video.length_ms / 1000:.3f}"
        first = {"expire": EXPIRES, "ei": self._ei, "ip": IP, "id": f"o-A{ytid}{noise(f'id {ytid}', 32)}"}
        more = {"source": "youtube", "requiressl": "yes", "xpc": noise("xpc", 12), "cps": "366"}
        more |= _ROUTE | {"initcwndbps": "3407500", "spc": noise("spc", 44), "svpuc": "1"}
        last = {"mt": "1780870155", "fvip": "5", "keepalive": "yes", "fexp": noise("fexp", 17), "c": client}
        last |= {"txp": "5532534", **({"n": noise(f"n {ytid}", 17)} if challenge else {}), "sparams": _SIGNED}
        self._before = f"https://{MEDIA_HOST}/videoplayback?{urlencode(first)}"
        self._between = f"&{urlencode(more)}"
        self._bui = f"&bui={noise('bui', 80)}&vprv=1"
        self._behind = f"&{urlencode(last)}"
        route = {
            "lsparams": ",".join(("cps", *_ROUTE, "initcwndbps")),
            "lsig": f"AP{noise(f'lsig {ytid}', 102)}",
        }
        self._route = f"&{urlencode(route)}"
        self._measured: dict[tuple[int, bool], tuple[int, int, int]] = {}

    def adaptive(self) -> list[dict[str, Any]]:
        """All streams of picture or of sound alone, as recorded: pictures first."""
        return [*self.pictures(), *self.sounds()]

    def pictures(self) -> list[dict[str, Any]]:
        """The streams of picture alone."""
        return [self._picture(one) for one in _PICTURES if self._video.many or one.itag in _USUAL]

    def sounds(self, mime: str = "audio/") -> list[dict[str, Any]]:
        """The streams of sound alone, in each language and with their compressed twins, if it has such.

        Args:
            mime: only those whose type begins so.
        """
        twins = (False, True) if self._video.drc and not self._video.dubs else (False,)
        return [
            self._sound(sound, track, drc)
            for sound in _SOUNDS
            if sound.mime.startswith(mime)
            for track in tracks(self._video)
            for drc in twins
        ]

    def muxed(self) -> dict[str, Any]:
        """The one stream with picture and sound."""
        size, _, _ = self._measure(MUXED, dub=False)
        return {
            "itag": MUXED,
            "url": self._address(MUXED, "video/mp4", size),
            "mimeType": 'video/mp4; codecs="avc1.42001E, mp4a.40.2"',
            "bitrate": 290_000,
            "width": 640,
            "height": 360,
            "lastModified": self._modified(MUXED),
            "contentLength": str(size),
            "quality": "medium",
            "fps": 25,
            "qualityLabel": "360p",
            "projectionType": "RECTANGULAR",
            "averageBitrate": 290_000,
            "audioQuality": "AUDIO_QUALITY_LOW",
            "approxDurationMs": str(self._video.length_ms),
            "audioSampleRate": "44100",
            "audioChannels": 2,
        }

    def server_driven(self) -> str:
        """`serverAbrStreamingUrl`: where a client asks that lets the server choose (SABR)."""
        return self._signed("", "&sabr=1&rqh=1")

    def manifest(self, itag: int = 0) -> str:
        """The address of the HLS manifest, or of the playlist of one stream."""
        ytid = self._video.ytid
        fields = {
            "expire": EXPIRES,
            "ei": self._ei,
            "ip": IP,
            "id": ytid + noise(f"hls {ytid}", 5),
            **{
                "source": "youtube",
                "requiressl": "yes",
                "xpc": noise("xpc", 12),
                "playback_host": MEDIA_HOST,
            },
            **_ROUTE,
            **{"hfr": "1", "demuxed": "1", "tts_caps": "1", "maudio": "1", "initcwndbps": "3407500"},
            **{"bui": noise("bui", 80), "spc": noise("spc", 44), "vprv": "1", "go": "1", "rqh": "5"},
            **{
                "mt": "1780870155",
                "fvip": "5",
                "nvgoi": "1",
                "short_key": "1",
                "ncsapi": "1",
                "keepalive": "yes",
            },
            **{"fexp": noise("fexp", 17), "dover": "13", "itag": str(itag), "playlist_type": "DVR"},
            "sparams": "expire,ei,ip,id,source,requiressl,xpc,hfr,demuxed,maudio,bui,spc,vprv,go,rqh,itag",
            "sig": noise(f"hls sig {ytid}", 100),
            "lsparams": ",".join(("playback_host", *_ROUTE, "initcwndbps")),
            "lsig": noise(f"hls lsig {ytid}", 100),
        }
        path = "/".join(f"{name}/{quote(value, safe='')}" for name, value in fields.items())
        kind, file = ("playlist", "playlist") if itag else ("variant", "file")
        return f"https://{MANIFEST_HOST}/api/manifest/hls_{kind}/{path}/{file}/index.m3u8"

    def segment(self) -> str:
        """The address of the file that the playlists of the manifest lead to."""
        size, _, _ = self._measure(140, dub=False)
        return self._address(140, "audio/mp4", size)

    def _sound(self, sound: _Sound, track: Track | None, drc: bool) -> dict[str, Any]:
        dub = track is not None and track.content != "original"
        size, index, media = self._measure(sound.itag, dub)
        mime = sound.mime
        tags = {"acont": track.content, "lang": track.language} if track else {"drc": "1"} if drc else {}
        stream: dict[str, Any] = {
            "itag": sound.itag,
            "url": self._address(sound.itag, mime, size, tags),
            "mimeType": f'{mime}; codecs="{sound.codec}"',
            "bitrate": sound.bitrate,
            **_ranges(index, media),
            "lastModified": self._modified(sound.itag),
            "contentLength": str(size),
            "quality": "tiny",
            **({"xtags": _packed(tags)} if tags else {}),
            "projectionType": "RECTANGULAR",
        }
        if track:
            number = 4 if track.content == "original" else 3
            stream["audioTrack"] = {
                "displayName": track.name,
                "id": f"{track.language}.{number}",
                "audioIsDefault": track.content == "original",
            }
        stream |= {
            "averageBitrate": sound.average,
            "audioQuality": f"AUDIO_QUALITY_{sound.quality}",
            "approxDurationMs": str(self._video.length_ms),
            "audioSampleRate": "48000",
            "audioChannels": 2,
            "loudnessDb": -4.2700005,
            "trackAbsoluteLoudnessLkfs": -18.27,
            **({"isDrc": True} if drc else {}),
            "qualityOrdinal": "QUALITY_ORDINAL_UNKNOWN",
        }
        return stream

    def _picture(self, picture: _Picture) -> dict[str, Any]:
        size = picture.bitrate * self._video.length_ms // 8_000
        mime = "video/webm" if picture.codec == "vp9" else "video/mp4"
        return {
            "itag": picture.itag,
            "url": self._address(picture.itag, mime, size),
            "mimeType": f'{mime}; codecs="{picture.codec}"',
            "bitrate": picture.bitrate,
            "width": picture.width,
            "height": picture.height,
            **_ranges(739, 739 + 12 * (self._video.length_ms // 5_000 + 3)),
            "lastModified": self._modified(picture.itag),
            "contentLength": str(size),
            "quality": picture.quality,
            "fps": 25,
            "qualityLabel": f"{picture.height}p",
            "projectionType": "RECTANGULAR",
            "averageBitrate": picture.bitrate * 4 // 5,
            "approxDurationMs": str(self._video.length_ms),
            "qualityOrdinal": f"QUALITY_ORDINAL_{picture.height}P",
        }

    def _measure(self, itag: int, dub: bool) -> tuple[int, int, int]:
        """Size of a file, where its index begins, and where its media begin."""
        key = (_FILE_OF[itag], dub)
        if key not in self._measured:
            file = self._studio.file(dubbed(self._video) if dub else self._video, _FILES[key[0]])
            self._measured[key] = (len(file), *_index_of(file))
        return self._measured[key]

    def _modified(self, itag: int) -> str:
        return f"{self._made}{itag:03d}"

    def _address(self, itag: int, mime: str, size: int, tags: dict[str, str] | None = None) -> str:
        xtags = f"&xtags={quote(':'.join(f'{name}={value}' for name, value in tags.items()))}" if tags else ""
        return self._signed(
            f"&itag={itag}",
            f"{self._bui}{xtags}&mime={mime.replace('/', '%2F')}&rqh=1&gir=yes&clen={size}"
            f"&dur={self._seconds}&lmt={self._modified(itag)}",
        )

    def _signed(self, which: str, what: str) -> str:
        """An address with the recorded parameters in order, `which` and `what` between the common ones."""
        signature = f"&sig=AJ{noise(f'sig {self._video.ytid}{which}{what}', 98)}"
        return f"{self._before}{which}{self._between}{what}{self._behind}{signature}{self._route}"


def ciphered(stream: dict[str, Any]) -> dict[str, Any]:
    """A stream whose address has to be deciphered with the player's script first."""
    bare, _, signature = stream["url"].partition("&sig=")
    cipher = urlencode({"s": signature[:104], "sp": "sig", "url": bare})
    return {name: value for name, value in stream.items() if name != "url"} | {"signatureCipher": cipher}


def asked_for(target: str) -> tuple[str, Format | None, bool, bool]:
    """What a media address leads to.

    Returns:
        The video's id or "", the format of the file or None, whether it is `MUXED`, whether it is a dub.
    """
    query = parse_qs(urlsplit(target).query)
    given = query.get("id", [""])[0]
    opaque = _OPAQUE.fullmatch(given)
    ytid = opaque[1] if opaque else given if YTID.fullmatch(given) else ""
    itag = query.get("itag", [""])[0]
    file = _FILE_OF.get(int(itag)) if itag.isdecimal() and len(itag) < 5 else None
    dub = "acont=dubbed" in query.get("xtags", [""])[0]
    return ytid, _FILES[file] if file else None, itag == str(MUXED), dub


def _ranges(index: int, media: int) -> dict[str, Any]:
    return {
        "initRange": {"start": "0", "end": str(index - 1)},
        "indexRange": {"start": str(index), "end": str(media - 1)},
    }


def _index_of(file: VirtualFile) -> tuple[int, int]:
    """Where a file's index begins, and where it ends; the same place twice in a file without one."""
    head = next(file.read(0, len(file)))
    if head[4:8] == b"ftyp":
        at = 0
        while at < len(head) and head[at + 4 : at + 8] != b"sidx":
            at += struct.unpack_from(">I", head, at)[0]
    else:
        at = head.find(_CUES)
    return at if at >= 0 else len(head), len(head)


def _packed(tags: dict[str, str]) -> str:
    """Tags as YouTube packs them: a protocol buffer of pairs, in base64 without padding."""
    packed = b""
    for name, value in tags.items():
        pair = b"\n" + bytes([len(name)]) + name.encode() + b"\x12" + bytes([len(value)]) + value.encode()
        packed += b"\n" + bytes([len(pair)]) + pair
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")

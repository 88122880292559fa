"""The recorded shape of an answer: all that stands around the streams, rebuilt at its real size.

What YouTube sends a player besides addresses makes up most of an answer, and a client has to read it all. The
structure and the lengths are those of answers recorded in 2026; the values are made up. What is the same for
every video is written once, as text with marks in it.
"""

import base64
import hashlib
import json
from functools import cache, lru_cache
from typing import Any

ID, EI, SECONDS = "<id>", "<ei>", "<seconds>"
"""Marks in the prepared text: the video's id, the answer's own token, the length in seconds."""

EXPIRES = "4102444800"
"""When addresses cease to work: far ahead, so that an answer is the same whenever it is given."""

IP = "198.51.100.7"
"""The client's own address, which YouTube repeats again and again: one that is kept for documentation."""

TRANSLATIONS = (
    "ab aa af ak sq am ar hy as ay az bn ba eu be bho bs br bg my ca ceb zh-Hans zh-Hant co hr cs da dv "
    "nl dz en eo et ee fo fj fil fi fr gaa gl lg ka de el gn gu ht ha haw iw hi hmn hu is ig id iu ga it "
    "ja jv kl kn kk kha km rw ko kri ku ky lo la lv ln lt lua luo lb mk mg ms ml mt gv mi mr mn mfe ne "
    "new nso no ny oc or om os pam ps fa pl pt pt-PT pa qu ro rn ru sm sg sa gd sr crs sn sd si sk sl so "
    "st es su sw ss sv tg ta tt te th bo ti to ts tn tum tr tk uk ur ug uz ve vi war cy fy wo xh yi yo zu "
)
"""Languages into which YouTube translates captions, with blanks between."""

_COUNTRIES = 249


@lru_cache(maxsize=1024)
def noise(key: str, length: int) -> str:
    """Text as tokens and signatures are made of, always the same for a key."""
    raw = hashlib.shake_128(key.encode()).digest(length * 3 // 4 + 3)
    return base64.urlsafe_b64encode(raw)[:length].decode()


def visitor_data(key: str) -> str:
    """A visitor id: a quoted message in base64, as long as recorded ones."""
    return f"Cgt{noise(f'visitor {key}', 511)}%3D%3D"


def visitor(key: str) -> bytes:
    """The answer to `youtubei/v1/visitor_id`."""
    context = {"visitorData": visitor_data(key), "maxAgeSeconds": 0}
    return json.dumps({"responseContext": context}).encode()


def surroundings(ytid: str, seconds: int, tracks: tuple[str, ...], client: str) -> dict[str, str]:
    """What stands around the streams of a playable video, as JSON text by key.

    Args:
        seconds: the length of the video.
        tracks: languages of its sound, the original one last; empty if it has but one, without a name.
        client: who asks, by the name it gives itself.
    """
    ei = noise(f"ei {ytid}", 23)
    texts = {
        "playbackTracking": _tracking(client),
        "captions": _captions(tracks),
        "playerConfig": _config(),
        "storyboards": storyboards(ytid, seconds),
        "trackingParams": f'"{noise(f"tracking {ytid}", 44)}"',
        "attestation": _attestation(),
        "adBreakHeartbeatParams": '"Q0FB"',
    }
    return {
        name: text.replace(ID, ytid).replace(EI, ei).replace(SECONDS, str(seconds))
        for name, text in texts.items()
    }


def storyboards(ytid: str, seconds: int) -> str:
    """Where the pictures for the time line are; yt-dlp lists them among the formats."""
    step = next(step for step in (1, 2, 5, 10) if seconds <= 120 * step or step == 10)
    count = max(1, seconds // step)
    spec = "|".join(
        (
            f"https://i.ytimg.com/sb/{ytid}/storyboard3_L$L/$N.jpg?sqp={noise(f'sqp {ytid}', 220)}",
            f"48#27#100#10#10#0#default#rs${noise(f'sb0 {ytid}', 34)}",
            f"80#45#{count}#10#10#{step * 1000}#M$M#rs${noise(f'sb1 {ytid}', 34)}",
            f"160#90#{count}#5#5#{step * 1000}#M$M#rs${noise(f'sb2 {ytid}', 34)}",
        )
    )
    return json.dumps({"playerStoryboardSpecRenderer": {"spec": spec, "recommendedLevel": 2}})


def details(ytid: str, title: str, seconds: int) -> dict[str, Any]:
    """What every client learns of a video, playable or not."""
    return {
        "videoId": ytid,
        "title": title,
        "lengthSeconds": str(seconds),
        "keywords": ["loopback", "simulated sound"],
        # Each video has a channel of its own.
        "channelId": f"UC{ytid}{ytid}",
        "isOwnerViewing": False,
        "shortDescription": f"Recorded on loopback.\n\n{noise(f'description {ytid}', 400)}",
        "isCrawlable": True,
        "thumbnail": {
            "thumbnails": [
                {
                    "url": f"https://i.ytimg.com/vi/{ytid}/{name}.jpg?sqp={noise(name, 99)}",
                    "width": width,
                    "height": width * 9 // 16,
                }
                for name, width in (("mqdefault", 320), ("hq720", 1280))
            ]
        },
        "allowRatings": True,
        "viewCount": "1",
        "author": "The simulator",
        "isPrivate": False,
        "isUnpluggedCorpus": False,
        "isLiveContent": False,
        "isTvfilmVideo": False,
    }


def microformat(details: dict[str, Any]) -> dict[str, Any]:
    """What a watch page says of a video besides, from its `details`."""
    return {
        "playerMicroformatRenderer": {
            "thumbnail": {"thumbnails": details["thumbnail"]["thumbnails"][1:]},
            "embed": {
                "iframeUrl": f"https://www.youtube.com/embed/{details['videoId']}",
                "width": 1280,
                "height": 720,
            },
            "title": {"simpleText": details["title"]},
            "description": {"simpleText": details["shortDescription"]},
            "lengthSeconds": details["lengthSeconds"],
            "ownerProfileUrl": "http://www.youtube.com/@loopback",
            "externalChannelId": details["channelId"],
            "isFamilySafe": True,
            "availableCountries": [f"{chr(65 + n // 26)}{chr(65 + n % 26)}" for n in range(_COUNTRIES)],
            "isUnlisted": False,
            "hasYpcMetadata": False,
            "viewCount": details["viewCount"],
            "category": "Music",
            "publishDate": "2011-05-16T07:50:53-07:00",
            "ownerChannelName": details["author"],
            "uploadDate": "2011-05-16T07:50:53-07:00",
            "isShortsEligible": False,
            "externalVideoId": details["videoId"],
            "canonicalUrl": f"https://www.youtube.com/watch?v={details['videoId']}",
        }
    }


@cache
def _tracking(client: str) -> str:
    common = f"cl=900000000&docid={ID}&ei={EI}&fexp={noise('fexp', 1_953)}&ns=yt&plid=AAZ{noise('plid', 13)}"
    more = f"el=detailpage&len={SECONDS}&of={noise('of', 22)}&vm={noise('vm', 207)}"
    stats = "https://s.youtube.com/api/stats"
    texts: dict[str, Any] = {
        f"videostats{name}Url": {"baseUrl": f"{stats}/{name.lower()}?{common}&{more}"}
        for name in ("Playback", "Delayplay", "Watchtime")
    }
    texts["ptrackingUrl"] = {
        "baseUrl": f"https://www.youtube.com/ptracking?ei={EI}&plid={noise('plid', 16)}&ptk=x&video_id={ID}"
    }
    texts["qoeUrl"] = {"baseUrl": f"{stats}/qoe?{common}&event=streamingstats"}
    texts["atrUrl"] = {
        "baseUrl": f"{stats}/atr?c={client}&docid={ID}&ei={EI}&len={SECONDS}&vm={noise('vm', 207)}",
        "elapsedMediaTimeSeconds": 5,
    }
    texts["videostatsScheduledFlushWalltimeSeconds"] = [10, 20, 30]
    texts["videostatsDefaultFlushIntervalSeconds"] = 300
    for name, path in (("youtube", "www.youtube.com/pagead"), ("google", "www.google.com/pagead")):
        texts[f"{name}RemarketingUrl"] = {
            "baseUrl": f"https://{path}/1p-user-list/0/?data={noise(name, 270)}",
            "elapsedMediaTimeSeconds": 0,
        }
    return json.dumps(texts)


@cache
def _captions(tracks: tuple[str, ...]) -> str:
    languages = tracks or ("en",)
    listed = [
        {
            "baseUrl": f"https://www.youtube.com/api/timedtext?v={ID}&ei={EI}&caps=asr&opi=112496729&xoaf=5"
            f"&hl=en_US&ip={IP}&ipbits=0&expire={EXPIRES}&sparams=ip%2Cipbits%2Cexpire%2Cv%2Cei%2Ccaps%2Copi"
            f"%2Cxoaf&signature={noise(f'caption {language}', 81)}&key=yt8&kind=asr&lang={language}",
            "name": {"runs": [{"text": f"{language} (auto-generated)"}]},
            "vssId": f"a.{language}",
            "languageCode": language,
            "kind": "asr",
            "isTranslatable": True,
            "trackName": "",
        }
        for language in languages
    ]
    texts = {
        "captionTracks": listed,
        "audioTracks": [{"captionTrackIndices": list(range(len(listed)))} for _ in languages],
        "translationLanguages": [
            {"languageCode": code, "languageName": {"runs": [{"text": f"Tongue {code}"}]}}
            for code in TRANSLATIONS.split()
        ],
        "defaultAudioTrackIndex": len(languages) - 1,
    }
    return json.dumps({"playerCaptionsTracklistRenderer": texts})


@cache
def _config() -> str:
    player = {f"knob{number}": {"enable": True, "readaheadMs": 1_000 + number} for number in range(90)}
    texts = {
        "audioConfig": {
            "perceptualLoudnessDb": -18.27,
            "enablePerFormatLoudness": True,
            "trackAbsoluteLoudnessLkfs": -18.27,
            "loudnessTargetLkfs": -14,
        },
        "hamplayerConfig": player,
        "mediaCommonConfig": {
            "dynamicReadaheadConfig": {"maxReadAheadMediaTimeMs": 60_000, "minReadAheadMediaTimeMs": 15_000},
            "mediaUstreamerRequestConfig": {"videoPlaybackUstreamerConfig": noise("ustreamer", 3_300)},
            "useServerDrivenAbr": True,
        },
    }
    return json.dumps(texts)


@cache
def _attestation() -> str:
    return json.dumps({"playerAttestationRenderer": {"challenge": f"a=6&c={noise('challenge', 110)}"}})

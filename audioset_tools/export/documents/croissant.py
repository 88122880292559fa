"""Croissant: what a data set is, in JSON-LD that programs read; data set papers are asked for it.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html, and the RAI vocabulary beside it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ...manifest.licences import AUDIOSET, CC_BY, HOME
from ...shards.dataset import HEADER
from ...words import utc
from ..examples import Exported
from ..part import FileThere
from . import words

CROISSANT = "croissant.json"

_CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]

_TERMS = (
    *(
        "arrayShape",
        "citeAs",
        "column",
        "containedIn",
        "equivalentProperty",
        "extract",
        "field",
        "fileProperty",
    ),
    *("fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5"),
    *("parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate"),
    *("separator", "source", "subField", "transform"),
)

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    **{term: f"cr:{term}" for term in _TERMS},
}

_PARQUET, _CSV = "application/x-parquet", "text/csv"

_SPLIT_OF_A_FILE = "data/([a-z]+)-.*"

_WHOLE = "parquet"
"""All files of parquet together."""

_CLIPS = "clips"
"""The record set with a clip a record."""


def croissant_of_parquet(data: Exported, files: Mapping[str, FileThere]) -> dict[str, Any]:
    """Of an export for the Hub.

    Args:
        files: all its files; those of parquet are told with their digests.
    """
    shards = [_file(name, _PARQUET, one) for name, one in files.items() if name.endswith(".parquet")]
    whole = {
        "@type": "cr:FileSet",
        "@id": _WHOLE,
        "description": "All files of parquet, a clip a row.",
        "encodingFormat": _PARQUET,
        "includes": "data/*.parquet",
    }
    audio = _column("audio", "sc:AudioObject", "The bytes of the clip's WAV file.")
    audio["source"]["transform"] = {"jsonPath": "bytes"}
    of_name = {
        "fileSet": {"@id": _WHOLE},
        "extract": {"fileProperty": "fullpath"},
        "transform": {"regex": _SPLIT_OF_A_FILE},
    }
    fields = [
        audio,
        _column("label", "sc:Integer", "Numbers of its targets, see there.", data.multi_label),
        _field("split", "sc:Text", "Train, validation or test.", of_name),
        _column("key", "sc:Text", "Names the video, and where the clip starts in it, in milliseconds."),
        _column("video_id", "sc:Text", "The video on YouTube."),
        _column("start", "sc:Float", "Where the segment starts in its video, in seconds."),
        _column("end", "sc:Float", "Where it ends, in seconds."),
        _column("labels", "sc:Text", "All that the lists say of it.", array=True),
        _column("human_labels", "sc:Text", "The same in words.", array=True),
        _column("sha256", "sc:Text", "Of the clip's WAV file."),
    ]
    return _document(data, [whole, *shards], fields)


def _column(name: str, kind: str, description: str, array: bool = False) -> dict[str, Any]:
    """A field that is a column of the files of parquet."""
    return _field(name, kind, description, {"fileSet": {"@id": _WHOLE}, "extract": {"column": name}}, array)


def croissant_of_table(data: Exported, table: FileThere, name: str = "dataset.csv") -> dict[str, Any]:
    """Of a data set without its sound: the table of its clips, as `dataset.csv` has it.

    Args:
        table: the file's size and digest.
        name: what it is called, beside the document.
    """
    described = {
        "key": "Names the video, and where the clip starts in it, in milliseconds.",
        "class": "The class that it was drawn for.",
        "also": "Other classes that it carries, between semicolons.",
        "split": "Train, validation or test.",
        "path": "The clip's file in the workspace that it was made in.",
        "sha256": "Of the clip's WAV file.",
        "labels": "All that the lists say of it, between semicolons.",
        "group": "What stays in one split together.",
    }
    fields = [
        _field(one, "sc:Text", described[one], {"fileObject": {"@id": name}, "extract": {"column": one}})
        for one in HEADER
    ]
    return _document(data, [_file(name, _CSV, table)], fields)


def _file(name: str, form: str, one: FileThere) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{one.bytes} B",
        "encodingFormat": form,
        "sha256": one.sha256,
    }


def _field(
    name: str, kind: str, description: str, source: Mapping[str, Any], array: bool = False
) -> dict[str, Any]:
    shape = {"isArray": True, "arrayShape": "-1"} if array else {}
    return {
        "@type": "cr:Field",
        "@id": f"{_CLIPS}/{name}",
        "name": name,
        "description": description,
        "dataType": kind,
        **shape,
        "source": dict(source),
    }


def _document(
    data: Exported, distribution: Iterable[Mapping[str, Any]], fields: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    day = utc(data.complete_at)[:10]
    clips = {
        "@type": "cr:RecordSet",
        "@id": _CLIPS,
        "name": _CLIPS,
        "description": "A clip a record.",
        "key": {"@id": f"{_CLIPS}/key"},
        "field": list(fields),
    }
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": words.title(data),
        "description": f"{words.summary(data)} {words.collected(data)}",
        "conformsTo": _CONFORMS_TO,
        "version": f"1.0.0+{words.clips_digest(data)[:12]}",
        "dateCreated": day,
        "datePublished": day,
        **_whose(data),
        "isLiveDataset": False,
        **_responsible(data, day),
        "distribution": list(distribution),
        "recordSet": [clips, _targets(data)],
    }


def _whose(data: Exported) -> dict[str, Any]:
    """Who made what of it, and what it may be used for."""
    if not words.of_audioset(data):
        return {"license": [words.licences()], "keywords": ["audio classification"]}
    google = {"@type": "Organization", "name": "Google Inc. (AudioSet's segments and labels)", "url": HOME}
    return {
        "creator": google,
        "url": HOME,
        "license": [CC_BY, words.licences()],
        "citeAs": AUDIOSET,
        "keywords": ["audio classification", "AudioSet"],
    }


def _targets(data: Exported) -> dict[str, Any]:
    """What the numbers of targets mean."""
    kinds = {"index": "sc:Integer", "name": "sc:Text"} | ({"mid": "sc:Text"} if data.target_mids else {})
    columns = [range(len(data.target_names)), data.target_names, data.target_mids]
    return {
        "@type": "cr:RecordSet",
        "@id": "targets",
        "name": "targets",
        "description": "What the numbers of targets mean.",
        "key": {"@id": "targets/index"},
        "field": [
            {"@type": "cr:Field", "@id": f"targets/{name}", "name": name, "dataType": kind}
            for name, kind in kinds.items()
        ],
        "data": [
            {f"targets/{name}": value for name, value in zip(kinds, row, strict=True)}
            for row in zip(*columns[: len(kinds)], strict=True)
        ],
    }


def _responsible(data: Exported, day: str) -> dict[str, Any]:
    """What the RAI vocabulary asks: where it comes from, who labelled it, what is wrong with it."""
    return {
        "rai:dataCollection": words.collected(data),
        "rai:dataCollectionType": ["Secondary data analysis", "Web scraping"],
        "rai:dataCollectionMissingData": words.MISSING,
        "rai:dataCollectionRawData": "The sound tracks of the videos, as they were uploaded and encoded.",
        "rai:dataCollectionTimeFrame": [day],
        "rai:dataPreprocessingProtocol": [words.PROCESSED],
        "rai:dataAnnotationProtocol": [words.annotated(data)],
        "rai:dataBiases": [words.biased(data)],
        "rai:dataLimitations": [words.LIMITED],
        "rai:dataUseCases": [words.USED_FOR],
        "rai:personalSensitiveInformation": [words.PERSONAL],
        "rai:dataSocialImpact": words.IMPACT,
        "rai:dataReleaseMaintenancePlan": words.MAINTAINED,
    }

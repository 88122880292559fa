"""What stands around the streams: the same for a video every time, at the size of recorded answers."""

import json

from audioset_tools.simulator import shape

YTID = "aaaaaaaaaaA"


def test_what_stands_around_is_json_and_has_no_marks_left() -> None:
    parts = shape.surroundings(YTID, 60, ("de", "en"), "VISIONOS")
    for name, text in parts.items():
        assert json.loads(text) is not None, name
        assert not [mark for mark in (shape.ID, shape.EI, shape.SECONDS) if mark in text], name
    assert parts == shape.surroundings(YTID, 60, ("de", "en"), "VISIONOS")
    assert YTID in parts["playbackTracking"] and YTID not in "".join(
        shape.surroundings("bbbbbbbbbbA", 60, ("de", "en"), "VISIONOS").values()
    )


def test_made_up_text_belongs_to_its_key() -> None:
    assert shape.noise("a", 40) == shape.noise("a", 40) != shape.noise("b", 40)
    assert [len(shape.noise("a", length)) for length in (1, 40, 511)] == [1, 40, 511]


def test_a_long_video_has_no_more_pictures_on_its_time_line_than_ten_seconds_apart() -> None:
    for seconds, step in ((60, 1), (200, 2), (500, 5), (9_000, 10)):
        spec = json.loads(shape.storyboards(YTID, seconds))["playerStoryboardSpecRenderer"]["spec"]
        assert f"#{seconds // step}#" in spec

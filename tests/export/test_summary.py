"""An export in words."""

from pathlib import Path

from audioset_tools.export.summary import export_json, export_line, export_table, remarks
from audioset_tools.export.write import ExportResult

DONE = ExportResult(
    folder=Path("out"),
    files=12,
    made=2,
    kept=1,
    missing=0,
    bytes=3_400_000,
    clips={"train": 1_000, "test": 9},
    targets=527,
    left_out={f"/m/0{number}": 10 - number for number in range(7)},
    notes=("7 clips are upsampled",),
)


def test_the_table_has_the_clips_of_each_split() -> None:
    table = export_table(DONE)
    assert export_line(DONE) == "12 files in out (2 made, 1 kept, 3.4 MB)"
    assert table.rows == (("train", "1,000"), ("test", "9"))


def test_what_was_left_out_is_named() -> None:
    upsampled, left_out = remarks(DONE)
    assert upsampled == "7 clips are upsampled"
    assert left_out == (
        "left out, since they are none of the 527 labels: /m/00 (10 clips), /m/01 (9 clips), "
        "/m/02 (8 clips), /m/03 (7 clips), /m/04 (6 clips) and 2 more"
    )


def test_a_program_gets_all_of_it() -> None:
    assert export_json(DONE)["left_out"] == DONE.left_out
    assert export_json(DONE)["clips"] == {"train": 1_000, "test": 9}

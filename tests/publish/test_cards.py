"""What a published folder says of itself can be read by programs, and no stranger's word steers it."""

import json
import re
from pathlib import Path

from audioset_tools.export.examples import read_exported
from audioset_tools.publish.cards import citation, data_card, model_card
from audioset_tools.runs.folder import read_config, read_metrics
from audioset_tools.workspace import Workspace
from tests.export.conftest import LABELS
from tests.publish.conftest import RUN


def test_the_data_card_says_how_to_make_it_again_and_whose_it_is(
    publishable: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "class_labels_indices.csv").write_text(LABELS)
    data = read_exported(publishable, "classes", tmp_path)
    card = data_card(data, "<script>Tones|", with_audio=False)
    assert card.startswith("# \\<script>Tones\\|\n")
    for words in (
        "fetch --list manifest.json",
        "10 clips",
        "CC BY 4.0",
        "gemmeke2017audioset",
        "python tables.py",
    ):
        assert words in card
    assert "audio.csv" in data_card(data, "Tones", with_audio=True) and "audio.csv" not in card


def test_a_model_card_has_the_figures_of_its_run(publishable: Workspace) -> None:
    run = publishable.runs / RUN
    card = model_card("svm", read_config(run), read_metrics(run))
    metrics = json.loads((run / "metrics.json").read_text())["test"]
    (macro,) = re.findall(r"^\| Total \(macro\) \| (.*) \|$", card, re.MULTILINE)
    assert [float(cell) for cell in macro.split(" | ")] == [
        round(100 * metrics["macro"][name], 2) for name in ("precision", "recall", "f1")
    ]
    assert "never a pickle" in card and "--run runs/svm" in card
    sections = re.findall(r"^## (.*)$", card, re.MULTILINE)
    test = f"On {metrics['clips']} test clips"
    assert sections == ["What it is for", test, "What it learned from", "What to mind"]
    assert "mono at 16,000 Hz" in card and "not for decisions about people" in card


def test_a_citation_names_its_authors_in_quotes() -> None:
    text = citation('Tones "and" noise: \n- more', ["Ada Lovelace", "o'Neil: x"])
    assert 'title: "Tones \\"and\\" noise: \\\\n- more"' in text
    assert '  - name: "Ada Lovelace"\n  - name: "o\'Neil: x"\n' in text
    assert text.startswith("cff-version: 1.2.0\n")

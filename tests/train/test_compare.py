"""Runs beside one another, and `train --model all`."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from audioset_tools.cli import run as command
from audioset_tools.errors import AudiosetToolsError, DataMismatch, EnvironmentProblem, UsageError
from audioset_tools.train import every
from audioset_tools.train.compare import compare, compare_table, remarks, write_comparison
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.every import finished_run, train_every
from audioset_tools.train.fit import fit_baseline
from audioset_tools.train.folder import Epoch, Trial, write_about, write_csv, write_history
from audioset_tools.workspace import Workspace

from .small import CLASSES, about, place, write


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take most of the time of a small run, and test_evaluate.py has them."""
    monkeypatch.setattr("audioset_tools.train.folder.draw_confusion", lambda *args: None)


def a_run(
    folder: Path,
    model: str,
    f1: tuple[float, float, float],
    *,
    history: list[Epoch] | list[Trial],
    mean_ap: float | None = None,
    clips: int = 3,
    classes: tuple[str, ...] = CLASSES,
) -> Path:
    """A folder as a finished run leaves it, as far as a comparison looks."""
    macro = sum(f1) / 3
    test = {
        "macro": {"f1": macro} | ({} if mean_ap is None else {"map": mean_ap}),
        "micro": {"f1": macro - 0.01},
        "classes": {name: {"f1": value} for name, value in zip(classes, f1, strict=True)},
        "intervals": {"macro": {"f1": [macro - 0.1, macro + 0.1]}},
    }
    write_about(folder, about(config={"model": model}, class_names=classes))
    write_history(folder, history)
    write_csv(folder / "predictions.csv", ["key"], [[f"-clip_{n}"] for n in range(clips)])
    content = {"best_epoch": 1, "parameters": 1_234, "test": test}
    (folder / "metrics.json").write_text(json.dumps(content))
    return folder


EPOCHS = [Epoch(n, 1.0, 0.5, 1.0, 0.5, 100.0, 80.0) for n in (1, 2)]
TRIALS = [Trial(1, "k 1", 1.0, 0.5, 1.25)]


def test_the_table_is_the_one_expected(tmp_path: Path) -> None:
    runs = [
        a_run(tmp_path / "knn", "knn", (0.5, 0.6, 0.7), history=TRIALS),
        a_run(tmp_path / "paper,lr=1", "paper", (0.9, 0.8, 0.7), history=EPOCHS),
    ]
    table = compare_table(compare([*runs, runs[0]]))
    assert table.title == "F1 in % on 3 test clips"
    assert table.header == (
        "run", "parameters", "best of", "time", "macro", "95 %", "micro", *CLASSES,
    )  # fmt: skip
    assert table.rows == (
        ("paper,lr=1", "1,234", "1 of 2", "3.3 min", "80.00", "70.0 to 90.0", "79.00",
         "90.00", "80.00", "70.00"),
        ("knn", "1,234", "1 of 1", "1.2 s", "60.00", "50.0 to 70.0", "59.00",
         "50.00", "60.00", "70.00"),
    )  # fmt: skip
    write_comparison(tmp_path / "table.csv", compare(runs))
    with (tmp_path / "table.csv").open() as handle:
        first = next(csv.DictReader(handle))
    assert first["model"] == "paper" and first["seconds"] == "200.0" and first["map"] == ""
    assert float(first["f1 Piano"]) == 0.9 and first["test_clips"] == "3"


def test_several_classes_at_once_have_their_map(tmp_path: Path) -> None:
    runs = [
        a_run(tmp_path / name, "knn", (0.5, 0.5, 0.5), history=TRIALS, mean_ap=value)
        for name, value in (("b", 0.25), ("a", None))
    ]
    table = compare_table(compare(runs))
    assert [row[0] for row in table.rows] == ["a", "b"]
    assert table.header[-1] == "mAP" and [row[-1] for row in table.rows] == ["", "0.250"]


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    one = a_run(tmp_path / "a", "knn", (0.5, 0.5, 0.5), history=TRIALS)
    more = a_run(tmp_path / "b", "knn", (0.5, 0.5, 0.5), history=TRIALS, clips=4)
    assert not remarks(compare([one]))
    assert "different clips" in remarks(compare([one, more]))[0]
    other = a_run(tmp_path / "c", "knn", (0.5, 0.5, 0.5), history=TRIALS, classes=("a", "b", "c"))
    with pytest.raises(DataMismatch, match="other classes"):
        compare([one, other])
    for name, damage in (
        ("metrics.json", "{}"),
        ("metrics.json", '{"test": []}'),
        ("metrics.json", "no"),
        ("predictions.csv", "a,b\n1,2\n"),
        ("predictions.csv", None),
    ):
        path = one / name
        before = path.read_text()
        path.unlink() if damage is None else path.write_text(damage)
        with pytest.raises(DataMismatch, match=name):
            compare([one])
        path.write_text(before)
    compare([one])


def settings_of(workspace: Workspace, seen: list[str]) -> Callable[[TrainConfig], Path]:
    """A trainer: baselines are fitted, networks fail in different ways."""

    def train_one(config: TrainConfig) -> Path:
        seen.append(config.model)
        if config.model == "paper":
            raise UsageError("too small", "Larger.")
        if config.model == "rnn":
            raise EnvironmentProblem("no device", "Another.")
        return fit_baseline(workspace, config, lambda trial: None).path

    return train_one


def test_one_that_fails_stops_no_other_and_a_finished_one_is_kept(tmp_path: Path) -> None:
    workspace = place(tmp_path)
    seen: list[str] = []
    told: list[tuple[str, Path | None]] = []
    failed: list[tuple[str, AudiosetToolsError]] = []

    def go(**changes: object) -> every.Every:
        return train_every(
            workspace,
            TrainConfig(epochs=3, **changes),  # type: ignore[arg-type]
            settings_of(workspace, seen),
            lambda *turn: told.append(turn),
            lambda *failure: failed.append(failure),
            ["paper", "svm", "rnn", "knn"],
        )

    first = go()
    assert seen == ["paper", "svm", "rnn", "knn"]
    assert [path.name for path in first.runs] == ["svm", "knn"]
    assert [(model, error.exit_code) for model, error in first.failures] == [("paper", 2), ("rnn", 5)]
    assert first.exit_code == 5 and tuple(failed) == first.failures
    again = go()
    assert seen[4:] == ["paper", "rnn"] and again.runs == first.runs
    assert told[4:] == [("paper", None), ("svm", first.runs[0]), ("rnn", None), ("knn", first.runs[1])]
    assert [path.name for path in go(seed=1).runs] == ["svm,seed=1", "knn,seed=1"]
    with pytest.raises(UsageError, match="several"):
        go(name="mine")


def test_a_run_on_other_clips_or_classes_is_not_the_same(tmp_path: Path) -> None:
    workspace, config = place(tmp_path), TrainConfig(model="knn")
    fit_baseline(workspace, config, lambda trial: None)

    def found() -> Path | None:
        return finished_run(workspace.runs, config, every.MelShards(workspace.shards / "small", "test"))

    assert found() == workspace.runs / "knn"
    write(workspace.shards / "small", clips=(30, 12, 18))
    assert found() is None
    second = fit_baseline(workspace, config, lambda trial: None)
    assert found() == second.path == workspace.runs / "knn-2"
    write(workspace.shards / "small", clips=(30, 12, 18), digest="other")
    assert found() is None


def test_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Eight convolutions do not fit the small mels.
    monkeypatch.setattr(every, "MODELS", {"paper": every.MODELS["paper"]})
    place(tmp_path)
    root = ["--workspace", str(tmp_path)]
    assert command(["train", "--model", "all", "--epochs", "1", *root]) == 2
    out, err = capsys.readouterr()
    assert "paper: a mel of 12 x 24 is too small" in err
    assert all(name in out for name in ("svm", "gmm", "knn", "hmm", "F1 in %"))
    assert command(["train", "--model", "all", "--json", *root]) == 2
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert {run["model"] for run in told["runs"]} == {"svm", "gmm", "knn", "hmm"}
    assert list(told["failed"]) == ["paper"] and err.count("finished already") == 4
    assert command(["evaluate", "--compare", *root, "--csv", str(tmp_path / "t.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == told["runs"]
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 5
    assert command(["evaluate", "--compare", "svm", "hmm", *root]) == 0
    assert "knn" not in capsys.readouterr().out
    assert command(["evaluate", "--compare", "svm", "nix", *root]) == 6
    assert command(["train", "--model", "svm", "--resume", *root]) == 2

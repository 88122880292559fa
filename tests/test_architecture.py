"""The import rules of DESIGN section 2, and the size of modules."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "audioset_tools"
MODULES = sorted(PACKAGE.rglob("*.py"))

STAGES = {"catalog", "fetch", "featurize", "train", "report"}
ABOVE_STAGES = {
    *("cli", "demo", "doctor", "exclude", "forget", "inspect", "predict", "takeout", "verify", "__main__"),
}

MAY_SEE = {
    "catalog": {"ledger"},
    "fetch": {"ledger", "history", "upkeep"},
    "history": {"ledger", "schema"},
    "upkeep": {"ledger", "schema"},
    "featurize": set(),
    "train": {"featurize"},
    "report": {"ledger", "exclusions", "history", "schema", "catalog", "fetch", "featurize"},
    "simulator": set(),
    "__init__": {"featurize"},
}
"""What a part may import besides itself and the foundations."""

FOUNDATIONS = {
    *(
        "clock",
        "types",
        "errors",
        "workspace",
        "manifests",
        "findings",
        "figures",
        "ffmpeg_path",
        "__version__",
    ),
}

ONLY_DOOR = {
    "yt_dlp": {
        *("fetch/youtube.py", "fetch/connection.py", "fetch/extractor.py", "fetch/record.py"),
        *("fetch/stream.py", "fetch/versions.py"),
    },
    "ffmpeg": {"fetch/transcode.py"},
    "imageio_ffmpeg": {"ffmpeg_path.py"},
    "h5py": {"featurize/shard.py"},
    "librosa": {"featurize/mel.py"},
    "numba": {"featurize/compiled.py"},
    "sqlite3": {"ledger.py", "schema.py"},
    "rich": {"console.py"},
    "click": {"cli"},
    "torch": {"train"},
    "safetensors": {"train/weights.py"},
    "sklearn": {"train", "report/errors/agreement.py"},
    "hmmlearn": {"train/hmm.py"},
    "matplotlib": {"figures.py"},
    "jinja2": {"report/page.py"},
    "flask": {"report/errors/server.py"},
    "waitress": {"report/errors/server.py"},
    "pooch": {"catalog/official.py"},
    "trustme": {"simulator"},
}


def imports(path: Path) -> Iterator[str]:
    """Absolute names of all that a module imports, relative imports resolved."""
    package = ["audioset_tools", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            if node.module is None:
                yield from (f"{module}.{alias.name}" for alias in node.names)
            else:
                yield module


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_layer_may(path: Path) -> None:
    where = part(path)
    if where in ABOVE_STAGES:
        return
    for name in imports(path):
        if not name.startswith("audioset_tools"):
            continue
        seen = name.split(".")[1]
        allowed = MAY_SEE.get(where, {"schema"})
        assert seen in allowed | FOUNDATIONS | {where}, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_heavy_library_has_one_door(path: Path) -> None:
    relative = path.relative_to(PACKAGE)
    for name in imports(path):
        if doors := ONLY_DOOR.get(name.split(".")[0]):
            assert {str(relative), relative.parts[0]} & doors, f"{relative} imports {name}"


def test_train_sees_nothing_of_featurize_but_the_shard_reader() -> None:
    for path in (PACKAGE / "train").rglob("*.py"):
        seen = {name for name in imports(path) if name.startswith("audioset_tools.featurize")}
        assert seen <= {"audioset_tools.featurize.shard", "audioset_tools.featurize.reader"}, path


def test_report_sees_of_the_stages_only_what_says_how_far_they_are() -> None:
    status = {"pace", "rate", "spent", "status", "summary"}
    mels = {"audio", "dataset", "mel", "reader", "scale", "shard", "spec", "split", "statistics"}
    allowed = {
        f"audioset_tools.{stage}.{name}"
        for stage, names in (("fetch", status), ("featurize", mels))
        for name in names
    }
    for path in (PACKAGE / "report").rglob("*.py"):
        seen = {
            name
            for name in imports(path)
            if name.startswith(("audioset_tools.fetch", "audioset_tools.featurize"))
        }
        assert seen <= allowed, path


def test_stages_are_imported_by_a_command_only_inside_it() -> None:
    for path in (PACKAGE / "cli").glob("*.py"):
        tree = ast.parse(path.read_text())
        top = [node for node in tree.body if isinstance(node, ast.ImportFrom | ast.Import)]
        for node in top:
            module = getattr(node, "module", None) or ""
            assert not STAGES & set(module.split(".")) or module in STAGES, f"{path.name}: {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_is_at_most_450_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 450


def test_everything_public_has_a_docstring() -> None:
    bare = []
    for path in MODULES:
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            outer = [
                n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef) and n is not node
            ]
            hidden = [n for n in outer if isinstance(n, ast.FunctionDef) or n.name.startswith("_")]
            nested = any(node in ast.walk(n) for n in hidden)
            is_property = any(getattr(d, "id", "") == "property" for d in getattr(node, "decorator_list", []))
            if not nested and not is_property and ast.get_docstring(node) is None:
                bare.append(f"{path.relative_to(PACKAGE)}: {node.name}")
    assert not bare

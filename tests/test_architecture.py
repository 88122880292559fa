"""The plan of docs/architecture.md holds: what may import what, one door to each library, sizes, names."""

import ast
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import audioset_tools

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "audioset_tools"

LAYERS = [
    {"__init__", "exceptions", "types", "words", "clock", "installing"}
    | {"processes", "files", "disks", "locks", "workspace", "csvfile", "telling"},
    {"console", "plots", "pages", "compiled"},
    {"ledger", "audio"},
    {"archives", "tasks"},
    {"catalog", "sources", "shards"},
    {"runs"},
    {"manifest"},
    {"removal"},
    {"featurize"},
    {"verify"},
    {"fetch"},
    {"train", "inspect", "doctor", "offset"},
    {"audit", "export", "predict", "report"},
    {"errors", "publish"},
    {"simulator"},
    {"demo"},
    {"cli"},
    {"__main__"},
]
"""From the bottom up. A part imports parts of lower layers, and itself."""

FOUNDATIONS = LAYERS[0] | {"audio"}
"""All that the simulator may see: it stands for a world that knows nothing of us."""

SIMULATED = {"demo", "simulator"}
"""Who may see the simulator."""

TERMINAL = {"cli", "demo"}
"""Who may see the terminal: every stage runs in a notebook as well."""

DOORS = {
    "yt_dlp": {
        "sources/connection/connection",
        "sources/extractor",
        "sources/record",
        "sources/session",
        "sources/stream",
        "sources/versions",
        "sources/youtube",
    },
    "huggingface_hub": {"sources/hub/client"},
    "httpx2": {"sources/hub/client"},
    "ffmpeg": {"audio/ffmpeg"},
    "imageio_ffmpeg": {"audio/binary"},
    "distributed": {"tasks/cluster"},
    "h5py": {"archives/hdf5", "archives/hdf5_rows", "export/hdf5", "shards/shard", "shards/structure"},
    "av": {"audio/libav"},
    "soxr": {"audio/stretch"},
    "librosa": {"featurize/mel", "shards/spec"},
    "numba": {"compiled"},
    "sqlite3": {"ledger/ledger", "ledger/schema"},
    "csv": {"csvfile"},
    "tomllib": {"files", "simulator/plan"},
    "fcntl": {"locks"},
    "rich": {"console"},
    "click": {"cli"},
    "torch": {"train"},
    "safetensors": {"train/weights"},
    "sklearn": {"audit/folds", "train", "runs/metrics", "errors/table3"},
    "hmmlearn": {"train/baselines"},
    "matplotlib": {"plots"},
    "jinja2": {"pages"},
    "flask": {"errors/server"},
    "waitress": {"errors/connections"},
    "pyarrow": {"archives/parquet", "catalog/list_rows", "export/hf"},
    "pooch": {"catalog/official"},
    "trustme": {"simulator/server"},
    "onnxruntime": {"train/probe/tagger"},
    "ai_edge_litert": {"train/probe/tagger"},
}
"""The modules, or folders, through which a library or a system call is used."""

OF_EXTRAS = {
    "distributed",
    "ai_edge_litert",
    "onnxruntime",
    "av",
    "torch",
    "safetensors",
    "sklearn",
    "hmmlearn",
    "matplotlib",
    "jinja2",
    "flask",
    "waitress",
    "pyarrow",
    "huggingface_hub",
    "httpx2",
}
"""What the package does not install by itself."""

MOST_MODULES, MOST_LINES, MOST_PARAMETERS = 16, 60, 8

SCRIPTS = {"publish/tables"}
"""What is handed to others and runs without us: it knows no door of ours."""

COMMANDS = {"cli"}
"""One module a command: they are not counted."""

API = set(audioset_tools.__all__)
"""These functions, and those of the command line, take an argument an option."""


def name_of(path: Path) -> str:
    """A module as `fetch/run`; a package as `fetch`."""
    relative = path.relative_to(PACKAGE).with_suffix("")
    return (
        relative.parent.as_posix()
        if relative.name == "__init__" and relative.parts[1:]
        else relative.as_posix()
    )


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text())


@cache
def imported(name: str) -> frozenset[str]:
    """The modules that a module imports anywhere: ours as `fetch/run`, others by their first name."""
    path = MODULES[name]
    folder = path.relative_to(PACKAGE).parts[:-1]
    found = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            base = [*folder[: len(folder) - node.level + 1], *(node.module or "").split(".")]
            where = "/".join(filter(None, base))
            for alias in node.names:
                inner = f"{where}/{alias.name}".lstrip("/")
                found.add(inner if inner in MODULES else where or "__init__")
    return frozenset(found)


def part(name: str) -> str:
    return name.split("/")[0]


def layer(name: str) -> int:
    return next(number for number, parts in enumerate(LAYERS) if part(name) in parts)


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for name in MODULES:
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.FunctionDef):
                yield name, node


def test_every_part_has_a_layer_and_imports_go_down() -> None:
    offenders = [
        f"{name} imports {seen}"
        for name in MODULES
        for seen in imported(name) & MODULES.keys()
        if part(seen) != part(name)
        and layer(seen) >= layer(name)
        and not (layer(seen) == layer(name) == 0)
        and name != "__init__"
    ]
    assert offenders == []


def test_there_is_no_circle_of_modules() -> None:
    left = {
        name: set(imported(name) & MODULES.keys()) - {name, "__init__"}
        for name in MODULES
        if name != "__init__"
    }
    while leaves := {name for name, seen in left.items() if not seen & left.keys()}:
        left = {name: seen for name, seen in left.items() if name not in leaves}
    assert left == {}


def test_the_simulator_and_the_terminal_are_seen_by_few() -> None:
    offenders = [
        f"{name} imports {seen}"
        for name in MODULES
        for seen in imported(name) & MODULES.keys()
        if (part(name) == "simulator" and part(seen) not in {"simulator", *FOUNDATIONS})
        or (part(seen) == "simulator" and part(name) not in SIMULATED)
        or (part(seen) == "console" and part(name) not in TERMINAL)
    ]
    assert offenders == []


def test_each_library_and_system_call_has_its_doors() -> None:
    offenders = [
        f"{name} imports {library}"
        for name in MODULES
        for library in imported(name) & DOORS.keys() - MODULES.keys()
        if name not in SCRIPTS
        if not {name, part(name)} & DOORS[library]
    ]
    assert offenders == []


def test_a_folder_holds_no_more_modules_than_one_can_keep_in_mind() -> None:
    counts = Counter(path.parent for path in MODULES.values() if not path.name.startswith("__"))
    too_many = {
        str(folder): n for folder, n in counts.items() if n > MOST_MODULES and folder.name not in COMMANDS
    }
    assert too_many == {}


def test_a_function_fits_a_screen() -> None:
    long = []
    for name, node in functions():
        body = node.body[1:] if ast.get_docstring(node) else node.body
        lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
        if lines > MOST_LINES:
            long.append(f"{name}: {node.name} has {lines} lines")
    assert long == []


def test_a_function_takes_few_parameters() -> None:
    many = []
    for name, node in functions():
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        count = sum(argument.arg not in ("self", "cls") for argument in given)
        compiled = any(getattr(one, "id", "") == "compiled" for one in node.decorator_list)
        if count > MOST_PARAMETERS and part(name) not in COMMANDS and node.name not in API and not compiled:
            many.append(f"{name}: {node.name} has {count}")
    assert many == []


def test_no_two_public_classes_share_a_name() -> None:
    homes = defaultdict(list)
    for name in MODULES:
        for node in tree(name).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name)
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


def test_everything_public_has_a_docstring() -> None:
    bare = []
    for name in MODULES:
        for node in ast.walk(tree(name)):
            if not isinstance(node, ast.Module | ast.ClassDef):
                continue
            if isinstance(node, ast.ClassDef) and node.name.startswith("_"):
                continue
            if ast.get_docstring(node) is None:
                bare.append(f"{name}: {getattr(node, 'name', 'the module')}")
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                    is_property = any(getattr(one, "id", "") == "property" for one in inner.decorator_list)
                    if not is_property and ast.get_docstring(inner) is None:
                        bare.append(f"{name}: {inner.name}")
    assert bare == []


def test_an_argument_is_described_by_more_than_its_name() -> None:
    """`key: its key.` tells nothing; shapes, units and meanings do."""
    idle = []
    for name in MODULES:
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and (text := ast.get_docstring(node)):
                arguments = re.search(r"^Args:\n((?:    .*\n?|\n)+)", text, re.MULTILINE)
                entries = re.split(r"\n(?=    \S)", arguments[1].rstrip()) if arguments else []
                idle += [
                    f"{name}: {node.name}: {entry.strip()}"
                    for entry in entries
                    if re.fullmatch(r"\s*[\w*, ]+: (?:\S+ ){0,2}\S+\.?", entry)
                ]
    assert idle == []


def test_nothing_refers_to_a_document_that_is_not_here() -> None:
    gone = re.compile(r"\b(?:DESIGN|FACTS|HOUSE|STYLE)\b")
    texts = [
        *MODULES.values(),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("bench/*.py"),
        *ROOT.glob("tests/**/*.py"),
        ROOT / "README.md",
    ]
    found = [str(path) for path in texts if path != Path(__file__) and gone.search(path.read_text())]
    assert found == []


def test_every_module_is_found_by_its_tests_name() -> None:
    """`fetch/run` by `tests/fetch/test_run*.py`, a command by `tests/commands/test_<command>*.py`."""
    lost = []
    for name, path in MODULES.items():
        if path.name.startswith("__"):
            continue
        folder, _, stem = name.rpartition("/")
        where = ROOT / "tests" / ("commands" if folder == "cli" else folder)
        if not [*where.glob(f"test_{stem}.py"), *where.glob(f"test_{stem}_*.py")]:
            lost.append(name)
    assert lost == []


def test_help_is_instant() -> None:
    code = (
        "import sys; from audioset_tools.cli import run; run(['--help']); run(['fetch', '--help']);"
        "sys.exit(sorted({'numpy', 'torch', 'yt_dlp', 'rich'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_ledger_is_looked_at_without_what_takes_long_to_import() -> None:
    code = (
        "import sys; import audioset_tools.cli.status, audioset_tools.ledger, audioset_tools.fetch.status;"
        "sys.exit(sorted({'numba', 'torch', 'yt_dlp', 'librosa', 'scipy'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_needs_no_extra_runs_without_any() -> None:
    """A base install fetches, featurizes, verifies, inspects and forgets."""
    code = f"""
import builtins
whole = builtins.__import__

def importing(name, *words, **named):
    if name.split(".")[0] in {OF_EXTRAS}:
        raise ImportError(name)
    return whole(name, *words, **named)

builtins.__import__ = importing
import audioset_tools.featurize.run, audioset_tools.fetch.run, audioset_tools.fetch.prepare
import audioset_tools.fetch.status, audioset_tools.inspect.clip, audioset_tools.inspect.shard
import audioset_tools.removal.run, audioset_tools.verify.run, audioset_tools.catalog.summary
import audioset_tools.doctor.run, audioset_tools.doctor.network, audioset_tools.shards.reader
import audioset_tools.sources.youtube, audioset_tools.sources.local, audioset_tools.sources.hub.source
from audioset_tools import MelShards
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_page_of_the_architecture_names_what_is_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`([a-z_0-9]+(?:/[a-z_0-9]+)*)\.py`", page))
    assert {name for name in named if name not in MODULES and not (ROOT / f"{name}.py").exists()} == {
        # Without their folder where that was just named.
        *{name for name in named if "/" not in name and any(one.endswith(f"/{name}") for one in MODULES)}
    }
    drawn = re.search(r"^```\n(cli .*?)^```", page, re.MULTILINE | re.DOTALL)
    assert drawn is not None
    parts = {word for line in drawn[1].splitlines() for word in line[:43].split()}
    assert parts == set().union(*LAYERS) - {"__init__", "__main__", "simulator"}


PARSERS = {"json", "tomllib", "pickle", "np", "torch"}
"""What has a `load` or `loads` of its own."""

READ_PAST_THE_DOOR = {
    "doctor/disk": "it maps a file, to see whether that works",
    "errors/answers": "it opens its file to read and to write, under a lock",
    "installing": "pip's note of an installation is read by importlib",
    "locks": "it opens a file to lock it, and leases for the time of their last touch",
    "processes": "it reads what the kernel says of processes",
    "train/weights": "`safetensors.numpy.load` takes bytes",
}


def _reads(call: ast.Call) -> bool:
    """Whether a call opens a file by its name to read it, or parses JSON or TOML."""
    called, first = call.func, call.args[0] if call.args else None
    if isinstance(called, ast.Name):
        return called.id in {"open", "loads", "load"}
    if not isinstance(called, ast.Attribute):
        return False
    of = called.value.id if isinstance(called.value, ast.Name) else ""
    if called.attr in {"load", "loads"}:
        return of in PARSERS
    if called.attr in {"read_text", "read_bytes"}:
        return True
    if called.attr != "open" or of in {"av", "shards", "webbrowser"}:
        return False
    if of == "os":
        return not (isinstance(first, ast.Attribute) and first.attr == "devnull")
    return isinstance(first, ast.Constant) and str(first.value).startswith(("r", "a"))


def test_files_are_opened_and_parsed_through_one_door() -> None:
    """`files` takes regular files within bounds, and JSON and TOML that are no trap."""
    offenders = [
        f"{name}, line {node.lineno}"
        for name in MODULES
        if part(name) not in {"simulator", "files"} and name not in READ_PAST_THE_DOOR.keys() | SCRIPTS
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Call) and _reads(node)
    ]
    assert offenders == []

"""Architecture rules: imports between parts and packages, sizes and names.

The rules are those of the README: app/ speaks HTTP only; service/ builds on training/; training/
knows no server; monitoring/ is configuration. Which packages a part may need is checked by deptry
in `make lint`.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.processes import ROOT
from tests.support.source_files import python_files, tracked

OURS = {"app", "launcher", "monitoring", "service", "settings", "tests", "training"}

MAY_IMPORT = {
    "app": {"app", "settings"},
    "service": {"service", "training", "settings"},
    "training": {"training", "settings"},
    "settings.py": set[str](),
    "launcher": {"launcher", "service", "settings", "training"},
}
"""The parts of our own code that each part may import."""

LAUNCHER_MAY_USE = {"service.access.tokens", "training.store.files"}
"""The page's tokens are made before any process starts, and damaged files are renamed, by the code
that does so later. It needs the standard library only, and so does what it imports."""

LAYERS = {
    "app": (
        {"server", "streamlit_app"},
        {"views"},
        {"sections"},
        {"charts"},
        {"monitoring"},
        {"components"},
        {"web"},
        {"clients"},
        {"login"},
        {"text"},
    ),
    "service": (
        {"classifier", "tokens", "trainer"},
        {"trainer_api"},
        {"shadow"},
        {"inference"},
        {"decoding"},
        {"metrics"},
        {"access"},
        {"http"},
    ),
    "training": (
        {"train"},
        {"*"},
        {"feedback"},
        {"optim"},
        {"evaluation", "recipes"},
        {"store"},
        {"data"},
        {"model"},
    ),
}
"""Packages and modules of a part, from the top down: each may import itself and what is below it.

`*` stands for the modules that are not named. Modules in one layer do not import each other.
"""

MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 60
MAX_MODULES_IN_FOLDER = 13

MEASURED_PARTS = ("app", "service", "training", "launcher", "tests")
"""The folders for which the limits hold."""

RETIRED_NAMES = {
    "answer_in_front",
    "Beside",
    "Claim",
    "described_by",
    "give",
    "Judge",
    "Ledger",
    "Lessons",
    "look",
    "NoModel",
    "_pen",
    "Refusal",
    "see",
    "set_aside",
    "spoiled",
    "Standing",
    "take_back",
    "Taught",
    "Told",
    "_told",
    "Turn",
    "Verdict",
    "withdraw",
    "WrittenBeforeScrapes",
}
"""Identifiers for which the project now uses the field's term; see CONTRIBUTING.md."""

RETIRED_WORDS = re.compile(
    r"\b(Ledger|WrittenBeforeScrapes|Refusal|NoModel|answer_in_front|described_by|shadow_order"
    r"|_pen|Judge|Verdict|Lessons|rehearsal|take_back|set_aside|set aside|_told"
    r"|wardrobe_judged_total|wardrobe_expected_hits_total|Still right|[Tt]he last run)\b"
)
"""The same in texts: code, comments, docs, dashboards and rules."""

JUNK_DRAWERS = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text())


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, anywhere in it.

    `from package import name` yields `package.name`, as `name` may be a module.
    """
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively: write the whole name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top_levels(path: Path) -> set[str]:
    """Names of the top-level packages that a file imports."""
    return {name.partition(".")[0] for name in imports(path)}


# --- Imports -------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_between_parts_go_one_way(part: str) -> None:
    for path in python_files(part):
        assert top_levels(path) & OURS <= MAY_IMPORT[part], path


def test_the_launcher_uses_nothing_of_the_services_but_tokens_and_files() -> None:
    for path in python_files("launcher"):
        used = {name for name in imports(path) if name.partition(".")[0] in ("service", "training")}
        assert used <= LAUNCHER_MAY_USE, path
    code = (
        f"import sys, {', '.join(sorted(LAUNCHER_MAY_USE))}; "
        "sys.exit(bool({'bentoml', 'starlette', 'torch', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_settings_need_no_package() -> None:
    assert top_levels(Path("settings.py")) <= sys.stdlib_module_names


def layer_of(part: str, name: str) -> int:
    """Number of the layer that holds a package or module, counted from the top."""
    layers = LAYERS[part]
    for number, names in enumerate(layers):
        if name in names:
            return number
    others = [number for number, names in enumerate(layers) if "*" in names]
    assert others, f"{part}/{name} is in no layer"
    return others[0]


@pytest.mark.parametrize("part", LAYERS)
def test_imports_inside_a_part_go_downward(part: str) -> None:
    upward = []
    for path in python_files(part):
        own = Path(path.parts[1]).stem
        if own == "__init__":
            continue
        for imported in imports(path):
            names = imported.split(".")
            if names[0] != part or len(names) == 1 or names[1] == own:
                continue
            own_layer, other_layer = layer_of(part, own), layer_of(part, names[1])
            both_unnamed = "*" in LAYERS[part][own_layer] and own_layer == other_layer
            if other_layer <= own_layer and not both_unnamed:
                upward.append(f"{path} imports {imported}")
    assert not upward, "\n".join(upward)


def test_test_modules_do_not_import_each_other() -> None:
    """Shared test support is in tests/support/."""
    for path in python_files("tests"):
        for imported in imports(path):
            names = imported.split(".")
            is_test_module = any(name.startswith("test_") for name in names[:-1])
            assert names[0] != "tests" or not is_test_module, f"{path} imports {imported}"


def test_the_page_runs_where_there_is_no_torch() -> None:
    """What imports what at run time too: a package could bring it along."""
    code = (
        "import sys; sys.modules.update(torch=None, torchvision=None, bentoml=None); "
        "from app.clients import classifier, corrections, http, prometheus, shadow, trainer"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", ["classifier", "trainer"])
def test_a_service_starts_its_workers_without_waiting_for_torch(service: str) -> None:
    """BentoML's supervisor imports a service only to read how many workers it wants."""
    code = f"import sys, service.{service}; sys.exit('torch' in sys.modules)"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_torchvision_is_imported_in_one_place_only() -> None:
    users = {path.name for path in tracked("app", "service", "training") if names_torchvision(path)}

    assert users == {"torchvision_datasets.py"}


def names_torchvision(path: Path) -> bool:
    return path.suffix == ".py" and bool(
        re.search(r"(import torchvision|import_module\(\"torchvision)", (ROOT / path).read_text())
    )


def test_monitoring_is_configuration() -> None:
    assert not [path for path in tracked("monitoring") if path.suffix == ".py"]


# --- Sizes ---------------------------------------------------------------------------------------


class Function(NamedTuple):
    """A function or method and how many lines it has."""

    name: str
    lines: int


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno
            yield Function(f"{path}:{node.name}", node.end_lineno - node.lineno + 1)


def test_no_file_is_too_long() -> None:
    lines = {
        str(path): len((ROOT / path).read_text().splitlines())
        for path in python_files(*MEASURED_PARTS)
    }
    assert not {path: count for path, count in lines.items() if count > MAX_FILE_LINES}


def test_no_function_is_too_long() -> None:
    found = [one for path in python_files(*MEASURED_PARTS) for one in functions(path)]
    assert not [one for one in found if one.lines > MAX_FUNCTION_LINES]


def test_no_folder_has_too_many_modules() -> None:
    modules = [path for path in python_files(*MEASURED_PARTS) if path.name != "__init__.py"]
    counts = {str(path.parent): 0 for path in modules}
    for path in modules:
        counts[str(path.parent)] += 1
    assert not {folder: count for folder, count in counts.items() if count > MAX_MODULES_IN_FOLDER}


# --- Names ---------------------------------------------------------------------------------------


def test_no_file_or_folder_is_a_junk_drawer() -> None:
    for path in tracked():
        words = {word for part in path.parts for word in re.split(r"[._-]", part.lower())}
        assert not words & JUNK_DRAWERS, path


def identifiers(path: Path) -> Iterator[str]:
    """Names of the classes, functions, variables and attributes in a file."""
    for node in ast.walk(parsed(path)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Name():
                yield node.id
            case ast.Attribute():
                yield node.attr
            case ast.arg():
                yield node.arg


def test_no_retired_name_is_left_in_code() -> None:
    found = {
        str(path): sorted(names)
        for path in python_files("app", "service", "training", "launcher", "settings.py", "tests")
        if (names := RETIRED_NAMES & set(identifiers(path)))
    }
    assert not found


TEXT_FILES = {
    ".py",
    ".md",
    ".yml",
    ".yaml",
    ".json",
    ".toml",
    ".js",
    ".css",
    ".html",
    ".sh",
    ".lua",
    "",
}


def test_no_retired_word_is_left_in_a_text() -> None:
    itself = Path(__file__).relative_to(ROOT)
    found = {
        str(path): sorted(words)
        for path in tracked()
        if path not in {itself, Path("CHANGELOG.md")}
        and path.suffix in TEXT_FILES
        and (words := set(RETIRED_WORDS.findall((ROOT / path).read_text())))
    }
    assert not found


def test_every_module_says_what_it_is_for() -> None:
    for path in python_files("app", "service", "training", "settings.py", "launcher"):
        assert ast.get_docstring(ast.parse((ROOT / path).read_text())), path

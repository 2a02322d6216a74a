"""Architecture rules: imports between parts and packages, sizes, names, metrics and ports.

The rules are those of the README: app/ speaks HTTP only; service/ builds on training/; training/
knows no server; monitoring/ is configuration. Which packages a part may need is checked by deptry
in `make lint`.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

import settings
from tests.support.processes import ROOT

OURS = {"app", "launcher", "monitoring", "service", "settings", "tests", "training"}

MAY_IMPORT = {
    "app": {"app", "settings"},
    "service": {"service", "training", "settings"},
    "training": {"training", "settings"},
    "settings.py": set[str](),
    "launcher": {"launcher", "settings"},
}
"""The parts of our own code that each part may import."""

LAYERS = {
    "app": (
        {"streamlit_app"},
        {"views"},
        {"sections"},
        {"charts"},
        {"monitoring"},
        {"components"},
        {"clients"},
        {"text"},
    ),
    "service": (
        {"classifier", "trainer"},
        {"trainer_api"},
        {"shadow"},
        {"inference"},
        {"metrics"},
        {"http"},
    ),
    "training": (
        {"train"},
        {"*"},
        {"feedback"},
        {"evaluation", "recipes"},
        {"optim"},
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


def tracked(*under: str) -> list[Path]:
    """The files that git knows below these paths, or all of them, from the repository's root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *under],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(name) for name in listed.stdout.split("\0") if name]


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


def python_files(*under: str) -> list[Path]:
    found = [path for path in tracked(*under) if path.suffix == ".py" and (ROOT / path).exists()]
    assert found, under
    return found


# --- Imports -------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_between_parts_go_one_way(part: str) -> None:
    for path in python_files(part):
        assert top_levels(path) & OURS <= MAY_IMPORT[part], path


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
            if names[0] != part or names[1] == own:
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


# --- The tree ------------------------------------------------------------------------------------


def annotated_tree() -> list[tuple[str, str]]:
    """Each path in the README's tree, with its description."""
    readme = (ROOT / "README.md").read_text()
    block = readme.partition("\n## Code layout\n")[2].split("```")[1]
    tree, folder = [], ""
    for line in block.strip("\n").splitlines():
        path, _, words = line.strip().partition("  ")
        if line.startswith(" "):
            path = folder + path
        elif path.endswith("/"):
            folder = path
        tree.append((path, words.strip()))
    return tree


def test_the_readme_gives_a_reason_for_everything_at_the_root() -> None:
    there = {f"{path.parts[0]}/" if len(path.parts) > 1 else path.name for path in tracked()}
    listed = {path for path, _ in annotated_tree() if path.count("/") - path.endswith("/") == 0}

    assert listed == there


def test_the_readmes_tree_lists_every_package() -> None:
    packages = {
        f"{path.parent}/"
        for path in python_files("app", "service", "training")
        if path.name == "__init__.py" and len(path.parts) == 3
    }

    assert packages <= {path for path, _ in annotated_tree()}


def test_everything_in_the_readmes_tree_is_there_and_has_words() -> None:
    for path, words in annotated_tree():
        assert (ROOT / path).exists(), path
        assert len(words) > 5, path


# --- Ports, settings and metrics -----------------------------------------------------------------


def test_ports_in_compose_are_those_of_the_settings() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for setting in settings.SETTINGS:
        if setting.name.endswith("_PORT"):
            name = setting.name.removesuffix("_PORT").lower()
            [published] = services[name]["ports"]
            inside = f":{setting.default}"
            assert published.endswith(f"${{{setting.name}:-{setting.default}}}{inside}"), name


def test_no_port_is_written_down_in_the_procfile() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    for line in lines:
        if not line.startswith("#"):
            assert not re.search(r"(?<![\w.])\d{4,5}(?![\w.])", line), line


def test_every_setting_is_read_somewhere() -> None:
    read = "".join(
        (ROOT / path).read_text()
        for path in tracked("app", "service", "training", "launcher", "Procfile", "monitoring")
        if path.suffix in {".py", ".yml", ""} and (ROOT / path).exists()
    )
    for setting in settings.SETTINGS:
        assert setting.name in read or setting.name.endswith("_PORT"), setting.name


METRIC = re.compile(r"\b(?:wardrobe|bentoml_service)_[a-z_]+[a-z]\b")
"""A metric as Prometheus knows it. A recording rule has a colon after `wardrobe`."""

RULE = re.compile(r"\bwardrobe:[a-z_0-9]+(?::[a-z_0-9]+)+\b")


def base(name: str) -> str:
    """A metric's name without what a histogram's series add to it."""
    return re.sub(r"_(bucket|sum|count)$", "", name)


def documented_metrics() -> set[str]:
    """The metrics in docs/metrics.md; tests/docs/test_examples.py compares them with /metrics."""
    page = (ROOT / "docs" / "metrics.md").read_text()
    return set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))


def monitoring_files() -> list[Path]:
    return [path for path in tracked("monitoring") if path.suffix in {".yml", ".json"}]


@pytest.mark.parametrize("path", monitoring_files(), ids=str)
def test_monitoring_asks_for_no_metric_that_nobody_has(path: Path) -> None:
    asked = {base(name) for name in METRIC.findall((ROOT / path).read_text())}

    assert asked <= documented_metrics()


def test_what_draws_or_alerts_asks_for_no_rule_that_is_not_recorded() -> None:
    rules = [(ROOT / path).read_text() for path in tracked("monitoring/rules/*.yml")]
    recorded = set(re.findall(r"- record: (\S+)", "".join(rules)))
    for path in [*tracked("app"), *monitoring_files()]:
        if path.suffix in {".py", ".yml", ".json"} and (ROOT / path).exists():
            assert set(RULE.findall((ROOT / path).read_text())) <= recorded, path


def test_our_metrics_are_made_in_one_place_each() -> None:
    ours = {name for name in documented_metrics() if name.startswith("wardrobe_")}
    code = {path: (ROOT / path).read_text() for path in python_files("service")}
    for name in ours:
        stem = name.removeprefix("wardrobe_training_")
        makers = [
            str(path)
            for path, text in code.items()
            if name in text or (stem != name and f'"{stem}": (' in text)
        ]
        assert len(makers) == 1, (name, makers)

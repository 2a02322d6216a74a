"""The tree is the architecture: who imports whom, and what is said where.

The rules are those of the README: app/ speaks HTTP only; service/ builds on training/; training/
knows of no server; monitoring/ is configuration.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import settings
from tests.support.processes import ROOT

OURS = {"app", "service", "training", "settings", "launch", "tests", "monitoring"}

MAY_IMPORT = {
    "app": {"app", "settings"},
    "service": {"service", "training", "settings"},
    "training": {"training", "settings"},
    "settings.py": set[str](),
    "launcher": {"settings"},
}
"""Of our own code."""

MAY_NEED = {
    "app": {
        "numpy",
        "pandas",
        "PIL",
        "plotly",
        "prometheus_api_client",
        "pydantic",
        "requests",
        "streamlit",
        "urllib3",
    },
    "service": {
        "bentoml",
        "fastapi",
        "numpy",
        "orjson",
        "PIL",
        "prometheus_client",
        "pydantic",
        "python_multipart",
        "starlette",
        "torch",
        "typing_extensions",
        "uvicorn",
    },
    "training": {"bentoml", "numpy", "PIL", "sqlalchemy", "torch", "tqdm"},
    "settings.py": set[str](),
}
"""Of what others wrote, beside the standard library."""

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


def imports(path: Path) -> Iterator[str]:
    """The first name of each module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively: write the whole name"
            yield str(node.module).partition(".")[0]


def python_files(*under: str) -> list[Path]:
    found = [path for path in tracked(*under) if path.suffix == ".py" and (ROOT / path).exists()]
    assert found, under
    return found


# --- Imports -------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_arrows_between_the_parts_go_one_way(part: str) -> None:
    for path in python_files(part):
        assert set(imports(path)) & OURS <= MAY_IMPORT[part], path


@pytest.mark.parametrize("part", MAY_NEED)
def test_a_part_needs_no_package_that_is_not_meant_for_it(part: str) -> None:
    for path in python_files(part):
        foreign = set(imports(path)) - OURS - sys.stdlib_module_names
        assert foreign <= MAY_NEED[part], path


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


# --- Names ---------------------------------------------------------------------------------------


def test_no_file_or_folder_is_a_junk_drawer() -> None:
    for path in tracked():
        words = {word for part in path.parts for word in re.split(r"[._-]", part.lower())}
        assert not words & JUNK_DRAWERS, path


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

"""Facts that stand in several files agree: the README's tree, ports, settings and metrics."""

import re
from pathlib import Path

import pytest
import yaml

import settings
from tests.support.processes import ROOT
from tests.support.source_files import python_files, tracked

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
    services = yaml.safe_load((ROOT / "docker-compose.ports.yml").read_text())["services"]
    page = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["app"]
    services |= {"app": page}
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

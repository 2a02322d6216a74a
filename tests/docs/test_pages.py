"""Tables, links and file names in README.md and docs/ match the code."""

import re
from pathlib import Path

import pytest

import settings
from tests.support.documentation import PAGES, table
from tests.support.processes import ROOT

LARGEST_FILE = 400_000
"""Bytes. Larger pictures make a page slow to open."""

MOST_README_LINES = 250

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= MOST_README_LINES


def test_settings_table_lists_every_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in settings.SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)

    assert table("docs/settings.md") == [
        [setting.name, settings.get(setting.name), setting.help] for setting in settings.SETTINGS
    ]


def test_process_table_lists_every_process_with_its_port() -> None:
    ports = {name: port for name, port, _ in table("README.md", "How it works")}

    assert set(ports) == {"classifier", "trainer", "prometheus", "app", "grafana"}
    for name, port in ports.items():
        if name != "grafana":  # only compose starts it, and its port is not a setting
            setting = next(it for it in settings.SETTINGS if it.name == f"{name.upper()}_PORT")
            assert port == setting.default


def test_command_table_lists_every_make_target() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert {command for command, _ in table("README.md", "Commands")} == {
        f"make {target}" for target in targets if target != "help"
    }


def test_readme_links_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert f"](docs/{page.name})" in readme, page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_small_files(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).stat().st_size < LARGEST_FILE, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_files_exist(page: Path) -> None:
    folders = "app|docs|launcher|monitoring|service|tests|training"
    for path in re.findall(rf"`((?:{folders})/[\w./-]*)`", page.read_text()):
        assert (ROOT / path).exists(), path


def test_readme_shows_the_page() -> None:
    assert "](docs/screenshot.png)" in (ROOT / "README.md").read_text()


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name.partition("-")[0]) for path in DECISIONS]

    assert numbers == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_four_sections(path: Path) -> None:
    headings = re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)

    assert headings == ["Context", "Decision", "Measurement", "Consequences"]

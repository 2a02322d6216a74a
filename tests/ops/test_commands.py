"""make, the set-up scripts, the lock files and CI."""

import os
import re
import shutil
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.licenses import PAGE

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS: dict[str, list[str]] = PYPROJECT["dependency-groups"]


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder that holds nothing but the Makefile and the lock."""
    for name in ("Makefile", "requirements.lock", "requirements.hashes"):
        shutil.copy2(ROOT / name, folder)
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def folder_of(programs: tuple[str, ...], folder: Path) -> str:
    """A PATH on which only these programs are."""
    folder.mkdir()
    for name in programs:
        found = shutil.which(name)
        assert found, f"{name} is needed for this test"
        (folder / name).symlink_to(found)
    return str(folder)


def test_plain_make_lists_each_command_with_a_line_of_help(tmp_path: Path) -> None:
    listed = make(tmp_path).stdout.splitlines()

    targets = ("help", "run", "stop", "train", "test", "test-fast", "lint", "lock", "clean")
    for target in targets:
        line = next((line for line in listed if re.match(rf"make {target} ", line)), "")
        assert len(line.split()) > 3, f"make {target} has no line of help"
    documented = re.findall(r"^([\w-]+):.*##", MAKEFILE, re.MULTILINE)
    assert len(listed) == len(documented)


def test_without_a_new_enough_python_one_sentence_says_so(tmp_path: Path) -> None:
    refused = make(tmp_path, "run", "PYTHON3=")

    assert refused.returncode != 0
    assert refused.stderr.splitlines()[0].startswith("Wardrobe needs Python 3.11 or newer")
    assert not (tmp_path / ".venv").exists()


def test_without_the_venv_module_one_sentence_says_so(tmp_path: Path) -> None:
    python = tmp_path / "python-without-venv"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)

    refused = make(tmp_path, "run", f"PYTHON3={python}")

    assert refused.returncode != 0
    assert "python3-venv" in refused.stderr.splitlines()[0]
    assert not (tmp_path / ".venv").exists()


@pytest.mark.slow
def test_without_network_one_sentence_says_so(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9/"
    refused = make(
        tmp_path, "run", PIP_INDEX_URL=nowhere, PIP_RETRIES="0", PIP_CONFIG_FILE="/dev/null"
    )

    assert refused.returncode != 0
    assert "check the network, then run make again" in refused.stderr
    assert not (tmp_path / ".venv" / "installed").exists()


def test_an_installation_that_is_complete_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "installed").touch()

    assert "pip install" not in make(tmp_path, "--dry-run", "stop").stdout
    os.utime(tmp_path / ".venv" / "installed", (0, 0))
    assert "pip install" in make(tmp_path, "--dry-run", "stop").stdout


def test_prometheus_that_is_there_is_taken(tmp_path: Path) -> None:
    script = ROOT / "monitoring" / "install-prometheus.sh"
    done = subprocess.run([script, tmp_path], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("monitoring/install-prometheus.sh", "put prometheus and promtool on PATH"),
        ("tests/install-chromium.sh", "put chromium on PATH"),
    ],
)
def test_what_cannot_be_installed_is_named_with_a_way_out(
    tmp_path: Path, script: str, words: str
) -> None:
    path = folder_of(("bash", "mktemp", "rm", "id", "uname", "tr", "grep"), tmp_path / "bin")
    refused = subprocess.run(
        [ROOT / script, tmp_path],
        env={"PATH": path, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (refused.returncode, refused.stdout) == (1, "")
    assert words in refused.stderr.splitlines()[-1]


def test_the_tests_get_a_chromium_that_runs() -> None:
    script = ROOT / "tests" / "install-chromium.sh"
    found = subprocess.run([script], capture_output=True, text=True, timeout=60, check=True)

    assert os.access(found.stdout.strip(), os.X_OK)


def lines_of(lock: str) -> list[str]:
    """The pinned packages of a lock file, one a line."""
    lines = (ROOT / lock).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pins(lock: str) -> dict[str, str]:
    """Version by package in a lock file."""
    return dict(line.split()[0].split("==") for line in lines_of(lock))


@pytest.mark.parametrize(
    ("lock", "groups"),
    [("requirements.lock", tuple(GROUPS)), ("service/requirements.lock", ("service",))],
)
def test_a_lock_pins_every_package_and_names_no_machine(lock: str, groups: tuple[str, ...]) -> None:
    pinned = pins(lock)

    for wanted in map(Requirement, chain(*(GROUPS[group] for group in groups))):
        pin = pinned[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(pin), f"{wanted} does not allow {pin}: run `make lock`"
    assert pinned["torch"] == "2.13.0"  # with a local part, it would be this machine's build
    for line in lines_of(lock):
        assert "://" not in line, line
        assert not line.startswith("-"), line
        assert " /" not in line, line


def test_the_bentos_lock_is_part_of_the_lock() -> None:
    assert pins("service/requirements.lock").items() < pins("requirements.lock").items()


def test_every_package_but_torch_has_the_hashes_of_its_files() -> None:
    text = (ROOT / "requirements.hashes").read_text()
    found = re.findall(
        r"^([\w.-]+)==(\S+)(?: ; .*)? \\\n((?:    --hash=.*\n)+)", text, re.MULTILINE
    )
    hashed = {name: version for name, version, _ in found}

    expected = pins("requirements.lock")
    del expected["torch"], expected["torchvision"]
    assert hashed == expected, "run `make hashes`"
    for name, _, hashes in found:
        assert re.fullmatch(r"(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+", hashes), name
    assert "://" not in text


def test_the_license_list_is_that_of_the_lock() -> None:
    rows = re.findall(r"^\| (\S+) \| (\S+) \| \S.* \|$", PAGE.read_text(), re.MULTILINE)
    listed = dict(rows[1:])

    assert listed == pins("requirements.lock"), "run `make licenses`"


def test_lint_checks_every_dependency_group() -> None:
    lines = re.findall(r"^\tdeptry (.*) --non-dev-dependency-groups (\S+)", MAKEFILE, re.MULTILINE)
    checked = {name: roots.split() for roots, names in lines for name in names.split(",")}

    assert set(checked) == set(GROUPS)
    own_group = dict(lines)
    assert own_group["app"] == "app"
    assert own_group["service training"] == "service"
    assert own_group["launcher"] == "launcher"


def test_test_fast_leaves_out_exactly_the_marked_tests() -> None:
    configuration = PYPROJECT["tool"]["pytest"]["ini_options"]
    markers = [marker.partition(":")[0] for marker in configuration["markers"]]
    recipe = MAKEFILE.partition("\ntest-fast:")[2].partition("\n\n")[0]

    assert f'-m "not {" and not ".join(markers)}"' in recipe


def test_ci_runs_what_a_person_runs() -> None:
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert re.findall(r"^make (\w+)$", script.read_text(), re.MULTILINE) == ["lint", "test"]


def test_hosted_ci_calls_the_same_script() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    commands = [step["run"] for step in workflow["jobs"]["ci"]["steps"] if "run" in step]

    assert commands == ["bash .ci/run"]


def test_pre_commit_calls_the_tools_of_make_lint() -> None:
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in configuration["repos"] for hook in repository["hooks"]]
    recipe = MAKEFILE.partition("\nlint:")[2].partition("\n\n")[0]
    commands = [line.strip() for line in recipe.splitlines()[1:]]

    assert {repository["repo"] for repository in configuration["repos"]} == {"local"}
    assert [hook["entry"] for hook in hooks] == commands
    assert all(hook["language"] == "system" for hook in hooks)

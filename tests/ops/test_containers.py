"""docker-compose.yml, the Dockerfiles and bentofile.yaml, read as text."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]


def test_the_five_services_are_there_and_grafana_only_when_asked_for() -> None:
    assert set(SERVICES) == {"classifier", "trainer", "prometheus", "app", "grafana"}
    assert {name: it["profiles"] for name, it in SERVICES.items() if "profiles" in it} == {
        "grafana": ["grafana"]
    }


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_hardened_bounded_and_watched(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_built_here_by_an_ordinary_user_or_pinned(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:
        dockerfile = (ROOT / service["build"]["dockerfile"]).read_text()
        assert re.search(r"^USER (?!root)\w+$", dockerfile, re.MULTILINE)
    else:
        assert re.fullmatch(r"[\w/]+:v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?", service["image"])


def test_only_the_page_is_published_and_grafana_on_this_machine_when_asked_for() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"app", "grafana"}


def test_the_override_publishes_on_this_machine_only() -> None:
    override = yaml.safe_load((ROOT / "docker-compose.ports.yml").read_text())["services"]

    assert set(override) == {"classifier", "trainer", "prometheus"}
    for service in override.values():
        assert list(service) == ["ports"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_the_page_asks_for_a_log_in_unless_it_is_told_not_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = SERVICES["app"]["environment"]
    for name, value in environment.items():
        monkeypatch.setenv(name, "" if "$" in value else value)

    assert settings.login_method() == "password"
    monkeypatch.setenv("LOGIN", "off")
    assert settings.login_method() == "none"
    assert environment["LOGIN"] == "${LOGIN:-}"


def test_the_page_sees_the_tokens_and_nothing_else_of_the_state() -> None:
    assert SERVICES["app"]["volumes"] == ["tokens:/tokens:ro"]
    for name in ("classifier", "trainer", "app"):
        assert SERVICES[name]["environment"]["TOKENS_FILE"] == "/tokens/tokens.json"
        if name != "app":
            assert "tokens:/tokens" in SERVICES[name]["volumes"]


def test_grafana_has_viewers_only_and_no_password() -> None:
    grafana = SERVICES["grafana"]

    assert {name: value for name, value in grafana["environment"].items() if "_AUTH" in name} == {
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
        "GF_AUTH_BASIC_ENABLED": "false",
        "GF_AUTH_DISABLE_LOGIN_FORM": "true",
    }
    assert grafana["environment"]["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert "password" not in str(grafana).lower()
    assert all(port.startswith("127.0.0.1:") for port in grafana["ports"])


def test_every_volume_is_named_and_every_mounted_file_exists() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), source
                assert volume.endswith(":ro")
            else:
                assert source in COMPOSE["volumes"]


def test_compose_itself_accepts_the_file() -> None:
    if not shutil.which("docker"):
        pytest.skip("docker is not installed")
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("docker has no compose")
    subprocess.run(
        ["docker", "compose", "--profile", "grafana", "config", "--quiet"], cwd=ROOT, check=True
    )


def test_the_pages_image_holds_no_torch() -> None:
    dockerfile = (ROOT / "app" / "Dockerfile").read_text()

    assert re.findall(r"--group (\w+)(?: \\)?$", dockerfile, re.MULTILINE) == ["app"]
    assert not [package for package in GROUPS["app"] if package.startswith("torch")]


@pytest.mark.parametrize("dockerfile", ["app/Dockerfile", "service/Dockerfile"])
def test_dockerignore_lets_through_every_copied_path(dockerfile: str) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for sources in re.findall(r"^COPY (.*) \S+$", (ROOT / dockerfile).read_text(), re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored, source


def test_the_bento_installs_the_services_lock() -> None:
    bento = yaml.safe_load((ROOT / "bentofile.yaml").read_text())

    assert bento["python"]["requirements_txt"] == "service/requirements.lock"
    for pattern in bento["include"]:
        assert list(ROOT.glob(pattern)), pattern


def test_the_bento_knows_its_settings_where_bentoml_reads_them() -> None:
    bento = yaml.safe_load((ROOT / "bentofile.yaml").read_text())

    assert "env" not in bento["docker"]
    assert {it["name"] for it in bento["envs"]} == {"WARDROBE_HOME", "BENTOML_DO_NOT_TRACK"}
    assert list(bento)[-1] == "envs", "make bento adds to what stands last"


def test_make_images_pins_every_image_by_what_its_registry_says(tmp_path: Path) -> None:
    files = ("docker-compose.yml", "service/Dockerfile", "app/Dockerfile", "Makefile")
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    digest = "sha256:" + "ab" * 32
    docker = tmp_path / ".venv" / "bin" / "docker"
    docker.parent.mkdir(parents=True)
    docker.write_text(f"#!/bin/sh\necho {digest}\n")
    docker.chmod(0o755)

    for _ in range(2):  # it may be called again
        subprocess.run(["make", "images"], cwd=tmp_path, check=True, capture_output=True)

    for name in files[:3]:
        before, after = ((folder / name).read_text() for folder in (ROOT, tmp_path))
        assert after.replace(f"@{digest}", "") == re.sub(r"@sha256:\w+", "", before)
        for image in re.findall(r"^(?:FROM|\s+image:) (\S+:\S+)", after, re.MULTILINE):
            assert image.endswith(f"@{digest}"), image

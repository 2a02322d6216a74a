"""The one table of settings, and the places that repeat a part of it."""

import io
import re
from pathlib import Path

import dotenv
import pytest

import settings

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / ".env.example").read_text()


def test_the_example_lists_every_setting_with_its_help_and_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for setting in settings.SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    listed = re.findall(r"^# (.*)\n#(\w+)=(.*)$", EXAMPLE, re.MULTILINE)

    assert listed == [(it.help, it.name, settings.get(it.name)) for it in settings.SETTINGS]


def test_the_example_changes_nothing_as_it_is() -> None:
    assert dotenv.dotenv_values(stream=io.StringIO(EXAMPLE)) == {}


def test_every_process_has_its_port_among_the_settings() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    commands = dict(line.split(":", 1) for line in lines if not line.startswith("#"))

    assert set(commands) == {"classifier", "trainer", "prometheus", "app"}
    for name, command in commands.items():
        assert f"${name.upper()}_PORT" in command


def test_the_environment_wins_over_a_default_and_an_empty_variable_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("APP_PORT", "8600")
    assert settings.get_int("APP_PORT") == 8600
    monkeypatch.setenv("APP_PORT", "")
    assert settings.get_int("APP_PORT") == 8501


def test_an_address_follows_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRAINER_URL", raising=False)
    monkeypatch.setenv("TRAINER_PORT", "4002")
    assert settings.get("TRAINER_URL") == "http://127.0.0.1:4002"

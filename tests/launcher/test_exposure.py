"""The launcher opens the page to other machines only behind a log-in."""

import pytest

from launcher import CannotStartError
from launcher.exposure import check_exposure
from launcher.procfile import environment_of


def test_beyond_loopback_needs_a_log_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check_exposure()
    monkeypatch.setenv("HOST", "0.0.0.0")  # noqa: S104
    with pytest.raises(CannotStartError, match="OPERATOR_PASSWORD"):
        check_exposure()
    monkeypatch.setenv("OPERATOR_PASSWORD", "short")
    with pytest.raises(ValueError, match="too short"):
        check_exposure()
    monkeypatch.setenv("OPERATOR_PASSWORD", "long enough")
    check_exposure()
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("LOGIN", "off")
    check_exposure()
    assert "without a log-in" in capsys.readouterr().out


def test_only_the_page_gets_the_secrets_of_its_log_in() -> None:
    environment = {"OPERATOR_PASSWORD": "a", "OIDC_CLIENT_SECRET": "b", "HOST": "c"}
    assert environment_of("app", environment) == environment
    assert environment_of("trainer", environment) == {"HOST": "c"}

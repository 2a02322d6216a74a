"""Prometheus's configuration and rules, checked with promtool."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from launcher.prometheus_config import write_prometheus_config
from tests.support.processes import ROOT

MONITORING = ROOT / "monitoring"
RULES = sorted(MONITORING.glob("rules/*.yml"))
RULE_TESTS = sorted(MONITORING.glob("rules/tests/*.yml"))


def promtool(*arguments: str | Path) -> str:
    ran = subprocess.run(
        ["promtool", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration that the launcher writes for `make run`."""
    monkeypatch.setenv("CLASSIFIER_PORT", "4000")
    monkeypatch.setenv("TRAINER_PORT", "4002")
    monkeypatch.setenv("PROMETHEUS_PORT", "4090")
    write_prometheus_config(tmp_path)
    return tmp_path / "prometheus.yml"


def test_make_run_configuration_is_valid_and_finds_every_rule(local: Path) -> None:
    assert f"{len(RULES)} rule files found" in promtool("check", "config", local)
    targets = re.findall(r'targets: \["(.+)"\]', local.read_text())
    assert targets == ["127.0.0.1:4000", "127.0.0.1:4002", "127.0.0.1:4090"]


def test_compose_configuration_is_valid(tmp_path: Path) -> None:
    # The rules' path is that of the container.
    text = (MONITORING / "prometheus.yml").read_text()
    assert "- /etc/prometheus/rules/*.yml" in text
    copy = tmp_path / "prometheus.yml"
    copy.write_text(text.replace("/etc/prometheus/rules", str(MONITORING / "rules")))
    assert f"{len(RULES)} rule files found" in promtool("check", "config", copy)


def test_both_configurations_differ_only_in_addresses_and_paths(local: Path) -> None:
    def without_addresses(path: Path) -> dict[str, Any]:
        config: dict[str, Any] = yaml.safe_load(path.read_text())
        del config["rule_files"]
        for job in config["scrape_configs"]:
            job.pop("static_configs", None)
            job.pop("dns_sd_configs", None)
        return config

    assert without_addresses(local) == without_addresses(MONITORING / "prometheus.yml")


def test_compose_scrapes_every_replica_of_the_classifier() -> None:
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    [job] = [job for job in config["scrape_configs"] if job["job_name"] == "classifier"]
    [discovery] = job["dns_sd_configs"]
    assert (discovery["names"], discovery["type"], discovery["port"]) == (["classifier"], "A", 3000)


def test_rules_are_valid() -> None:
    promtool("check", "rules", *RULES)


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_rules_pass_their_cases(path: Path) -> None:
    promtool("test", "rules", path)


def names(key: str) -> list[str]:
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule[key] for group in groups for rule in group["rules"] if key in rule]


@pytest.mark.parametrize("name", names("record") + names("alert"))
def test_each_rule_has_a_case(name: str) -> None:
    assert any(name in path.read_text() for path in RULE_TESTS)


def test_each_alert_says_what_to_do() -> None:
    groups = yaml.safe_load((MONITORING / "rules/alerts.yml").read_text())["groups"]
    for alert in groups[0]["rules"]:
        assert alert["annotations"].keys() == {"summary", "action"}, alert["alert"]
        assert alert["labels"]["severity"] in {"critical", "warning"}

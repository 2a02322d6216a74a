"""Writes the configuration of the Prometheus that `make run` starts."""

import string
from pathlib import Path

import settings
from launcher.console import print_line
from launcher.state_folder import move_away
from training.store import files

MONITORING = Path(__file__).resolve().parents[1] / "monitoring"


def write_prometheus_config(home: Path) -> None:
    """Write `prometheus.yml` into the state folder, with the ports filled in.

    The template is monitoring/prometheus.local.yml: Prometheus itself expands no variables.
    """
    template = string.Template(Path(MONITORING, "prometheus.local.yml").read_text())
    values = {setting.name: settings.get(setting.name) for setting in settings.SETTINGS}
    text = template.substitute(values, RULES=str(MONITORING / "rules/*.yml"))
    path = home / "prometheus.yml"
    try:
        if path.is_dir():
            move_away(path, "it is a folder")
        path.write_text(text)
    except OSError as error:
        # Everything else works without Prometheus.
        print_line(
            f"{path} cannot be written: {files.error_reason(error)}. Metrics may be missing."
        )

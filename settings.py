"""Every setting of Wardrobe: an environment variable, its default and what it does.

The one module that app/, service/ and training/ share. It imports nothing but the standard
library, so that the app stays free of torch. README.md lists this table; a test holds the two
together.
"""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """One environment variable. `{OTHER}` in a default stands for another setting's value."""

    name: str
    default: str
    help: str


SETTINGS = (
    Setting("WARDROBE_HOME", ".wardrobe", "folder of all state: data, models, runs, metrics"),
    Setting("CLASSIFIER_PORT", "3000", "port of the classifier"),
    Setting("TRAINER_PORT", "3002", "port of the trainer"),
    Setting("PROMETHEUS_PORT", "9090", "port of Prometheus"),
    Setting("APP_PORT", "8501", "port of the page"),
    Setting(
        "CLASSIFIER_URL", "http://127.0.0.1:{CLASSIFIER_PORT}", "where the app finds the classifier"
    ),
    Setting("TRAINER_URL", "http://127.0.0.1:{TRAINER_PORT}", "where the app finds the trainer"),
    Setting(
        "PROMETHEUS_URL", "http://127.0.0.1:{PROMETHEUS_PORT}", "where the app finds Prometheus"
    ),
    Setting("CLASSIFIER_WORKERS", "2", "processes that serve; one a core is a good start"),
    Setting("MAX_UPLOAD_MB", "10", "largest picture file accepted, in 10^6 bytes"),
    Setting("MAX_MEGAPIXELS", "50", "largest picture accepted, in 10^6 pixels"),
    Setting("MAX_IMAGES_PER_CALL", "10000", "most pictures in one call of /classify_many"),
    Setting("TRAIN_FIRST_MODEL", "0", "1: a trainer that finds no model trains one by itself"),
)

_BY_NAME = {setting.name: setting for setting in SETTINGS}


def get(name: str) -> str:
    """The value of a setting: from the environment, else its default.

    An empty variable counts as unset, as docker compose passes it. Raises KeyError for a name
    that is not in the table.
    """
    setting = _BY_NAME[name]
    value = os.environ.get(name)
    if value:
        return value
    return setting.default.format_map(_Values())


def get_int(name: str) -> int:
    """The value of a setting that is a whole number of zero or more.

    Raises ValueError with a sentence that names the variable.
    """
    value = get(name)
    if not value.isdecimal():
        raise ValueError(f"{name} is {value!r}: set it to a whole number.")
    return int(value)


def home() -> Path:
    """The absolute path of WARDROBE_HOME. It need not exist yet."""
    return Path(get("WARDROBE_HOME")).expanduser().absolute()


class _Values(dict[str, str]):
    """Looks settings up by name while a default is filled in."""

    def __missing__(self, name: str) -> str:
        return get(name)

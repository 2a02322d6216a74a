"""Settings: each environment variable with its default and help text.

app/, service/, training/ and launcher/ all import this module. It needs only the standard library,
so that the app runs without torch. docs/settings.md and .env.example repeat this table; tests
compare them.
"""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """An environment variable. `{OTHER}` in a default stands for the value of another setting."""

    name: str
    default: str
    help: str


SETTINGS = (
    Setting("WARDROBE_HOME", ".wardrobe", "Folder for all state: data, models, runs, metrics"),
    Setting("CLASSIFIER_PORT", "3000", "Port of the classifier"),
    Setting("TRAINER_PORT", "3002", "Port of the trainer"),
    Setting("PROMETHEUS_PORT", "9090", "Port of Prometheus"),
    Setting("APP_PORT", "8501", "Port of the page"),
    Setting(
        "CLASSIFIER_URL",
        "http://127.0.0.1:{CLASSIFIER_PORT}",
        "Address of the classifier, for the page",
    ),
    Setting(
        "TRAINER_URL", "http://127.0.0.1:{TRAINER_PORT}", "Address of the trainer, for the page"
    ),
    Setting(
        "PROMETHEUS_URL",
        "http://127.0.0.1:{PROMETHEUS_PORT}",
        "Address of Prometheus, for the page",
    ),
    Setting("CLASSIFIER_WORKERS", "2", "Processes that serve the model; start with one per core"),
    Setting("MAX_UPLOAD_MB", "10", "Largest picture file, in MB (10^6 bytes)"),
    Setting("MAX_MEGAPIXELS", "50", "Largest picture, in megapixels (10^6 pixels)"),
    Setting("MAX_IMAGES_PER_CALL", "10000", "Most pictures in one /classify_many call"),
    Setting("TRAIN_FIRST_MODEL", "0", "1: the trainer trains a first model if there is none"),
    Setting("TOKENS_FILE", "{WARDROBE_HOME}/tokens.json", "The page's tokens, made at first start"),
    Setting("TOKENS_REQUIRED", "0", "1: no call without a token, from this machine neither"),
    Setting("ALLOWED_HOSTS", "", "More host names of this machine, separated by spaces"),
    Setting("PICTURES_PER_MINUTE", "30000", "Most pictures of a token or address; 0: no limit"),
    Setting("CORRECTIONS_PER_MINUTE", "600", "Most corrections of a token; 0: no limit"),
    Setting("RUNS_PER_HOUR", "60", "Most training runs that a token starts; 0: no limit"),
)

_BY_NAME = {setting.name: setting for setting in SETTINGS}


def get(name: str) -> str:
    """Return a setting from the environment, or its default.

    An empty variable counts as unset: docker compose passes unset variables that way. Raises
    KeyError for an unknown name.
    """
    setting = _BY_NAME[name]
    value = os.environ.get(name)
    if value:
        return value
    return setting.default.format_map(_Values())


def get_int(name: str) -> int:
    """Return a setting as a whole number, zero or more.

    Raises ValueError with a message that names the variable.
    """
    value = get(name)
    if not value.isdecimal():
        raise ValueError(f"{name} is {value!r}: set it to a whole number.")
    return int(value)


def home() -> Path:
    """Return the absolute path of WARDROBE_HOME, which need not exist yet."""
    return Path(get("WARDROBE_HOME")).expanduser().absolute()


class _Values(dict[str, str]):
    """Mapping that looks up settings by name, to fill in a default."""

    def __missing__(self, name: str) -> str:
        return get(name)

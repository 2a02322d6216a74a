"""Settings: each environment variable with its default and help text.

app/, service/, training/ and launcher/ all import this module. It needs only the standard library,
so that the app runs without torch. docs/settings.md and .env.example repeat this table; tests
compare them.
"""

import ipaddress
import os
import tomllib
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
    Setting("GRAFANA_URL", "", "Address of Grafana for browsers; empty: the page has no link"),
    Setting("GRAFANA_HEALTH_URL", "{GRAFANA_URL}/api/health", "Where the page looks if it is up"),
    Setting("CLASSIFIER_WORKERS", "2", "Processes that serve the model; start with one per core"),
    Setting("MAX_UPLOAD_MB", "10", "Largest picture file, in MB (10^6 bytes)"),
    Setting("MAX_MEGAPIXELS", "50", "Largest picture, in megapixels (10^6 pixels)"),
    Setting("MAX_IMAGES_PER_CALL", "10000", "Most pictures in one /classify_many call"),
    Setting("KEEP_UNKNOWN", "0", "1: some unknown pictures are stored, for a person to name"),
    Setting("FOREGROUND", "1", "0: photos keep their background, which makes most answers wrong"),
    Setting("TRAIN_FIRST_MODEL", "0", "1: the trainer trains a first model if there is none"),
    Setting("TRAIN_STANDARD_AFTER", "1", "0: after that first one, no standard run follows"),
    Setting("TOKENS_FILE", "{WARDROBE_HOME}/tokens.json", "The page's tokens, made at first start"),
    Setting("TOKENS_REQUIRED", "0", "1: no call without a token, from this machine neither"),
    Setting("ALLOWED_HOSTS", "", "More host names of this machine, separated by spaces"),
    Setting("PICTURES_PER_MINUTE", "30000", "Most pictures of a token or address; 0: no limit"),
    Setting("CORRECTIONS_PER_MINUTE", "600", "Most corrections of a token; 0: no limit"),
    Setting("RUNS_PER_HOUR", "60", "Most training runs that a token starts; 0: no limit"),
    Setting(
        "HOST", "127.0.0.1", "Address at which the page listens; the services stay on loopback"
    ),
    Setting("LOGIN", "", "on: the page always asks for a log-in; off: it never does"),
    Setting("LOGIN_HOURS", "12", "Hours after which a visitor logs in again"),
    Setting("OIDC_METADATA_URL", "", "OpenID Connect: address of the provider's configuration"),
    Setting("OIDC_CLIENT_ID", "", "OpenID Connect: name of this page at the provider"),
    Setting("OIDC_CLIENT_SECRET", "", "OpenID Connect: the provider's secret for this page"),
    Setting(
        "OIDC_REDIRECT_URI",
        "http://localhost:{APP_PORT}/oauth2callback",
        "OpenID Connect: the page's public address with /oauth2callback",
    ),
    Setting("OIDC_SCOPE", "openid email profile", "OpenID Connect: what the provider is asked for"),
    Setting("VIEWERS", "", "Who may look and classify: e-mail addresses, group:NAME, or *"),
    Setting("TEACHERS", "", "Who may also correct: e-mail addresses, group:NAME, or *"),
    Setting("OPERATORS", "", "Who may do everything: e-mail addresses, group:NAME, or *"),
    Setting("VIEWER_PASSWORD", "", "Without a provider: password of the role viewer"),
    Setting("TEACHER_PASSWORD", "", "Without a provider: password of the role teacher"),
    Setting("OPERATOR_PASSWORD", "", "Without a provider: password of the role operator"),
)

ROLES = ("viewer", "teacher", "operator")
"""What a person or a program may do; each role includes those before it."""

SECRETS_FILE = Path(__file__).parent / ".streamlit" / "secrets.toml"
"""Streamlit's own file of secrets: a provider in it is used when no OIDC_ setting is there."""

MIN_PASSWORD_LENGTH = 8

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
COMPOSE_NAMES = frozenset({"app", "classifier", "trainer", "prometheus"})
"""How docker compose calls the processes in its network."""

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


def login_method() -> str:
    """Return how visitors of the page log in: `provider`, `password` or `none`.

    `password` takes a role's password or its access token. Raises ValueError with a message that
    names the variable.
    """
    wanted = get("LOGIN")
    if wanted not in ("", "on", "off"):
        raise ValueError(f"LOGIN is {wanted!r}: set it to on or off, or leave it out.")
    if wanted == "off":
        return "none"
    if has_provider():
        return "provider"
    exposed = not is_loopback(get("HOST")) or bool(get("ALLOWED_HOSTS"))
    return "password" if wanted == "on" or exposed or role_passwords() else "none"


def has_provider() -> bool:
    """Return whether an OpenID Connect provider is configured.

    By the settings, or by an [auth] section in .streamlit/secrets.toml. Raises ValueError if only
    some of the settings are there, or that file cannot be read.
    """
    names = ("OIDC_METADATA_URL", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    missing = [name for name in names if not get(name)]
    if not missing:
        return True
    if len(missing) < len(names):
        raise ValueError(f"{' and '.join(missing)} must be set too for a log-in by a provider.")
    try:
        return "auth" in tomllib.loads(SECRETS_FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except ValueError as error:
        raise ValueError(f"{SECRETS_FILE} cannot be read: {error}") from error


def role_passwords() -> dict[str, str]:
    """Return the password of each role that has one.

    Raises ValueError if one is short or two are the same.
    """
    passwords = {role: get(f"{role.upper()}_PASSWORD") for role in ROLES}
    passwords = {role: password for role, password in passwords.items() if password}
    for role, password in passwords.items():
        if len(password) < MIN_PASSWORD_LENGTH:
            raise ValueError(
                f"{role.upper()}_PASSWORD is too short: "
                f"it needs at least {MIN_PASSWORD_LENGTH} characters."
            )
    if len(set(passwords.values())) < len(passwords):
        raise ValueError("Two roles have the same password: give each role its own.")
    return passwords


def allowed_hosts() -> frozenset[str]:
    """Return the names under which the page and the services answer, in lower case."""
    listed = get("ALLOWED_HOSTS").replace(",", " ").split()
    return LOOPBACK_NAMES | COMPOSE_NAMES | {name.lower() for name in listed}


def is_loopback(host: str) -> bool:
    """Return whether an address belongs to this machine alone."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


class _Values(dict[str, str]):
    """Mapping that looks up settings by name, to fill in a default."""

    def __missing__(self, name: str) -> str:
        return get(name)

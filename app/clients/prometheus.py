"""What the page asks of Prometheus, with typed answers.

A value that is not a number (a quantile of no requests, a ratio 0/0) is None here: there was
nothing to measure, and a chart draws a gap. Failures are those of app.connection: ServiceDown,
ServiceSlow, BadAnswer.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from app.clients.http import BadAnswer, ServiceDown, ServiceSlow

CONNECT_SECONDS = 0.5
READ_SECONDS = 2.0


@dataclass(frozen=True)
class Sample:
    """One value of one series, now. `name` is empty for the result of an expression."""

    name: str
    labels: Mapping[str, str]
    value: float | None


@dataclass(frozen=True)
class Series:
    """One series over a window: a value for each of its times, None where there is none."""

    name: str
    labels: Mapping[str, str]
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Window:
    """Series over one stretch of time. `times` are Unix seconds, `step` apart, oldest first."""

    times: tuple[int, ...]
    step: int
    series: tuple[Series, ...]

    def select(self, name: str, **labels: str) -> list[Series]:
        """The series of that name that carry all of these labels."""
        return [
            series
            for series in self.series
            if series.name == name and labels.items() <= series.labels.items()
        ]


@dataclass(frozen=True)
class Alert:
    """A rule that fires. `summary` says what is wrong, `action` what a person should do: both are
    sentences of monitoring/rules/alerts.yml, with the values of this moment in them.

    `since` is when it became true, not when it had been so for long enough to fire.
    """

    name: str
    labels: Mapping[str, str]
    severity: str
    summary: str
    action: str
    since: datetime


class Prometheus:
    """Queries to the Prometheus at `url`. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        # The library's own defaults are no time limit and three tries, six seconds of waiting.
        self._connection = PrometheusConnect(
            url,
            session=self._session,
            retry=Retry(total=0),
            timeout=(CONNECT_SECONDS, READ_SECONDS),
        )

    def now(self, query: str) -> tuple[Sample, ...]:
        """The query's value at this moment."""
        found = self._ask(lambda: self._connection.custom_query(query))
        return tuple(
            Sample(name, labels, _number(each["value"][1]))
            for each in found
            for name, labels in [_identity(each)]
        )

    def window(self, query: str, *, end: int, seconds: int, step: int) -> Window:
        """The query over the `seconds` until `end`, a value each `step` seconds.

        All times are whole multiples of `step`, so that a later window shares its points with
        this one and a line does not tremble as it moves.
        """
        last = end - end % step
        times = tuple(range(last - seconds, last + 1, step))
        found = self._ask(
            lambda: self._connection.custom_query_range(
                query, _moment(times[0]), _moment(times[-1]), str(step)
            )
        )
        return Window(times, step, tuple(_series(each, times) for each in found))

    def firing(self) -> tuple[Alert, ...]:
        """The alerts that fire at this moment, those that began first in front."""
        found = self._ask(self._alerts)
        alerts = (_alert(each) for each in found if each["state"] == "firing")
        return tuple(sorted(alerts, key=lambda alert: (alert.since, alert.name)))

    def _alerts(self) -> list[dict[str, Any]]:
        """The library has no call for this one."""
        answer = self._session.get(
            f"{self._url}/api/v1/alerts", timeout=(CONNECT_SECONDS, READ_SECONDS)
        )
        answer.raise_for_status()
        try:
            return list(answer.json()["data"]["alerts"])
        except (KeyError, TypeError) as error:
            raise ValueError("not an answer of Prometheus") from error

    def _ask(self, call: Callable[[], Any]) -> list[dict[str, Any]]:
        """Run a query. Raises ServiceDown, ServiceSlow or BadAnswer."""
        try:
            found = call()
        except requests.ReadTimeout as error:
            raise ServiceSlow(f"Prometheus at {self._url} takes too long to answer.") from error
        except requests.ConnectionError as error:
            raise ServiceDown(f"Prometheus does not answer at {self._url}.") from error
        except (PrometheusApiClientException, requests.RequestException, ValueError) as error:
            raise BadAnswer(
                f"What answers at {self._url} does not speak as Prometheus does. "
                "Check PROMETHEUS_URL."
            ) from error
        return list(found)


def _series(found: Mapping[str, Any], times: tuple[int, ...]) -> Series:
    """Prometheus leaves out the moments without a sample: put a gap there."""
    name, labels = _identity(found)
    values = {int(time): _number(text) for time, text in found["values"]}
    return Series(name, labels, tuple(values.get(time) for time in times))


def _alert(found: Mapping[str, Any]) -> Alert:
    labels = dict(found["labels"])
    return Alert(
        name=labels.pop("alertname"),
        severity=labels.pop("severity", ""),
        labels=labels,
        summary=found["annotations"].get("summary", ""),
        action=found["annotations"].get("action", ""),
        since=datetime.fromisoformat(found["activeAt"]),
    )


def _identity(found: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    labels = dict(found["metric"])
    return labels.pop("__name__", ""), labels


def _number(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

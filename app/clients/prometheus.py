"""Prometheus's queries, with typed responses.

A value that is not a number (a quantile of no requests, a ratio 0/0) is None here: there was
nothing to measure, and a chart draws a gap. Failures are those of app.clients.http: ServiceDown,
ServiceTimeout, InvalidResponse.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from pydantic import AfterValidator, AliasPath, AwareDatetime, BaseModel, Field, RootModel
from urllib3.util.retry import Retry

from app.clients.http import InvalidResponse, ResponseModel, ServiceDown, ServiceTimeout
from app.text.translate import _

CONNECT_SECONDS = 0.5
READ_SECONDS = 2.0

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class Sample:
    """The current value of one series. `name` is empty for the result of an expression."""

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


def _without_name_and_severity(labels: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in labels.items() if name not in ("alertname", "severity")}


class Alert(ResponseModel):
    """An alerting rule that fires. `summary` says what is wrong, `action` what a person should do:
    both are sentences of monitoring/rules/alerts.yml, with the current values in them.

    `labels` are those beside `name` and `severity`. `since` is when it became true, not when it
    had been so for long enough to fire.
    """

    name: str = Field(validation_alias=AliasPath("labels", "alertname"))
    labels: Annotated[dict[str, str], AfterValidator(_without_name_and_severity)]
    severity: str = Field("", validation_alias=AliasPath("labels", "severity"))
    summary: str = Field("", validation_alias=AliasPath("annotations", "summary"))
    action: str = Field("", validation_alias=AliasPath("annotations", "action"))
    state: str
    since: AwareDatetime = Field(validation_alias="activeAt")


class _Row(ResponseModel):
    """One series of a response, identified by its labels."""

    metric: dict[str, str]

    @property
    def name(self) -> str:
        return self.metric.get("__name__") or self.metric.get("name", "")

    @property
    def labels(self) -> dict[str, str]:
        return {key: text for key, text in self.metric.items() if key not in ("__name__", "name")}


class _SampleRow(_Row):
    value: tuple[float, float]


class _SeriesRow(_Row):
    values: tuple[tuple[float, float], ...]


class _Vector(RootModel[tuple[_SampleRow, ...]]):
    pass


class _Matrix(RootModel[tuple[_SeriesRow, ...]]):
    pass


class _Alerts(ResponseModel):
    alerts: tuple[Alert, ...] = Field(validation_alias=AliasPath("data", "alerts"))


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
        """Evaluate the query at this moment. Raises ServiceError."""
        rows = self._fetch(_Vector, lambda: self._connection.custom_query(query)).root
        return tuple(Sample(row.name, row.labels, _finite(row.value[1])) for row in rows)

    def window(self, query: str, *, end: int, seconds: int, step: int) -> Window:
        """Evaluate the query over the `seconds` until `end`, once each `step` seconds.

        All times are whole multiples of `step`, so that a later window shares its points with
        this one and a line does not tremble as it moves. A series is named by the label `name` if
        the query gives it one. Raises ServiceError.
        """
        last = end - end % step
        times = tuple(range(last - seconds, last + 1, step))
        matrix = self._fetch(
            _Matrix,
            lambda: self._connection.custom_query_range(
                query, _moment(times[0]), _moment(times[-1]), str(step)
            ),
        )
        return Window(times, step, tuple(_series(row, times) for row in matrix.root))

    def firing(self) -> tuple[Alert, ...]:
        """The alerts that fire at this moment, oldest first. Raises ServiceError."""
        alerts = self._fetch(_Alerts, self._alerts).alerts
        firing = (alert for alert in alerts if alert.state == "firing")
        return tuple(sorted(firing, key=lambda alert: (alert.since, alert.name)))

    def has_pages(self) -> bool:
        """Whether it has web pages for people. Debian's binary is built without their files."""
        try:
            response = self._session.get(
                f"{self._url}/graph", timeout=(CONNECT_SECONDS, READ_SECONDS)
            )
        except requests.RequestException:
            return False
        return response.ok

    def _alerts(self) -> Any:
        """The library has no call for this one."""
        response = self._session.get(
            f"{self._url}/api/v1/alerts", timeout=(CONNECT_SECONDS, READ_SECONDS)
        )
        response.raise_for_status()
        return response.json()

    def _fetch(self, model: type[_Model], request: Callable[[], Any]) -> _Model:
        """Run a request and validate its result. Raises ServiceError."""
        try:
            return model.model_validate(request())
        except requests.ReadTimeout as error:
            text = _("Prometheus at {url} takes too long to answer.")
            raise ServiceTimeout(text.format(url=self._url)) from error
        except requests.ConnectionError as error:
            text = _("Prometheus does not answer at {url}.")
            raise ServiceDown(text.format(url=self._url)) from error
        except (
            PrometheusApiClientException,
            requests.RequestException,
            ValueError,
            KeyError,  # the library takes response["data"]["result"] without a check
            TypeError,
        ) as error:
            raise InvalidResponse(
                _(
                    "The server at {url} does not answer as Prometheus does. Check PROMETHEUS_URL."
                ).format(url=self._url)
            ) from error


def _series(row: _SeriesRow, times: tuple[int, ...]) -> Series:
    """Prometheus leaves out the moments without a sample: put a gap there."""
    values = {int(time): _finite(value) for time, value in row.values}
    return Series(row.name, row.labels, tuple(values.get(time) for time in times))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

"""Series of the recording rules: the Metrics page draws them, Grafana shows the same."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from app.clients.prometheus import Alert, Prometheus, Sample, Window

REFRESH_SECONDS = 2  # as often as Prometheus scrapes

STEPS = {300: 2, 900: 6, 3600: 30, 21_600: 120, 86_400: 600}
"""Seconds between two points of a chart, by the seconds of its time range: at most 180 points."""

PROMOTED = "wardrobe:model_promoted:timestamp_seconds"
LOAD_TESTS = "wardrobe:load_test_pictures:rate1m"
_MARKS = (PROMOTED, LOAD_TESTS)
"""Series for the marks of every chart."""

_MEANS = ("wardrobe:batch_images_bucket:rate1m", "wardrobe:predictions:rate1m")
_LOWEST = ("wardrobe:estimated_accuracy:ratio5m", "wardrobe:shadow_agreement:ratio5m")
"""Of the values between two points a chart shows the highest, but the mean or the lowest of these:
a short burst of errors, or a short drop of the accuracy, must not fall between two points."""

# Every series of this moment. Latency buckets are left out for their size.
_NOW = (
    '{__name__=~"wardrobe:.+",'
    '__name__!~"wardrobe:(latency_seconds_bucket|endpoint_requests|scrape).*"}'
)
_SCRAPE_AGE = "time() - max by (job) (timestamp(up))"


@dataclass(frozen=True)
class Promotion:
    """The moment that a model became live: `time` in Unix seconds."""

    model: str
    time: float


@dataclass(frozen=True)
class LoadTest:
    """A time in which pictures of a load test count, in Unix seconds."""

    start: float
    end: float


@dataclass(frozen=True)
class Status:
    """What Prometheus says of this moment."""

    now: tuple[Sample, ...]
    alerts: tuple[Alert, ...]
    scrape_age: dict[str, float]  # seconds since the last scrape, by job

    def value(self, name: str, **labels: str) -> float | None:
        """The current sum over the series of that name with these labels; None without any."""
        values = [
            sample.value
            for sample in self.now
            if sample.name == name
            and labels.items() <= sample.labels.items()
            and sample.value is not None
        ]
        return sum(values) if values else None

    def is_up(self, job: str) -> bool:
        """Whether a process of this job answered the last scrape."""
        return bool(self.value("wardrobe:up:sum", job=job))


@dataclass(frozen=True)
class Snapshot:
    """This moment, and the window of a section's charts."""

    status: Status
    window: Window

    def promotions(self) -> list[Promotion]:
        """The promotions inside the window, oldest first."""
        found = {
            Promotion(series.labels["model"], value)
            for series in self.window.select(PROMOTED)
            for value in series.values
            if value is not None and value >= self.window.times[0]
        }
        return sorted(found, key=lambda promotion: promotion.time)

    def load_tests(self) -> list[LoadTest]:
        """The times inside the window in which pictures of load tests count, oldest first."""
        found: list[LoadTest] = []
        for series in self.window.select(LOAD_TESTS):
            for moment, value in zip(self.window.times, series.values, strict=True):
                start = moment - self.window.step
                if value and found and found[-1].end == start:
                    found[-1] = LoadTest(found[-1].start, moment)
                elif value:
                    found.append(LoadTest(start, moment))
        return found

    def has_data(self, name: str) -> bool:
        """Whether a series of that name has a value in the window other than 0."""
        return any(value for series in self.window.select(name) for value in series.values)


# Cached: visitors share a response. Without a spinner: it would dim the page at each refresh.
@st.cache_data(ttl=0.9, show_spinner=False, max_entries=10)
def fetch_status(url: str) -> Status:
    """This moment. Raises ServiceError; failures are not cached."""
    client = _client(url)
    now, alerts, ages = _at_once(
        lambda: client.now(_NOW), client.firing, lambda: client.now(_SCRAPE_AGE)
    )
    return Status(now, alerts, {age.labels["job"]: age.value or 0.0 for age in ages})


@st.cache_data(ttl=60, show_spinner=False, max_entries=50)
def fetch_window(url: str, names: tuple[str, ...], seconds: int, end: int) -> Window:
    """The named series and the marks in the `seconds` until `end`, in Unix seconds.

    Raises ServiceError; failures are not cached.
    """
    step, last = STEPS[seconds], end
    if step > REFRESH_SECONDS:
        last += step  # to the end of the step that has just begun
    query = window_query((*names, *_MARKS), step)
    return _client(url).window(query, end=last, seconds=seconds, step=step)


def fetch_snapshot(url: str, names: tuple[str, ...], seconds: int, end: int | None) -> Snapshot:
    """This moment and the window of the named series until `end`; None for now.

    A long window is fetched less often: it costs more, and hardly changes. Raises ServiceError.
    """
    if end is None:
        now = int(time.time())
        end = now - now % max(STEPS[seconds] // 20, 1)
    return Snapshot(fetch_status(url), fetch_window(url, names, seconds, end))


def window_query(names: Sequence[str], step: int) -> str:
    """Return the query of several series with a point each `step` seconds.

    Where a point stands for several scrapes, the values are aggregated. That takes the names away,
    so each series gets its own as the label `name`.
    """
    if step <= REFRESH_SECONDS:
        return f'{{__name__=~"{"|".join(names)}"}}'
    return " or ".join(
        f'label_replace({_aggregate(name)}({name}[{step}s]), "name", "{name}", "", "")'
        for name in names
    )


def _aggregate(name: str) -> str:
    if name in _MEANS:
        return "avg_over_time"
    return "min_over_time" if name in _LOWEST else "max_over_time"


@st.cache_data(ttl=1.5, show_spinner=False, max_entries=10)
def shadow_pictures(url: str, tag: str, since: datetime) -> Mapping[str, int]:
    """The number of pictures since then on which the shadow `agreed` with the live version or
    `disagreed`, and that it `dropped`. Raises ServiceError.
    """
    seconds = max(round((datetime.now(UTC) - since).total_seconds()), 2 * REFRESH_SECONDS)
    series = f'wardrobe_shadow_pictures_total{{model="{tag}"}}'
    query = f"sum by (result) (increase({series}[{seconds}s]))"
    found = {it.labels["result"]: round(it.value or 0) for it in _client(url).now(query)}
    return {result: found.get(result, 0) for result in ("agreed", "disagreed", "dropped")}


@st.cache_data(ttl=60, show_spinner=False, max_entries=10)
def has_pages(url: str) -> bool:
    """Whether Prometheus has web pages at this address."""
    return _client(url).has_pages()


def _at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls at the same time and return their results. Raises what a call raises.

    The threads belong to the visitor's run: an error is in the visitor's language.
    """
    run = get_script_run_ctx()

    def begin() -> None:
        add_script_run_ctx(threading.current_thread(), run)

    with ThreadPoolExecutor(len(calls), initializer=begin) as threads:
        return [future.result() for future in [threads.submit(call) for call in calls]]


@st.cache_resource
def _client(url: str) -> Prometheus:
    return Prometheus(url)

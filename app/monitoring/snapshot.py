"""A snapshot of the recording rules' series: the Metrics page draws it, Grafana shows the same."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import streamlit as st

from app.clients.prometheus import Alert, Prometheus, Sample, Window

REFRESH_SECONDS = 2  # as often as Prometheus scrapes
POINTS = 150  # on a chart; more cannot be told apart

# Every series that is drawn, in one query. Latency buckets are left out for their size.
RECORDED = (
    '{__name__=~"wardrobe:.+",'
    '__name__!~"wardrobe:(latency_seconds_bucket|endpoint_requests|scrape).*"}'
)
SCRAPE_AGE = "time() - max by (job) (timestamp(up))"


@dataclass(frozen=True)
class Promotion:
    """The moment that a model became live: `time` in Unix seconds."""

    model: str
    time: float


@dataclass(frozen=True)
class Snapshot:
    """Prometheus's responses for one drawing of the page."""

    window: Window
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

    def promotions(self) -> list[Promotion]:
        """The promotions inside the window, oldest first."""
        found = {
            Promotion(series.labels["model"], value)
            for series in self.window.select("wardrobe:model_promoted:timestamp_seconds")
            for value in series.values
            if value is not None and value >= self.window.times[0]
        }
        return sorted(found, key=lambda promotion: promotion.time)


# Cached: visitors share a response. Without a spinner: it would dim the page at each refresh.
@st.cache_data(ttl=1.5, show_spinner=False, max_entries=50)
def fetch_snapshot(url: str, seconds: int, end: int | None) -> Snapshot:
    """The series of the `seconds` until `end`, in Unix seconds; None for now.

    Raises ServiceError; failures are not cached.
    """
    client = _client(url)
    step = max(REFRESH_SECONDS, seconds // POINTS)
    return Snapshot(
        window=client.window(RECORDED, end=end or int(time.time()), seconds=seconds, step=step),
        now=client.now(RECORDED),
        alerts=client.firing(),
        scrape_age={sample.labels["job"]: sample.value or 0.0 for sample in client.now(SCRAPE_AGE)},
    )


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


@st.cache_resource
def _client(url: str) -> Prometheus:
    return Prometheus(url)

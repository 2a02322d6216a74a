"""Addresses of Prometheus's pages, of Grafana and of the services' API pages, where they answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import requests
import streamlit as st

import settings
from app.monitoring import snapshot
from app.text.translate import N_

_SECONDS = 1.0


@dataclass(frozen=True)
class Link:
    """A link for the visitor's browser. `label` is English; translate it where it is shown."""

    label: str
    url: str


def query_page(names: Sequence[str], seconds: int) -> str | None:
    """Return the address of Prometheus's page with the graph of these series; None without one.

    `seconds` is the time range.
    """
    base = _for_visitor(settings.get("PROMETHEUS_URL"))
    if base is None or not snapshot.has_pages(settings.get("PROMETHEUS_URL")):
        return None
    query = {
        "g0.expr": f'{{__name__=~"{"|".join(names)}"}}',
        "g0.tab": "0",
        "g0.range_input": f"{seconds}s",
    }
    return f"{base}/graph?{urlencode(query)}"


def pages() -> list[Link]:
    """Return the other pages that show what this one does: Grafana's, and those of the services."""
    found = [Link(N_("Dashboard in Grafana"), url) for url in [_grafana()] if url]
    for label, name in (
        (N_("Classifier's API"), "CLASSIFIER_URL"),
        (N_("Trainer's API"), "TRAINER_URL"),
    ):
        url = _for_visitor(settings.get(name))
        if url and _answers(f"{url}/livez"):
            found.append(Link(label, f"{url}/"))
    return found


def _grafana() -> str | None:
    url = settings.get("GRAFANA_URL").rstrip("/")
    return f"{url}/d/wardrobe" if url and _answers(settings.get("GRAFANA_HEALTH_URL")) else None


def _for_visitor(url: str) -> str | None:
    """Return the address of a process if the visitor's browser can reach it.

    The processes answer on this machine only, so the browser must be on it too.
    """
    hosts = [urlsplit(address).hostname for address in (st.context.url or "", url)]
    if all(host and settings.is_loopback(host) for host in hosts):
        return url.rstrip("/")
    return None


@st.cache_data(ttl=30, show_spinner=False, max_entries=10)
def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=_SECONDS).ok
    except requests.RequestException:
        return False

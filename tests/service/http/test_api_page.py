"""The page at `/` and the documents behind it match what the services really do.

The examples of the documents are captured anew and compared with the committed files: error
messages word by word, other answers by their shape.
"""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from jsonschema import Draft202012Validator
from playwright.sync_api import ConsoleMessage, sync_playwright
from starlette.routing import compile_path

from service.classifier import Classifier
from service.http.middleware import RoutesMiddleware
from service.trainer import Trainer
from tests.support.api_examples.recorder import Call, Recorder, flattened
from tests.support.api_examples.stage import capture_on_own_services, examples_path
from tests.support.browser import launch
from tests.support.processes import MakeHome
from tests.support.shapes import same_shape

Document = dict[str, Any]

SERVICES: dict[str, Any] = {"classifier": Classifier, "trainer": Trainer}
COMMITTED = {name: json.loads(examples_path(name).read_text("utf-8")) for name in SERVICES}
BENTOMLS_OWN = {("get", path) for path in ("/livez", "/healthz", "/readyz", "/metrics")}
OF_THE_PAGE = {"/", "/docs.json"}
BY_CHANCE = ("classify_many", "503", "busy")
"""Only an overload that is fast enough provokes it."""


def operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each call."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def routes_of(service: Any) -> set[tuple[str, str]]:
    """Method and path of each route in a service's code."""
    routes = [
        route
        for kind, options in service.middlewares
        if kind is RoutesMiddleware
        for route in options["routes"]
    ]
    for app, _, _ in service.mount_apps:
        if isinstance(app, FastAPI):
            routes += [it for it in iter_route_contexts(app.routes) if it.path is not None]
    return {
        (method.lower(), compile_path(route.path)[1])
        for route in routes
        for method in (route.methods or set()) - {"HEAD"}
        if route.path not in OF_THE_PAGE
    }


def comparable(value: Any) -> Any:
    """The same without what differs by chance.

    That is the gate in metadata, which leaves out null figures, and the versions whose numbers
    are listed.
    """
    if isinstance(value, list):
        return [comparable(one) for one in value]
    if not isinstance(value, dict):
        return value
    rest = {key: comparable(one) for key, one in value.items()}
    if "metadata" in rest:
        rest["metadata"].pop("gate", None)
    if "numbers" in rest:
        rest["numbers"] = list(rest["numbers"].values())
    return rest


@pytest.fixture(scope="module")
def urls(classifier_url: str, trainer_url: str) -> dict[str, str]:
    return {"classifier": classifier_url, "trainer": trainer_url}


@pytest.fixture(scope="module")
def documents(urls: dict[str, str]) -> dict[str, Document]:
    return {name: requests.get(f"{url}/docs.json", timeout=30).json() for name, url in urls.items()}


@pytest.fixture(scope="module")
def recorder(make_home: MakeHome) -> Recorder:
    return capture_on_own_services(make_home(), make_home())


@pytest.fixture(scope="module")
def captured(recorder: Recorder) -> dict[str, dict[Call, Any]]:
    return {
        name: {call: value for call, _, value in flattened(recorder.examples(name))}
        for name in SERVICES
    }


# --- What the documents say ----------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_every_call_is_documented_and_every_documented_call_is_one(
    service: str, documents: dict[str, Document]
) -> None:
    documented = {(method, path) for method, path, _ in operations(documents[service])}

    assert documented == routes_of(SERVICES[service]) | BENTOMLS_OWN


@pytest.mark.parametrize("service", SERVICES)
def test_each_call_has_a_summary_and_says_how_it_can_succeed(
    service: str, documents: dict[str, Document]
) -> None:
    for method, path, operation in operations(documents[service]):
        assert operation["summary"], (method, path)
        assert {"200", "201", "202", "204"} & set(operation["responses"]), (method, path)
        for parameter in re.findall(r"{(\w+)}", path):
            assert parameter in [it["name"] for it in operation["parameters"]], (method, path)


@pytest.mark.parametrize("service", SERVICES)
def test_each_example_fits_its_schema(service: str, documents: dict[str, Document]) -> None:
    document = documents[service]
    by_id = {operation["operationId"]: operation for _, _, operation in operations(document)}
    for (operation, status, name), media_type, value in flattened(COMMITTED[service]):
        content = by_id[operation]["responses"][status]["content"][media_type]
        assert content["examples"][name]["value"] == value
        schema = {**content["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(value)


@pytest.mark.parametrize("service", SERVICES)
def test_the_examples_are_what_the_service_answers(
    service: str, captured: dict[str, dict[Call, Any]]
) -> None:
    """After a change of them: `python -m tests.support.api_examples`."""
    committed = {call: value for call, _, value in flattened(COMMITTED[service])}
    now = captured[service]
    assert committed.keys() - {BY_CHANCE} == now.keys() - {BY_CHANCE}
    for call in committed.keys() & now.keys():
        if int(call[1]) >= 400:
            assert now[call] == committed[call], call
        else:
            assert same_shape(comparable(now[call]), comparable(committed[call])), (
                call,
                now[call],
            )


# --- The page ------------------------------------------------------------------------------------


@dataclass
class Visit:
    """What somebody sees who opens a page in a browser and tries one of its calls."""

    calls: set[tuple[str, str]]
    problems: list[str]
    asked_outside: list[str]
    tried: str


def note_error(line: ConsoleMessage, problems: list[str]) -> None:
    if line.type == "error":
        problems.append(line.text)


def visit(url: str, operation: str) -> Visit:
    """Open an API page in Chromium and run the operation, which needs no parameters."""
    problems: list[str] = []
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda line: note_error(line, problems))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        page.locator(".opblock").first.wait_for()
        calls = {
            (
                block.locator(".opblock-summary-method").inner_text().lower(),
                block.locator(".opblock-summary-path").inner_text().replace("​", ""),
            )
            for block in page.locator(".opblock").all()
        }
        block = page.locator(f"[id$='-{operation}']")
        block.locator(".opblock-summary").click()
        block.get_by_role("button", name="Try it out").click()
        block.get_by_role("button", name="Execute").click()
        tried = block.locator(".live-responses-table .response-col_status").last.inner_text()
        browser.close()
    here = urlsplit(url).netloc
    return Visit(calls, problems, [it for it in asked if urlsplit(it).netloc != here], tried)


@pytest.fixture(scope="module")
def visits(urls: dict[str, str]) -> dict[str, Visit]:
    """Both pages. In a thread of its own: another test's browser may be open in this one."""
    with ThreadPoolExecutor(1) as visitor:
        return {
            service: visitor.submit(visit, urls[service], operation).result()
            for service, operation in (("classifier", "model"), ("trainer", "list_recipes"))
        }


@pytest.mark.parametrize("service", SERVICES)
def test_the_page_lists_every_call(
    service: str, visits: dict[str, Visit], documents: dict[str, Document]
) -> None:
    documented = {(method, path) for method, path, _ in operations(documents[service])}

    assert visits[service].calls == documented


@pytest.mark.parametrize("service", SERVICES)
def test_a_call_can_be_tried_on_the_page(service: str, visits: dict[str, Visit]) -> None:
    assert visits[service].tried.startswith("200")


@pytest.mark.parametrize("service", SERVICES)
def test_the_page_asks_nobody_else_and_has_no_errors(
    service: str, visits: dict[str, Visit]
) -> None:
    assert visits[service].asked_outside == []
    assert visits[service].problems == []

"""Which call needs which role: one table for both services."""

import re
from dataclasses import dataclass

from service.access.tokens import Role
from service.http.openapi import Access

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

PICTURES, CORRECTIONS, RUNS = "pictures", "corrections", "runs"
"""What is limited for each caller; see rates.py."""


@dataclass(frozen=True)
class Call:
    """What a call needs. `role` is None for what everybody may ask, from everywhere.

    `changes`: a token is needed from loopback addresses too. `takes_form`: a body may be a
    multipart form. `cost` names the limit that it counts against.
    """

    role: Role | None = Role.VIEWER
    changes: bool = False
    takes_form: bool = False
    cost: str | None = None


_OPEN = Call(role=None)
_LOOK = Call()
_CLASSIFY = Call(takes_form=True, cost=PICTURES)
_TEACH = Call(Role.TEACHER, changes=True, cost=CORRECTIONS)
_TEACH_BY_FORM = Call(Role.TEACHER, changes=True, takes_form=True, cost=CORRECTIONS)
_OPERATE = Call(Role.OPERATOR, changes=True)
_TRAIN = Call(Role.OPERATOR, changes=True, cost=RUNS)

UNLISTED = _OPERATE
"""What a call that changes something needs when the table does not name it: the most."""

CALLS = {
    ("GET", "/livez"): _OPEN,
    ("GET", "/healthz"): _OPEN,
    ("GET", "/readyz"): _OPEN,
    ("GET", "/metrics"): _OPEN,
    ("GET", "/"): _LOOK,
    ("GET", "/docs.json"): _LOOK,
    # The classifier
    ("POST", "/classify"): _CLASSIFY,
    ("POST", "/classify_many"): _CLASSIFY,
    ("POST", "/explain"): _CLASSIFY,
    ("POST", "/preview"): _CLASSIFY,
    ("GET", "/model"): _LOOK,
    # The trainer
    ("GET", "/recipes"): _LOOK,
    ("GET", "/runs"): _LOOK,
    ("POST", "/runs"): _TRAIN,
    ("GET", "/runs/{run_id}"): _LOOK,
    ("GET", "/runs/{run_id}/events"): _LOOK,
    ("POST", "/runs/{run_id}/cancel"): _OPERATE,
    ("GET", "/models"): _LOOK,
    ("GET", "/models/numbers"): _LOOK,
    ("GET", "/models/{version}"): _LOOK,
    ("GET", "/problems"): _LOOK,
    ("GET", "/models/{version}/report"): _LOOK,
    ("POST", "/models/{version}/promote"): _OPERATE,
    ("GET", "/shadow"): _LOOK,
    ("PUT", "/shadow"): _OPERATE,
    ("DELETE", "/shadow"): _OPERATE,
    ("GET", "/corrections"): _LOOK,
    ("POST", "/corrections"): _TEACH_BY_FORM,
    ("GET", "/corrections/export"): _LOOK,
    ("POST", "/corrections/import"): _TEACH_BY_FORM,
    ("PATCH", "/corrections/{id}"): _TEACH,
    ("DELETE", "/corrections/{id}"): _TEACH,
    ("GET", "/corrections/{id}/image"): _LOOK,
    ("GET", "/classes"): _LOOK,
    ("POST", "/classes"): _TEACH,
    ("POST", "/classes/undo"): _TEACH,
    ("PATCH", "/classes/{name}"): _TEACH,
    ("DELETE", "/classes/{name}"): _TEACH,
}
"""By method and path, as the OpenAPI documents write it. A `{name}` may have slashes."""


def describe(method: str, path: str) -> Access:
    """A call for the OpenAPI documents. Raises KeyError for one that the table does not name."""
    need = CALLS[method, path]
    return Access(None if need.role is None else need.changes, need.cost is not None)


_WITHOUT_PARAMETERS = {call: need for call, need in CALLS.items() if "{" not in call[1]}
_WITH_PARAMETERS = [
    (method, re.compile(re.sub(r"\{\w+\}", "[^/]+", path.replace("{name}", ".+"))), need)
    for (method, path), need in CALLS.items()
    if "{" in path and method not in READING_METHODS
]


def needs(method: str, path: str) -> Call:
    """What a request needs."""
    found = _WITHOUT_PARAMETERS.get((method, path))
    if found is not None:
        return found
    if method in READING_METHODS:
        return _WITHOUT_PARAMETERS.get(("GET", path), _LOOK)
    for its_method, pattern, need in _WITH_PARAMETERS:
        if method == its_method and pattern.fullmatch(path):
            return need
    return UNLISTED

"""Which role the settings give to a person, and what a role includes."""

import pytest

import settings
from app.login import passwords, roles
from app.login.visitor import visitor_with


@pytest.fixture(autouse=True)
def lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIEWERS", "group:shop")
    monkeypatch.setenv("TEACHERS", " Tom@Shop.example , group:labels")
    monkeypatch.setenv("OPERATORS", "olga@shop.example")


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"email": "tom@shop.example"}, "teacher"),
        ({"email": "OLGA@shop.example", "groups": ["shop"]}, "operator"),
        ({"email": "x@y.example", "groups": ["shop", "labels"]}, "teacher"),
        ({"email": "x@y.example", "groups": "shop"}, "viewer"),
        ({"email": "x@y.example", "groups": ["Shop"]}, None),
        ({"email": "olga@shop.example", "email_verified": False}, None),
        ({"email": "olga@shop.example", "email_verified": "true"}, "operator"),
        ({"email": "group:shop"}, None),
        ({"email": "group:olga@shop.example"}, None),
        ({"email": "*", "groups": [{"name": "shop"}, None]}, None),
        ({}, None),
    ],
)
def test_the_highest_listed_role_counts(claims: dict[str, object], role: str | None) -> None:
    assert roles.role_of(claims) == role


def test_a_star_gives_everybody_the_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIEWERS", "*")
    assert roles.role_of({"sub": "somebody"}) == "viewer"


def test_each_role_includes_those_before_it() -> None:
    for index, role in enumerate(settings.ROLES):
        for other, needed in enumerate(settings.ROLES):
            assert roles.includes(role, needed) == (index >= other)
        assert not roles.includes(None, role)


def test_an_old_log_in_counts_no_more() -> None:
    assert visitor_with({"email": "tom@shop.example", "iat": 1_000_000_000}) is None


def test_a_password_and_a_cookie_belong_to_one_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_PASSWORD", "chalk and board")
    assert passwords.role_with("chalk and board") == "teacher"
    assert passwords.role_with("") is passwords.role_with("chalk and boar") is None
    cookie = passwords.cookie_for("teacher")
    assert passwords.role_in(cookie) == "teacher"
    assert passwords.role_in(cookie.replace("teacher", "operator")) is None
    assert passwords.role_in("operator.a.b") is passwords.role_in(None) is None
    monkeypatch.setenv("TEACHER_PASSWORD", "another password")
    assert passwords.role_in(cookie) is None

"""The page's server itself: host names, headers, WebSockets, uploads, log-in by password."""

from collections.abc import Iterator

import pytest
import requests

from tests.app.conftest import page_beside

PASSWORD = "only for this test"  # noqa: S105
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    down = "http://127.0.0.1:9"
    folder = tmp_path_factory.mktemp("page")
    with page_beside(down, down, folder, OPERATOR_PASSWORD=PASSWORD) as url:
        yield url


def get(url: str, path: str = "/", **headers: str) -> requests.Response:
    return requests.get(url + path, headers=headers, timeout=10, stream=True)


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/_stcore/host-config", "/login"])
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "a@localhost", ""])
def test_a_foreign_host_is_refused_everywhere(url: str, path: str, host: str) -> None:
    assert get(url, path, Host=host).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1234", "[::1]:8501", "app:8501"])
def test_own_names_are_answered(url: str, host: str) -> None:
    assert get(url, Host=host).status_code == 200


def foreign_origins(url: str) -> list[str]:
    """Origins of other pages: of another machine, of no page, on other ports of this machine."""
    port = url.rpartition(":")[2]
    others = [f"http://{name}:1" for name in ("localhost", "127.0.0.1", "[::1]")]
    return ["http://evil.example", "null", "", f"http://localhost:{port}", *others]


def test_a_websocket_opens_for_the_page_only(url: str) -> None:
    path = "/_stcore/stream"
    assert get(url, path, Origin=url, **UPGRADE).status_code == 101
    for origin in foreign_origins(url):
        assert get(url, path, Origin=origin, **UPGRADE).status_code == 403
    headers = {"Host": "evil.example", "Origin": "http://evil.example", **UPGRADE}
    assert get(url, path, **headers).status_code == 403


def test_an_upload_needs_the_xsrf_token(url: str) -> None:
    response = requests.put(
        f"{url}/_stcore/upload_file/session/file", files={"file": b"a"}, timeout=10
    )
    assert response.status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_page_of_another_origin_changes_nothing(url: str, method: str) -> None:
    path = f"{url}/_stcore/upload_file/session/file"
    for origin in foreign_origins(url):
        answer = requests.request(method, path, headers={"Origin": origin}, timeout=10)
        assert (answer.status_code, answer.text[:15]) == (403, "A page of anoth")


def test_behind_a_proxy_that_speaks_https_the_page_is_its_own(url: str) -> None:
    origin = url.replace("http://", "https://")
    assert get(url, "/_stcore/stream", Origin=origin, **UPGRADE).status_code == 101


def test_every_answer_has_the_security_headers(url: str) -> None:
    for path in ("/", "/_stcore/health", "/nowhere"):
        headers = get(url, path).headers
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
        assert "script-src 'self' blob: 'sha256-" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        # The Upload tab takes photos; nothing else of the visitor's machine is used.
        assert headers["Permissions-Policy"] == "camera=(self), microphone=(), geolocation=()"


def log_in(url: str, password: str, **headers: str) -> requests.Response:
    return requests.post(
        f"{url}/login",
        data={"password": password, "page": "//evil.example"},
        headers={"Origin": url, **headers},
        timeout=10,
        allow_redirects=False,
    )


def test_the_log_in_takes_the_password_from_its_own_form_and_slows_down_guessing(url: str) -> None:
    assert log_in(url, PASSWORD, Origin="http://evil.example").status_code == 403
    assert log_in(url, PASSWORD, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    right = log_in(url, PASSWORD)
    assert right.headers["Location"] == "/"
    assert "HttpOnly" in right.headers["Set-Cookie"]
    for _ in range(5):
        wrong = log_in(url, "wrong")
        assert wrong.headers["Location"] == "/?login=wrong"
        assert "Set-Cookie" not in wrong.headers
    assert log_in(url, PASSWORD).headers["Location"] == "/?login=wait"

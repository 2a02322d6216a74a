"""Headers that tell a browser what it may do with an answer.

Every answer forbids other websites to frame or read it. uvicorn sends these as default headers, so
its own answers to broken requests have them too. They are few and short, because uvicorn checks
each by two regular expressions for each answer. The page at `/` (service/http/api_page.html), the
only one with scripts, has a policy for these too.
"""

import base64
import hashlib
import re
from pathlib import Path

API_PAGE = Path(__file__).with_name("api_page.html")

SECURITY_HEADERS = (
    ("content-security-policy", "frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
)
"""Names and values of the headers of every answer."""


def api_page_headers() -> dict[str, str]:
    """Headers of the page at `/`: no scripts but its own. A browser follows both policies."""
    policy = (
        "default-src 'none'",
        f"script-src 'self' {' '.join(_inline_scripts())}",
        "style-src 'self' 'unsafe-inline'",  # the viewer of the API page sets styles on elements
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return {"content-security-policy": "; ".join(policy), "referrer-policy": "no-referrer"}


def _inline_scripts() -> list[str]:
    """Hashes of the scripts in the API page, as a policy lists them."""
    page = API_PAGE.read_text(encoding="utf-8")
    digests = [
        hashlib.sha256(script.encode()).digest()
        for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    ]
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]

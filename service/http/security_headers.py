"""Headers of every answer that tell a browser what it may do with it.

They forbid other websites to frame or read an answer, and scripts other than those of the page at
`/` (service/http/api_page.html). uvicorn sends them as default headers, so they cost no request
anything, and its own answers to broken requests have them too.
"""

import base64
import hashlib
import re
from pathlib import Path

API_PAGE = Path(__file__).with_name("api_page.html")


def security_headers() -> list[tuple[str, str]]:
    """Names and values of the headers."""
    policy = (
        "default-src 'none'",
        f"script-src 'self' {' '.join(_inline_scripts())}",
        "style-src 'self' 'unsafe-inline'",  # the viewer of the API page sets styles on elements
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return [
        ("content-security-policy", "; ".join(policy)),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ]


def _inline_scripts() -> list[str]:
    """Hashes of the scripts in the API page, as a policy lists them."""
    page = API_PAGE.read_text(encoding="utf-8")
    digests = [
        hashlib.sha256(script.encode()).digest()
        for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    ]
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]

"""Log-in at an OpenID Connect provider, as Streamlit's `st.login` wants it configured."""

import hashlib
import hmac
from typing import Any

import settings


def provider_secrets() -> dict[str, Any]:
    """Return Streamlit's secrets for the provider in the settings; empty if there is none.

    The key that signs the cookies is derived from the provider's secret for this page, so that
    visitors stay logged in after a restart. Raises ValueError for settings that contradict.
    """
    if settings.login_method() != "provider" or not settings.get("OIDC_METADATA_URL"):
        return {}
    client_secret = settings.get("OIDC_CLIENT_SECRET")
    key = hmac.new(client_secret.encode(), b"wardrobe cookies", hashlib.sha256)
    return {
        "auth": {
            "redirect_uri": settings.get("OIDC_REDIRECT_URI"),
            "cookie_secret": key.hexdigest(),
            "client_id": settings.get("OIDC_CLIENT_ID"),
            "client_secret": client_secret,
            "server_metadata_url": settings.get("OIDC_METADATA_URL"),
            "client_kwargs": {"scope": settings.get("OIDC_SCOPE")},
        }
    }

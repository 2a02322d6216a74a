"""Entry point of the app: `streamlit run app/server.py` from the repository root.

Streamlit's server with what it lacks: refusal of foreign names and origins, security headers, a
log-in by password, and one at an OpenID Connect provider that is configured by settings.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import streamlit as st
from starlette.middleware import Middleware

from app.login.provider import provider_secrets
from app.web.headers import SecurityHeaders
from app.web.hosts import AllowedHosts
from app.web.origins import OwnOrigin
from app.web.password_login import PasswordLogin

server = st.App(
    Path(__file__).parent / "streamlit_app.py",
    secrets=provider_secrets(),
    routes=PasswordLogin().routes,
    middleware=[Middleware(SecurityHeaders), Middleware(AllowedHosts), Middleware(OwnOrigin)],
)

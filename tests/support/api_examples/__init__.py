"""Examples of the services' answers, captured from real ones.

    python -m tests.support.api_examples

plays every call of the API page against services of its own and writes
service/http/<service>.examples.json, in the form that service/http/openapi.py reads. The test
tests/service/http/test_api_page.py captures anew and compares.
"""

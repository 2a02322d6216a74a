"""What a call answers when it cannot do what it was asked: a status and a sentence."""

from collections.abc import Mapping
from http import HTTPStatus


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """Becomes the answer `{"error": sentence, **details}`. The sentence says what to do."""

    def __init__(
        self,
        status: HTTPStatus,
        sentence: str,
        *,
        details: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.details = details or {}
        self.headers = headers or {}


class NoModel(Refusal):
    """503: there is nothing to answer with, yet."""

    FIRST = "There is no model yet. Train the first one on the Retrain page or by `make train`."

    def __init__(self, sentence: str = FIRST) -> None:
        super().__init__(HTTPStatus.SERVICE_UNAVAILABLE, sentence, headers={"Retry-After": "2"})

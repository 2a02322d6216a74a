"""A scripted classifier that answers each upload by its brightness, and a trainer beside it."""

import io
import re
from dataclasses import dataclass, field

from PIL import Image

from tests.support.app.pages import TAG
from tests.support.app.teaching import TeachableServices
from tests.support.pictures import encoded
from tests.support.scripted_server import Answer, Request, json_answer

SURE, UNSURE, UNKNOWN, BLANK = 200, 150, 100, 50
"""Brightnesses of pictures of which the model is sure, is unsure, knows nothing, sees nothing."""

_ANSWERS = {SURE: ("Bag", 0.9, True), UNSURE: ("Coat", 0.4, True), UNKNOWN: ("Dress", 0.9, False)}
_PNG = re.compile(rb"\x89PNG.*?IEND\xaeB`\x82", re.DOTALL)


def upload_of(brightness: int) -> bytes:
    """Return a PNG of one brightness."""
    return encoded(Image.new("L", (64, 64), brightness))


@dataclass
class UploadServices(TeachableServices):
    """Answers the requests of the Upload tab. `deleted` holds the paths of undone corrections."""

    deleted: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        verb, path, body = request[0], request[1].partition("?")[0], request[2]
        match verb, path:
            case "POST", "/preview":
                return self._preview(body)
            case "POST", "/classify_many":
                return json_answer([self._of_input(png) for png in _PNG.findall(body)])
            case "DELETE", _:
                self.deleted.append(path)
                return json_answer({})
            case _:
                return super().answer(request)

    def _preview(self, body: bytes) -> Answer:
        brightness = _brightness(body)
        if brightness == BLANK:
            return json_answer({"error": "There is nothing to see."}, 422)
        return 200, "image/png", encoded(Image.new("L", (28, 28), brightness))

    def _of_input(self, png: bytes) -> dict[str, object]:
        label, confidence, known = _ANSWERS[_brightness(png)]
        share = (1 - confidence) / (len(self.served) - 1)
        return {
            "label": label,
            "confidence": confidence,
            "probabilities": dict.fromkeys(self.served, share) | {label: confidence},
            "known": known,
            "model": TAG,
        }


def _brightness(png: bytes) -> int:
    """Return the brightness of the middle of a picture, a multiple of 50."""
    with Image.open(io.BytesIO(png)) as picture:
        grey = picture.convert("L")
        pixel = grey.getpixel((grey.width // 2, grey.height // 2))
    assert isinstance(pixel, int)
    return round(pixel / 50) * 50

"""PNG files of the network's input."""

import io

from PIL import Image

from training.model.preprocess import Grey


def encode_png(picture: Grey) -> bytes:
    """Encode a picture, uint8 (28, 28), as a grey PNG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()

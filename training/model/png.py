"""PNG files of preprocessed pictures."""

import io

from PIL import Image

from training.model.preprocess import Grey


def encode_png(image: Grey) -> bytes:
    """Encode a picture, uint8 (28, 28), as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()

"""Photos for tests: rendered, with the noise, the shadows and the clutter of a real one."""

import io

import numpy as np
import pillow_heif
from PIL import Image, ImageDraw, ImageFilter

SIZE = (600, 800)
TROUSERS = [(210, 120), (390, 120), (430, 700), (330, 700), (300, 260), (270, 700), (170, 700)]

pillow_heif.register_heif_opener()


def trousers(size: tuple[int, int] = SIZE) -> Image.Image:
    """Dark blue trousers on a floor of wooden boards, lit from one side."""
    chance = np.random.default_rng(0)
    photo = Image.new("RGB", SIZE, (176, 128, 84))
    draw = ImageDraw.Draw(photo)
    for number, left in enumerate(range(0, SIZE[0], 75)):
        shade = int(chance.integers(-18, 18)) - 70 * (number % 2)
        board = (176 + shade, 128 + shade, 84 + shade)
        draw.rectangle((left, 0, left + 72, SIZE[1]), fill=board, outline=(110, 76, 48))
    draw.polygon(TROUSERS, fill=(34, 44, 84))
    photo = photo.filter(ImageFilter.GaussianBlur(1))
    light = np.linspace(1.15, 0.75, SIZE[0])[None, :, None]
    noise = chance.normal(0, 4, (SIZE[1], SIZE[0], 3))
    pixels = (np.asarray(photo) * light + noise).clip(0, 255)
    return Image.fromarray(pixels.astype(np.uint8)).resize(size)


def silhouette() -> Image.Image:
    """The trousers alone: white on black."""
    image = Image.new("L", SIZE)
    ImageDraw.Draw(image).polygon(TROUSERS, 255)
    return image


def heic(image: Image.Image, orientation: int = 1) -> bytes:
    """A HEIC file as phones write it: its rotation is a property of the file."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = image.copy()
    image.info["exif"] = exif.tobytes()
    file = io.BytesIO()
    image.save(file, "HEIF", quality=80)
    return file.getvalue()


def avif(image: Image.Image, orientation: int = 1) -> bytes:
    """An AVIF file, with its rotation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, "AVIF", quality=80, speed=10, exif=exif)
    return file.getvalue()

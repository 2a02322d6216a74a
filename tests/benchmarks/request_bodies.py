"""Writes the bodies of the benchmarks' requests to files, which wrk sends."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

PNG, NPY = "image/png", "application/x-npy"
BOUNDARY = "wardrobe-benchmark"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"

PICTURES = 512
PICTURES_A_CALL = 256


def write_bodies(folder: Path, images: torch.Tensor) -> None:
    """Write one file per request body, in one folder per kind of body.

    `images` is uint8, (N, 28, 28), with N of at least PICTURES.
    """
    pngs = [_png(image) for image in images[:PICTURES].numpy()]
    calls = [pngs[start : start + PICTURES_A_CALL] for start in range(0, PICTURES, PICTURES_A_CALL)]
    blocks = images[:PICTURES].numpy().reshape(-1, PICTURES_A_CALL, *images.shape[1:])
    kinds = {
        "png": pngs,
        "form": [_form("image", [png]) for png in pngs],
        "list": [_form("images", [png]) for png in pngs],
        "forms": [_form("images", call) for call in calls],
        "array": [_npy(block) for block in blocks],
    }
    for kind, bodies in kinds.items():
        (folder / kind).mkdir(parents=True)
        for number, body in enumerate(bodies):
            (folder / kind / str(number)).write_bytes(body)
        names = "".join(f"{number}\n" for number in range(len(bodies)))
        (folder / kind / "index").write_text(names, encoding="utf-8")


def _png(image: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def _npy(images: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, images)
    return file.getvalue()


def _form(field: str, files: list[bytes]) -> bytes:
    parts = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
        f'name="{field}"; filename="{number}.png"\r\nContent-Type: image/png\r\n\r\n'.encode()
        + file
        + b"\r\n"
        for number, file in enumerate(files)
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()

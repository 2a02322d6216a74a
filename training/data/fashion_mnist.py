"""Fashion-MNIST: found, unpacked or downloaded, verified, and held as tensors.

python -m training.data        prepare the data set under WARDROBE_HOME/data
"""

import argparse
import gzip
import hashlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch

import settings
from training.data.torchvision_datasets import datasets

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
VALIDATION_SIZE = 5_000
"""How many of the 60,000 training pictures choices are made on. No run trains on them."""

_PUBLISHED_MEAN = 0.2865
"""Of the pixels, 0..1: 0.2860 over the training pictures, 0.2868 over the test pictures."""

_DEBIAN_PACKAGE = "dataset-fashion-mnist"
_DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")


class DataError(Exception):
    """The data set is missing or damaged; the message says what to do."""


@dataclass(frozen=True)
class Split:
    """Pictures, uint8 (N, 28, 28), and their classes, int64 (N,) of 0..9."""

    images: torch.Tensor
    labels: torch.Tensor

    def first_of_each_class(self, count: int) -> "Split":
        """Return the first `count` pictures of each class, class by class."""
        rows = [
            (self.labels == label).nonzero().flatten()[:count] for label in self.labels.unique()
        ]
        chosen = torch.cat([*rows, self.labels.new_empty(0)])  # without pictures there are no rows
        return Split(self.images[chosen], self.labels[chosen])


@dataclass(frozen=True)
class FashionMNIST:
    """The data set in memory, with its names. `fingerprint` is a SHA-256 of its content."""

    train: Split
    validation: Split
    class_names: tuple[str, ...]
    fingerprint: str


def folder() -> Path:
    """Where the data set lives: torchvision's root, with FashionMNIST/raw inside."""
    return settings.home() / "data"


def prepare() -> Path:
    """Make sure that the data set is there and whole, and return its root folder.

    An existing folder wins; else Debian's package, where apt is; else torchvision downloads it.
    Raises DataError when none of them works.
    """
    root = folder()
    raw = root / "FashionMNIST" / "raw"
    if not _complete(raw):
        raw.mkdir(parents=True, exist_ok=True)
        if not _from_debian(raw):
            _from_torchvision(root)
        for train in (True, False):
            _read(root, train=train)
    return root


def load() -> FashionMNIST:
    """The training pictures, split into training and validation the same way at each call.

    The test set is not part of it: `load_test` reads it, once, for the final figure.
    Raises DataError as `prepare` does.
    """
    root = prepare()
    pictures, class_names = _read(root, train=True)
    order = torch.randperm(len(pictures.labels), generator=torch.Generator().manual_seed(0))
    held_out, kept = order[:VALIDATION_SIZE], order[VALIDATION_SIZE:]
    return FashionMNIST(
        train=Split(pictures.images[kept], pictures.labels[kept]),
        validation=Split(pictures.images[held_out], pictures.labels[held_out]),
        class_names=class_names,
        fingerprint=_fingerprint(root),
    )


def load_test() -> Split:
    """The 10,000 test pictures. Raises DataError as `prepare` does."""
    pictures, _ = _read(prepare(), train=False)
    return pictures


def _read(root: Path, *, train: bool) -> tuple[Split, tuple[str, ...]]:
    """The training or the test pictures, checked by content, and the class names.

    Checked are shapes, equal classes and the published mean. Raises DataError naming what is wrong.
    """
    size = 60_000 if train else 10_000
    try:
        dataset = datasets().FashionMNIST(root, train=train)
    except (RuntimeError, ValueError, OSError, AssertionError) as error:
        raise _damaged(root, str(error)) from error
    split = Split(dataset.data, dataset.targets)
    if split.images.shape != (size, 28, 28):
        raise _damaged(root, f"{size:,} pictures of 28x28 expected")
    if split.labels.bincount().tolist() != [size // 10] * 10:
        raise _damaged(root, "the ten classes are not of equal size")
    if abs(split.images.float().mean().item() / 255 - _PUBLISHED_MEAN) > 0.001:
        raise _damaged(root, "the pictures are not those of Fashion-MNIST")
    return split, tuple(dataset.classes)


def _complete(raw: Path) -> bool:
    """Whether the four files are there with the sizes that their format fixes."""
    sizes = (16 + 60_000 * 784, 8 + 60_000, 16 + 10_000 * 784, 8 + 10_000)
    return all(
        (raw / name).is_file() and (raw / name).stat().st_size == size
        for name, size in zip(FILES, sizes, strict=True)
    )


def _from_debian(raw: Path) -> bool:
    """Unpack Debian's package into `raw`: installed, or fetched by apt without installing it."""
    if _DEBIAN_FOLDER.is_dir():
        _unpack(_DEBIAN_FOLDER, raw)
        return True
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return False
    with tempfile.TemporaryDirectory() as scratch:
        # Lists of its own: only root may renew the machine's, and a container's are empty.
        lists, cache = Path(scratch, "lists"), Path(scratch, "cache")
        for needed in (lists, cache / "archives"):
            (needed / "partial").mkdir(parents=True)
        own = ("-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}")
        fetched = _run("apt-get", "download", _DEBIAN_PACKAGE, cwd=scratch) or (
            _run("apt-get", "update", *own, cwd=scratch)
            and _run("apt-get", "download", _DEBIAN_PACKAGE, *own, cwd=scratch)
        )
        packages = list(Path(scratch).glob("*.deb"))
        if not fetched or not packages:
            return False
        if not _run("dpkg-deb", "-x", packages[0].name, "unpacked", cwd=scratch):
            return False
        _unpack(Path(scratch) / "unpacked" / _DEBIAN_FOLDER.relative_to("/"), raw)
    return True


def _run(*command: str, cwd: str) -> bool:
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False).returncode == 0  # noqa: S603


def _unpack(source: Path, raw: Path) -> None:
    for name in FILES:
        part = raw / f"{name}.part"
        with gzip.open(source / f"{name}.gz") as packed, part.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        part.replace(raw / name)


def _from_torchvision(root: Path) -> None:
    try:
        datasets().FashionMNIST(root, download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            "Fashion-MNIST could not be fetched: there is no network, or its hosts are down "
            f"({error}). Try again later, install Debian's package {_DEBIAN_PACKAGE}, or put the "
            f"four unpacked files ({', '.join(FILES)}) into {root / 'FashionMNIST' / 'raw'}."
        ) from error


def _damaged(root: Path, reason: str) -> DataError:
    return DataError(
        f"The data set in {root} is damaged: {reason}. Delete that folder and try again."
    )


def _fingerprint(root: Path) -> str:
    digest = hashlib.sha256()
    for name in FILES[:2]:
        digest.update((root / "FashionMNIST" / "raw" / name).read_bytes())
    return digest.hexdigest()


def main() -> int:
    """Prepare the data set; exit code 1 and one sentence when it cannot be had."""
    argparse.ArgumentParser(description="Prepare Fashion-MNIST under WARDROBE_HOME.").parse_args()
    try:
        print(f"Fashion-MNIST is ready in {prepare()}.")  # noqa: T201
    except OSError as error:
        print(f"The data set cannot be written to {folder()}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except DataError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

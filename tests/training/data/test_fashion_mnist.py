"""The data set: found, checked, split; and the error message when it is missing."""

from pathlib import Path

import pytest
import torch

from training.data import fashion_mnist


@pytest.fixture
def copied(dataset_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder with links to the four files, to damage at will."""
    raw = tmp_path / "data" / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name in fashion_mnist.FILES:
        (raw / name).symlink_to(dataset_folder / "FashionMNIST" / "raw" / name)
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    return raw


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Debian's package, without apt and without a network."""
    monkeypatch.setattr(fashion_mnist, "_DEBIAN_FOLDER", Path("/nonexistent"))
    monkeypatch.setenv("PATH", "")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there


def test_the_split_is_the_same_at_each_call_and_covers_the_training_set(copied: Path) -> None:
    first, second = fashion_mnist.load(), fashion_mnist.load()
    assert torch.equal(first.validation.images, second.validation.images)
    assert len(first.train.labels) == 55_000
    assert len(first.validation.labels) == fashion_mnist.VALIDATION_SIZE
    together = torch.cat((first.train.labels, first.validation.labels)).bincount()
    assert together.tolist() == [6_000] * 10
    assert first.class_names[0] == "T-shirt/top"
    assert first.class_names[9] == "Ankle boot"


def test_the_test_set_is_whole(copied: Path) -> None:
    assert fashion_mnist.load_test().labels.bincount().tolist() == [1_000] * 10


def test_a_damaged_file_is_named_and_what_to_do_about_it(copied: Path) -> None:
    labels = copied / "train-labels-idx1-ubyte"
    content = bytearray(labels.read_bytes())
    labels.unlink()
    content[100:200] = bytes(100)
    labels.write_bytes(content)
    with pytest.raises(fashion_mnist.DataError, match=r"damaged.*Delete that folder"):
        fashion_mnist.load()


@pytest.mark.usefixtures("nowhere")
def test_without_a_network_the_message_says_where_to_put_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WARDROBE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["training.data.fashion_mnist"])
    assert fashion_mnist.main() == 1
    message = capsys.readouterr().err
    assert "could not be fetched" in message
    assert str(tmp_path / "data" / "FashionMNIST" / "raw") in message
    assert "Traceback" not in message


def test_a_file_that_was_cut_off_is_fetched_anew(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = copied / "t10k-images-idx3-ubyte"
    whole = images.read_bytes()
    images.unlink()
    images.write_bytes(whole[:1000])
    fashion_mnist.prepare()
    assert images.read_bytes() == whole

"""The versions of the model and which of them is the champion, the one that is served.

Versions live in a BentoML model store, WARDROBE_HOME/models, so `bentoml models list`, `export`
and `import` work on them with BENTOML_HOME=WARDROBE_HOME. A version is a state_dict and a
description; class names stand in its metadata, so that nothing of it is ever unpickled.

torch is imported where weights are handled: the trainer lists and promotes versions without it.
"""

import contextlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bentoml

# The store's class has no public name, and without it the store's place hangs on what
# BENTOML_HOME was when the process began. Pinned by requirements.lock.
from bentoml._internal.models.model import ModelStore
from bentoml.exceptions import BentoMLException

import settings
from training.store import files, locks, tags
from training.store.tags import MODEL_NAME

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import nn

    from training.model.accuracy_estimator import AccuracyEstimator
    from training.model.preprocess import Grey

_WEIGHTS = "weights.pt"
_REPORT = "report.json"
_ESTIMATOR = "accuracy_estimator.pt"
_VERSION = re.compile(r"\w[\w.-]{0,62}", re.ASCII)
"""Pattern of a version, as BentoML allows it. No other name reaches the file system."""


class ModelError(Exception):
    """A version is missing, incomplete or cannot be loaded; the message says which and why."""


@dataclass(frozen=True)
class Model:
    """A version, loaded: its network in evaluation mode and the names of its outputs.

    `accuracy_estimator` estimates its accuracy without labels; it is None for a version that was
    stored without one.
    """

    tag: str
    network: "nn.Module"
    class_names: tuple[str, ...]
    metadata: dict[str, Any] = field(default_factory=dict)
    accuracy_estimator: "AccuracyEstimator | None" = None

    def probabilities(self, images: "Grey") -> "npt.NDArray[np.float32]":
        """Return probabilities, float (N, C), of pictures, uint8 (N, 28, 28)."""
        import torch

        from training.model.preprocess import to_input

        with torch.inference_mode():
            scores: npt.NDArray[np.float32] = self.network(to_input(images)).softmax(dim=1).numpy()
        return scores


@dataclass(frozen=True)
class Version:
    """A version's description, as the store keeps it. `created_at` is ISO 8601, UTC."""

    tag: str
    created_at: str
    labels: dict[str, str]
    metadata: dict[str, Any]
    size_bytes: int

    @property
    def version(self) -> str:
        """The tag's second half."""
        return tags.version_of(self.tag)


def save(
    network: "nn.Module",
    *,
    labels: dict[str, str],
    metadata: dict[str, Any],
    accuracy_estimator: "AccuracyEstimator | None" = None,
    report: dict[str, Any] | None = None,
) -> str:
    """Store a new version, with its estimator and report if there are, and return its tag.

    `metadata` must hold `network` (a name in networks.NETWORKS) and `class_names`; BentoML keeps
    no None in it, so what is None is left out. The version
    appears in the store by one rename: a process that is killed leaves no half of it there.
    """
    import torch

    scratch = Path(tempfile.mkdtemp(dir=_made(settings.home() / "staging")))
    try:
        with bentoml.models.create(
            MODEL_NAME,
            labels=labels,
            metadata=_without_none(metadata),
            custom_objects={"class_names": metadata["class_names"]},
            _model_store=ModelStore(scratch),
        ) as model:
            torch.save(network.state_dict(), model.path_of(_WEIGHTS))
            if accuracy_estimator is not None:
                torch.save(accuracy_estimator.state_dict(), model.path_of(_ESTIMATOR))
            if report is not None:
                Path(model.path_of(_REPORT)).write_text(json.dumps(report), encoding="utf-8")
        tag = str(model.tag)
        target = _path(tag)
        target.parent.mkdir(parents=True, exist_ok=True)
        (scratch / MODEL_NAME / target.name).rename(target)
        files.replace(target.parent / "latest", target.name)
        return tag
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def adopt(tag: str, folder: Path) -> None:
    """Copy a version that lies in `folder` into the store and make it the champion.

    Does nothing where there is a champion. Several processes may do this at once.
    """
    if champion() is not None:
        return
    target = _path(tag)
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=_made(settings.home() / "staging")))
        try:
            copied = shutil.copytree(folder, scratch / target.name)
            with contextlib.suppress(OSError):  # another process has just put it there
                copied.rename(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        files.replace(target.parent / "latest", target.name)
    set_champion(tag)


def load(tag: str) -> Model:
    """Rebuild a version's network and load its weights, without unpickling anything.

    Raises ModelError when it is missing, incomplete or does not fit its network.
    """
    import torch

    from training.model import networks

    description = describe(tag)
    try:
        class_names = tuple(description.metadata["class_names"])
        network = networks.build(description.metadata["network"], len(class_names))
        weights = torch.load(_path(tag) / _WEIGHTS, map_location="cpu", weights_only=True)
        network.load_state_dict(weights)
        estimator = _load_estimator(tag, len(class_names))
    # A damaged file makes torch.load raise nearly anything: EOFError, UnpicklingError, KeyError …
    except Exception as error:
        raise ModelError(
            f"{tag} cannot be loaded: its weights are damaged or do not fit its network "
            f"({type(error).__name__})."
        ) from error
    return Model(tag, network.eval(), class_names, description.metadata, estimator)


def _load_estimator(tag: str, classes: int) -> "AccuracyEstimator | None":
    import torch

    from training.model.accuracy_estimator import AccuracyEstimator

    if not (_path(tag) / _ESTIMATOR).is_file():
        return None
    estimator = AccuracyEstimator(classes)
    estimator.load_state_dict(
        torch.load(_path(tag) / _ESTIMATOR, map_location="cpu", weights_only=True)
    )
    return estimator.eval()


def is_stored(tag: str) -> bool:
    """Whether there is such a version, readable or not. Raises ModelError as `describe` does."""
    return _path(tag).is_dir()


def describe(tag: str) -> Version:
    """A version's labels and metadata. Raises ModelError when it is not in the store."""
    if not is_stored(tag):
        raise ModelError(f"There is no version {tag} in the model store.")
    try:
        model = _store().get(tag)
    except (BentoMLException, OSError, ValueError, TypeError) as error:
        raise ModelError(f"{tag} has no readable description: {error}") from error
    return Version(
        tag=str(model.tag),
        created_at=model.info.creation_time.isoformat(),
        labels=dict(model.info.labels),
        metadata=dict(model.info.metadata),
        size_bytes=int(model.file_size),
    )


def report(tag: str) -> dict[str, Any] | None:
    """Return the gate's report on a version, or None if there is none.

    Raises ModelError when the version is not in the store.
    """
    describe(tag)
    try:
        found: dict[str, Any] = json.loads((_path(tag) / _REPORT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def list_versions() -> list[Version]:
    """Every version that can be read, newest first."""
    folder = settings.home() / "models" / MODEL_NAME
    if not folder.is_dir():
        return []
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            try:
                found.append(describe(tags.to_tag(entry.name)))
            except ModelError:  # half a version that somebody copied in is no version
                continue
    return sorted(found, key=lambda version: version.created_at, reverse=True)


def champion() -> str | None:
    """Return the champion's tag, or None before the first model."""
    try:
        return champion_path().read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def promote(tag: str) -> None:
    """Make a version the champion, atomically. Raises ModelError when it does not load."""
    load(tag)
    set_champion(tag)


@contextlib.contextmanager
def choosing_champion() -> Iterator[str | None]:
    """One process at a time compares with the champion and replaces it. Gives the present one."""
    with locks.locked(settings.home() / ".champion.lock"):
        yield champion()


def set_champion(tag: str | None) -> None:
    """Name the champion without loading it; None goes back to before the first."""
    if tag is None:
        champion_path().unlink(missing_ok=True)
    else:
        files.replace(champion_path(), f"{tag}\n")


def champion_path() -> Path:
    """The file that classifiers watch."""
    return settings.home() / "champion"


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return value


def _store() -> ModelStore:
    return ModelStore(_made(settings.home() / "models"))


def _path(tag: str) -> Path:
    """Where a version lies. Raises ModelError for a tag that is no tag of ours."""
    version = tags.version_of(tag)
    if tag != f"{MODEL_NAME}:{version}" or not _VERSION.fullmatch(version):
        raise ModelError(f"{tag!r} is not a version of {MODEL_NAME}.")
    return settings.home() / "models" / MODEL_NAME / version


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder

"""The versions of the model and which of them is the champion, the one that is served.

Versions live in a BentoML model store, WARDROBE_HOME/models, so `bentoml models list`, `export`
and `import` work on them with BENTOML_HOME=WARDROBE_HOME. A version is a state_dict and a
description; class names stand in its metadata, so that nothing of it is ever unpickled.

torch is imported where weights are handled: the trainer lists and promotes versions without it.
"""

import contextlib
import hashlib
import io
import json
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

import settings
from training.model.familiarity import KNOWN_FROM
from training.store import files, numbers
from training.store.descriptions import (
    CHECKSUMS,
    ESTIMATOR,
    EXAMPLES,
    FAMILIARITY,
    REPORT,
    WEIGHTS,
    DamagedVersion,
    ModelError,
    Version,
    class_names,
    damaged,
    describe,
    describe_champion,
    is_stored,
    list_versions,
    report,
    stored_tags,
)
from training.store.descriptions import folder as folder_of
from training.store.promotions import (
    champion,
    champion_path,
    champion_problem,
    choosing_champion,
    former_champions,
    set_champion,
)
from training.store.tags import MODEL_NAME

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from training.model.accuracy_estimator import AccuracyEstimator
    from training.model.examples import Examples
    from training.model.familiarity import Familiarity
    from training.model.networks import Network
    from training.model.preprocess import Grey

__all__ = [
    "DamagedVersion",
    "Model",
    "ModelError",
    "Predictions",
    "Version",
    "adopt",
    "champion",
    "champion_path",
    "champion_problem",
    "choosing_champion",
    "class_names",
    "damaged",
    "describe",
    "describe_champion",
    "former_champions",
    "is_stored",
    "list_versions",
    "load",
    "load_examples",
    "promote",
    "report",
    "save",
    "set_champion",
    "stored_tags",
]


@dataclass(frozen=True)
class Predictions:
    """What a version says of N pictures: probabilities, float (N, C), and familiarity, float (N,).

    Familiarity, 0..1, is None for a version that was stored without its statistics.
    """

    probabilities: "npt.NDArray[np.float32]"
    familiarity: "npt.NDArray[np.float64] | None"

    @property
    def known(self) -> "npt.NDArray[np.bool_] | None":
        """Whether the version knows each picture, bool (N,)."""
        return None if self.familiarity is None else self.familiarity >= KNOWN_FROM

    def rows(self, rows: "npt.NDArray[np.intp]") -> "Predictions":
        """Return what it says of some of the pictures."""
        familiarity = None if self.familiarity is None else self.familiarity[rows]
        return Predictions(self.probabilities[rows], familiarity)


@dataclass(frozen=True)
class Model:
    """A version, loaded: its network in evaluation mode and the names of its outputs.

    `accuracy_estimator` estimates its accuracy without labels, `familiarity` tells which pictures
    it does not know. Both are None for a version that was stored without them.
    """

    tag: str
    network: "Network"
    class_names: tuple[str, ...]
    metadata: dict[str, Any] = field(default_factory=dict)
    accuracy_estimator: "AccuracyEstimator | None" = None
    familiarity: "Familiarity | None" = None

    def probabilities(self, images: "Grey") -> "npt.NDArray[np.float32]":
        """Return probabilities, float (N, C), of pictures, uint8 (N, 28, 28)."""
        return self.outputs(images)[0]

    def predict(self, images: "Grey") -> Predictions:
        """Return probabilities and familiarity of pictures, uint8 (N, 28, 28)."""
        probabilities, features, logits = self.outputs(images)
        if self.familiarity is None:
            return Predictions(probabilities, None)
        return Predictions(probabilities, self.familiarity.measure(features, logits))

    def outputs(self, images: "Grey") -> "tuple[npt.NDArray[np.float32], ...]":
        """Return probabilities, features and logits, float (N, C), (N, F) and (N, C), of pictures,
        uint8 (N, 28, 28)."""
        import torch

        from training.model.preprocess import to_input

        with torch.inference_mode():
            features, logits = self.network.features_and_logits(to_input(images))
            return logits.softmax(dim=1).numpy(), features.numpy(), logits.numpy()


def save(
    network: "Network",
    *,
    labels: dict[str, str],
    metadata: dict[str, Any],
    accuracy_estimator: "AccuracyEstimator | None" = None,
    familiarity: "Familiarity | None" = None,
    examples: "Examples | None" = None,
    report: dict[str, Any] | None = None,
) -> str:
    """Store a new version, with what else is given, and return its tag.

    `metadata` must hold `network` (a name in networks.NETWORKS) and `class_names`; BentoML keeps
    no None in it, so what is None is left out. The version gets the next number, and appears in the
    store by one rename: a process that is killed leaves no half of it there.
    """
    import torch

    with _staging() as scratch, numbers.next_number() as number:
        with bentoml.models.create(
            MODEL_NAME,
            labels=labels,
            metadata=_without_none({**metadata, "number": number}),
            custom_objects={"class_names": metadata["class_names"]},
            _model_store=ModelStore(scratch),
        ) as model:
            torch.save(network.state_dict(), model.path_of(WEIGHTS))
            if accuracy_estimator is not None:
                torch.save(accuracy_estimator.state_dict(), model.path_of(ESTIMATOR))
            if familiarity is not None:
                torch.save(familiarity.state_dict(), model.path_of(FAMILIARITY))
            if examples is not None:
                torch.save(examples.state_dict(), model.path_of(EXAMPLES))
            if report is not None:
                Path(model.path_of(REPORT)).write_text(json.dumps(report), encoding="utf-8")
            model.info.metadata[CHECKSUMS] = {
                name: files.sha256(Path(model.path_of(name)))
                for name in (WEIGHTS, ESTIMATOR, FAMILIARITY, EXAMPLES, REPORT)
                if Path(model.path_of(name)).is_file()
            }
        tag = str(model.tag)
        target = folder_of(tag)
        target.parent.mkdir(parents=True, exist_ok=True)
        (scratch / MODEL_NAME / target.name).rename(target)
        numbers.record(target.name, number)
        files.replace(target.parent / "latest", target.name)
        return tag


def adopt(tag: str, folder: Path) -> None:
    """Copy a version that lies in `folder` into the store and make it the champion.

    Does nothing where there is a champion. Several processes may do this at once.
    """
    if champion() is not None:
        return
    target = folder_of(tag)
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with _staging() as scratch:
            copied = shutil.copytree(folder, scratch / target.name)
            with contextlib.suppress(OSError):  # another process has just put it there
                copied.rename(target)
        files.replace(target.parent / "latest", target.name)
    set_champion(tag)


def load(tag: str) -> Model:
    """Rebuild a version's network and load its weights, without unpickling anything.

    Raises ModelError when it is missing, incomplete, damaged or does not fit its network.
    """
    import torch

    from training.model import networks

    description = describe(tag)
    try:
        class_names = tuple(description.metadata["class_names"])
        network = networks.build(description.metadata["network"], len(class_names))
        weights = torch.load(_read(description, WEIGHTS), map_location="cpu", weights_only=True)
        network.load_state_dict(weights)
        estimator = _load_estimator(description, len(class_names))
        familiarity = _load_familiarity(description, network.head.in_features)
    except DamagedVersion:
        raise
    # A damaged file makes torch.load raise nearly anything: EOFError, UnpicklingError, KeyError …
    except Exception as error:
        raise ModelError(
            f"{tag} cannot be loaded: its weights are damaged or do not fit its network "
            f"({type(error).__name__})."
        ) from error
    return Model(tag, network.eval(), class_names, description.metadata, estimator, familiarity)


def load_examples(tag: str) -> "Examples | None":
    """Load the pictures that a version explains its answers with; None if it has none.

    Raises ModelError when the version is missing, DamagedVersion when its examples are damaged.
    """
    import torch

    from training.model.examples import Examples

    description = describe(tag)
    try:
        content = _read(description, EXAMPLES)
        state = torch.load(content, map_location="cpu", weights_only=True)
        return Examples.from_state_dict(state, len(description.metadata["class_names"]))
    except FileNotFoundError:
        if EXAMPLES not in description.metadata.get(CHECKSUMS, {}):
            return None
        reason = f"{EXAMPLES} is missing; the version itself is whole"
        raise DamagedVersion(tag, reason) from None
    except DamagedVersion:
        raise
    # A damaged file makes torch.load raise nearly anything: EOFError, UnpicklingError, KeyError …
    except Exception as error:
        reason = f"{EXAMPLES} cannot be read ({type(error).__name__}); the version itself is whole"
        raise DamagedVersion(tag, reason) from error


def _load_estimator(description: Version, classes: int) -> "AccuracyEstimator | None":
    import torch

    from training.model.accuracy_estimator import AccuracyEstimator

    if not (folder_of(description.tag) / ESTIMATOR).is_file():
        return None
    estimator = AccuracyEstimator(classes)
    estimator.load_state_dict(
        torch.load(_read(description, ESTIMATOR), map_location="cpu", weights_only=True)
    )
    return estimator.eval()


def _load_familiarity(description: Version, features: int) -> "Familiarity | None":
    import torch

    from training.model.familiarity import Familiarity

    if not (folder_of(description.tag) / FAMILIARITY).is_file():
        return None
    content = _read(description, FAMILIARITY)
    found = Familiarity.from_state_dict(torch.load(content, map_location="cpu", weights_only=True))
    if len(found.projection) != features:
        raise ValueError(FAMILIARITY)
    return found


def _read(description: Version, name: str) -> io.BytesIO:
    """Read a file of a version, and compare exactly these bytes with its checksum."""
    content = (folder_of(description.tag) / name).read_bytes()
    wanted = description.metadata.get(CHECKSUMS, {}).get(name)
    if wanted is not None and wanted != hashlib.sha256(content).hexdigest():
        raise DamagedVersion(description.tag, f"{name} is not the file that was stored")
    return io.BytesIO(content)


def promote(tag: str) -> None:
    """Make a version the champion, atomically. Raises ModelError when it does not load."""
    load(tag)
    set_champion(tag)


@contextlib.contextmanager
def _staging() -> Iterator[Path]:
    """A folder on the store's disk for what is being written, removed after the block."""
    parent = settings.home() / "staging"
    parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return value

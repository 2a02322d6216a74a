"""torchvision's data sets, also where its compiled operators do not fit the installed torch.

The torchvision of PyPI is linked to CUDA. Beside a CPU build of torch, `import torchvision` stops
at operators that are not there, though the data sets need none of them.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import torch

_declared: list[Any] = []  # torch forgets a declaration when its Library is collected


def datasets() -> ModuleType:
    """The module `torchvision.datasets`."""
    try:
        return import_module("torchvision.datasets")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        _declare_missing_operators()
        return import_module("torchvision.datasets")


def _declare_missing_operators() -> None:
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(library)

"""Pictures that show on what two versions differ, for the gate's report."""

import base64
from dataclasses import dataclass

import torch

from training.data.fashion_mnist import Split
from training.model.png import encode_png

_OF_EACH_CLASS = 3


@dataclass(frozen=True)
class Differences:
    """Pictures, of which the first `corrections` are corrections, and what two versions say.

    `before` and `after` are their probabilities, float (N, C), for `names`.
    """

    pictures: Split
    names: tuple[str, ...]
    corrections: int
    before: torch.Tensor
    after: torch.Tensor

    def of_each_class(self, *, right: torch.Tensor) -> list[dict[str, str]]:
        """Return a few pictures of each class that only one version, `right`, classifies correctly.

        `right` is `before` or `after`. Corrections come first; the rest by descending confidence.
        """
        before, after = self.before.argmax(1).tolist(), self.after.argmax(1).tolist()
        confidence, answer = right.max(1)
        is_right = (answer == self.pictures.labels).tolist()
        rows = [row for row, good in enumerate(is_right) if good and before[row] != after[row]]
        rows.sort(key=lambda row: (row >= self.corrections, -float(confidence[row])))
        found, counts = [], [0] * len(self.names)
        for row in rows:
            label = int(self.pictures.labels[row])
            if counts[label] == _OF_EACH_CLASS:
                continue
            counts[label] += 1
            png = encode_png(self.pictures.images[row].numpy())
            found.append(
                {
                    "png": base64.b64encode(png).decode("ascii"),
                    "label": self.names[label],
                    "before": self.names[before[row]],
                    "after": self.names[after[row]],
                    "set": "correction" if row < self.corrections else "validation",
                }
            )
        return found

"""Charts by class, of two to fifty classes."""

from datetime import UTC, datetime

import pytest

from app.charts import per_class
from app.clients.trainer import Model


def version(names: list[str]) -> Model:
    return Model.model_validate(
        {
            "tag": "fashion_mnist_model:one",
            "version": "one",
            "champion": True,
            "created_at": datetime.now(UTC),
            "metadata": {"per_class_accuracy": dict.fromkeys(names, 0.9)},
            "size_bytes": 1,
        }
    )


@pytest.mark.parametrize("count", [2, 10, 50])
def test_every_class_has_a_row_that_can_be_read(count: int) -> None:
    names = [f"Kind {number}" for number in range(count)]
    height = per_class.height_for(count, 380)
    assert height / count >= 380 / 10  # none is narrower than one of ten
    figure = per_class.confusion_matrix_chart([[1] * count] * count, names)
    assert list(figure.data[0].x) == names
    assert len(figure.layout.annotations) == (count if count <= 16 else 0)


def test_a_class_named_by_digits_is_a_class_and_no_number() -> None:
    names = ["501", "2024-11-28", "Hat"]
    for figure in (
        per_class.accuracy_chart(version(names), None),
        per_class.comparison_chart(version(names), version(names)),
        per_class.confusion_matrix_chart([[1] * 3] * 3, names),
    ):
        assert figure.layout.yaxis.type == "category"
        assert figure.layout.yaxis.dtick == 1

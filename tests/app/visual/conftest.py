"""One page on scripted services, for all scenes."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.app.conftest import page_beside, scripted_server
from tests.support.scenes.stage import SERVICES, Stage


class Staged(NamedTuple):
    """The services behind a page, and its address."""

    stage: Stage
    url: str


@pytest.fixture(scope="package")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    with scripted_server() as classifier, scripted_server() as trainer, scripted_server() as other:
        stage = Stage(dict(zip(SERVICES, (classifier, trainer, other), strict=True)))
        folder = tmp_path_factory.mktemp("scenes")
        with page_beside(classifier.url, trainer.url, folder, other.url) as url:
            yield Staged(stage, url)

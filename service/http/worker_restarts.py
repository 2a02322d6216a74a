"""How soon a worker that has died is started again.

BentoML looks for dead workers every 10 seconds, and no option of `bentoml serve` changes that. The
trainer has one worker, so all of its calls failed for as long.
"""

from functools import wraps
from typing import Any

from bentoml._internal.utils import circus

CHECK_SECONDS = 0.5


def restart_workers_soon() -> None:
    """Have the server that imports this service look for dead workers every CHECK_SECONDS."""
    create_arbiter = circus.create_standalone_arbiter

    @wraps(create_arbiter)
    def with_short_delay(*args: Any, **kwargs: Any) -> Any:
        return create_arbiter(*args, **{"check_delay": CHECK_SECONDS, **kwargs})

    circus.create_standalone_arbiter = with_short_delay

"""The priority of a run that the trainer starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT
from training import hardware

BESIDE = 2
"""Other busy sessions, on two cores: a classifier and its clients."""
WEIGHTS = {0: 1024, 1: 820, 2: 655, 3: 526, 4: 423, 5: 335, 10: 110}
"""Of the Linux scheduler, by niceness."""


def test_a_run_has_less_than_serving_and_at_least_a_quarter_of_a_core() -> None:
    own = WEIGHTS[hardware._NICENESS]

    assert own < WEIGHTS[0]
    assert 2 * own / (own + BESIDE * WEIGHTS[0]) > 0.25


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="no sessions are scheduled")
def test_the_session_of_a_run_has_its_niceness_too() -> None:
    code = (
        "import os; from pathlib import Path; from training import hardware; "
        "hardware.lower_priority(); "
        "print(os.nice(0), Path('/proc/self/autogroup').read_text().split()[-1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )

    assert done.stdout.split() == [str(hardware._NICENESS + os.nice(0)), str(hardware._NICENESS)]

"""The files that git knows, for tests that read the source itself."""

import subprocess
from pathlib import Path

from tests.support.processes import ROOT


def tracked(*under: str) -> list[Path]:
    """The files that git knows below these paths, or all of them, from the repository's root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *under],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(name) for name in listed.stdout.split("\0") if name]


def python_files(*under: str) -> list[Path]:
    """The Python files below these paths; there must be some."""
    found = [path for path in tracked(*under) if path.suffix == ".py" and (ROOT / path).exists()]
    assert found, under
    return found

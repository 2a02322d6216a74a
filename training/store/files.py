"""Files that are replaced whole: a reader sees the old content or the new, never a part."""

import os
import tempfile
from pathlib import Path


def replace(path: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Write `content` beside `path`, flush it to the disk and rename it over `path`.

    Without `durable` the flush is left out, for what is written often and would be no loss: it
    takes as long as the disk is busy.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

"""A run's events.jsonl: one line for each phase, step and epoch."""

import json
from typing import Any

from training.store import files
from training.store.runs.records import folder


class EventLog:
    """A run's events.jsonl, open for as long as the run goes on: it has thousands of steps."""

    def __init__(self, run_id: str) -> None:
        path = folder(run_id) / "events.jsonl"
        if path.is_dir():
            files.move_away(path, "it is a folder")
        self._lines = path.open("a", encoding="utf-8", buffering=1)  # each line as it comes

    def append(self, event: dict[str, Any]) -> None:
        """Add one line, which whoever follows the run can read at once."""
        self._lines.write(json.dumps(event) + "\n")


def events(run_id: str, after: int = 0) -> list[dict[str, Any]]:
    """The events numbered above `after`, oldest first; they count from 1."""
    path = folder(run_id) / "events.jsonl"
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        files.log_once(f"{path} cannot be read: {files.error_reason(error)}.")
        return []
    found = []
    for number, line in enumerate(lines[after:], start=after + 1):
        try:
            found.append({**files.parse_object(line.decode()), "n": number})
        except (files.DamagedFile, UnicodeDecodeError):
            if number < len(lines):  # else it is the line that is being written
                files.log_once(f"{path} is damaged at line {number}, which is left out.")
    return found

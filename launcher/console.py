"""Prints the launcher's messages and the output of every process, line by line."""

import contextlib
import os


def print_line(text: str) -> None:
    """Print a line at once. A closed terminal is ignored, so that the clean-up still runs."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


class ProcessOutput:
    """Output of one process, printed line by line under the process's name.

    The pipe stays open for as long as the launcher runs. circus's own redirection opens one for
    each start instead, and fails when a killed process leaves children that still hold the old one.
    """

    def __init__(self, name: str, width: int) -> None:
        self.prefix = f"{name:<{width}} | "
        self.rest = b""
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_inheritable(self.writer, True)

    def redirected(self, command: list[str]) -> list[str]:
        """Command that runs `command` with stdout and stderr going into this pipe."""
        return ["sh", "-c", f'exec "$@" >/dev/fd/{self.writer} 2>&1', "sh", *command]

    def print_lines(self) -> bool:
        """Print the complete lines that have arrived. Returns whether anything had arrived."""
        try:
            chunk = os.read(self.reader, 65536)
        except BlockingIOError:
            return False
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            print_line(self.prefix + line.decode(errors="replace").rstrip("\r"))
        return True

    def flush(self) -> None:
        """Print everything that has arrived, including an unfinished last line."""
        while self.print_lines():
            pass
        if self.rest:
            print_line(self.prefix + self.rest.decode(errors="replace"))
            self.rest = b""

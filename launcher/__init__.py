"""Starts the processes of the Procfile, restarts those that die and stops all of them.

    python -m launcher       start; `make run` does the set-up first
    python -m launcher stop  stop it from another terminal

A process that dies is restarted within a second. Ctrl-C, SIGTERM and a closed terminal stop all
processes within 5 seconds.

The supervisor is circus (from kantoku, BentoML's maintained release of it, which every bentoml
installs). It runs inside this program, so that one event loop also handles the signals and prints
each line under its process's name. supervisord restarts too, but names no lines, needs a second
configuration and takes a closed terminal as a request to reload; honcho names the lines, but ends
everything when one process dies.
"""


class CannotStartError(Exception):
    """Says why Wardrobe does not start and what to do about it."""

"""Own classes in a run, in the gate's report, and in a version: as sentences."""

from collections.abc import Iterable, Sequence

from app.clients.classes import ListedClass
from app.clients.gate import Gate
from app.clients.trainer import Model, Run
from app.sections.teaching import choices
from app.text.formatting import counted, listing, out_of, percent, plain

MAX_NAMED = 5
"""Classes of a version that are named; more are counted."""


def run_lines(run: Run) -> list[str]:
    """Return how a run's new classes did, and which own classes lack how many pictures.

    In Markdown, as `new_class_lines` and `waiting_lines`.
    """
    lines = new_class_lines(run.gate) if run.gate is not None else []
    if run.classes is None:
        return lines
    if run.is_active and run.classes.included:
        lines.append(f"It learns {listing([plain(name) for name in run.classes.included])} too.")
    lines += [
        f"{plain(name)}: {counted(needed, 'more picture')} needed."
        for name, needed in run.classes.waiting.items()
    ]
    return lines


def new_class_lines(gate: Gate) -> list[str]:
    """Return how a version does on each class that the champion of that time did not know."""
    lines = []
    for raw, one in gate.new_classes.items():
        name, parts = plain(raw), []
        if one.accuracy is not None and one.count:
            parts.append(f"{out_of(one.accuracy, one.count)} test pictures right")
        if one.taken is not None:
            parts.append(f"{percent(one.taken)} of other pictures are called {name}")
        lines.append(f"{name}: {'; '.join(parts) or 'not measured'}.")
    return lines


def waiting_lines(listed: Iterable[ListedClass], live: Sequence[str]) -> list[str]:
    """Return what a run that starts now does with own classes that the live version lacks."""
    new = [one for one in listed if one.is_own and not {one.name, *one.aliases} & set(live)]
    lines = []
    if ready := [one for one in new if not one.pictures.needed]:
        parts = [f"{plain(one.name)} ({counted(one.pictures.usable, 'picture')})" for one in ready]
        lines.append(f"New in this version: {listing(parts)}.")
    lines += [
        f"{plain(one.name)}: {counted(one.pictures.needed, 'more picture')} needed."
        for one in new
        if one.pictures.needed and one.pictures.usable
    ]
    return lines


def only_line(listed: Iterable[ListedClass]) -> str:
    """Return which classes a run on a person's own pictures only learns, in Markdown."""
    ready = [plain(one.name) for one in listed if not one.pictures.needed]
    return f"The new version will know only {listing(ready)}."


def version_line(model: Model, builtin: Sequence[str]) -> str:
    """Return which classes a version knows besides the built-in ones; empty without any.

    `builtin` is empty where the classes could not be fetched.
    """
    if not builtin or not model.class_names:
        return ""
    own = [name for name in model.class_names if name not in builtin]
    if not own:
        return ""
    only = "" if set(builtin) & set(model.class_names) else "only "
    return f"Knows {only}{_named(own)}{'' if only else ' too'}"


def lost_line(version: Model, live: Model | None) -> str:
    """Return which classes of the live version this one does not know; empty if it knows all."""
    if live is None or not version.class_names:
        return ""
    known = {_today(name) for name in version.class_names}
    lost = [name for name in map(_today, live.class_names) if name not in known]
    if not lost:
        return ""
    them = "it" if len(lost) == 1 else "them"
    return f"Doesn't know {_named(lost)}. The corrections stay: a later run can teach {them} again."


def _today(name: str) -> str:
    """Return today's name of a class; its old one if it was deleted."""
    return choices.current_name(name) or name


def _named(names: Sequence[str]) -> str:
    if len(names) <= MAX_NAMED:
        return listing(names)
    return f"{', '.join(names[:MAX_NAMED])} and {len(names) - MAX_NAMED} more"

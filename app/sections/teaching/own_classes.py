"""Own classes in a run, in the gate's report, and in a version: as sentences."""

from collections.abc import Iterable, Sequence

from app.clients.classes import ListedClass
from app.clients.gate import Gate
from app.clients.trainer import Model, Run
from app.sections.teaching import choices
from app.text.formatting import counted, listing, out_of, percent, plain
from app.text.translate import _, ngettext

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
        names = listing([plain(name) for name in run.classes.included])
        lines.append(_("It learns {classes} too.").format(classes=names))
    return lines + [_needed_line(name, needed) for name, needed in run.classes.waiting.items()]


def new_class_lines(gate: Gate) -> list[str]:
    """Return how a version does on each class that the champion of that time did not know."""
    lines = []
    for raw, one in gate.new_classes.items():
        name, parts = plain(raw), []
        if one.accuracy is not None and one.count:
            right = out_of(one.accuracy, one.count)
            parts.append(_("{right} test pictures right").format(right=right))
        if one.taken is not None:
            text = _("{share} of other pictures are called {name}")
            parts.append(text.format(share=percent(one.taken), name=name))
        lines.append(f"{name}: {'; '.join(parts) or _('not measured')}.")
    return lines


def waiting_lines(listed: Iterable[ListedClass], live: Sequence[str]) -> list[str]:
    """Return what a run that starts now does with own classes that the live version lacks."""
    new = [one for one in listed if one.is_own and not {one.name, *one.aliases} & set(live)]
    lines = []
    if ready := [one for one in new if not one.pictures.needed]:
        parts = [f"{plain(one.name)} ({counted(one.pictures.usable, 'picture')})" for one in ready]
        lines.append(_("New in this version: {classes}.").format(classes=listing(parts)))
    return lines + [
        _needed_line(one.name, one.pictures.needed)
        for one in new
        if one.pictures.needed and one.pictures.usable
    ]


def only_line(listed: Iterable[ListedClass]) -> str:
    """Return which classes a run on a person's own pictures only learns, in Markdown."""
    ready = [plain(one.name) for one in listed if not one.pictures.needed]
    return _("The new version will know only {classes}.").format(classes=listing(ready))


def version_line(model: Model, builtin: Sequence[str]) -> str:
    """Return which classes a version knows besides the built-in ones; empty without any.

    `builtin` is empty where the classes could not be fetched.
    """
    if not builtin or not model.class_names:
        return ""
    own = [name for name in model.class_names if name not in builtin]
    if not own:
        return ""
    if set(builtin) & set(model.class_names):
        return _("Knows {classes} too").format(classes=_named(own))
    return _("Knows only {classes}").format(classes=_named(own))


def lost_line(version: Model, live: Model | None) -> str:
    """Return which classes of the live version this one does not know; empty if it knows all."""
    if live is None or not version.class_names:
        return ""
    known = {_today(name) for name in version.class_names}
    lost = [name for name in map(_today, live.class_names) if name not in known]
    if not lost:
        return ""
    text = ngettext(
        "Doesn't know {classes}. The corrections stay: a later run can teach it again.",
        "Doesn't know {classes}. The corrections stay: a later run can teach them again.",
        len(lost),
    )
    return text.format(classes=_named(lost))


def _needed_line(name: str, needed: int) -> str:
    pictures = counted(needed, "more picture")
    return _("{name}: {pictures} needed.").format(name=plain(name), pictures=pictures)


def _today(name: str) -> str:
    """Return today's name of a class; its old one if it was deleted."""
    return choices.current_name(name) or name


def _named(names: Sequence[str]) -> str:
    if len(names) <= MAX_NAMED:
        return listing(names)
    return _("{names} and {count} more").format(
        names=", ".join(names[:MAX_NAMED]), count=len(names) - MAX_NAMED
    )

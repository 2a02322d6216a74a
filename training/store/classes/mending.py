"""What is left of the classes after their database was damaged, made consistent."""

from sqlalchemy import Connection, delete, or_, select

from training.store import corrections_db as db
from training.store.classes import tables
from training.store.classes.transfer import import_names


def mend(connection: Connection) -> None:
    """Remove what refers to a class that was lost, and add the classes that corrections name."""
    known = select(tables.classes.c.id)
    connection.execute(delete(tables.names).where(tables.names.c.class_id.not_in(known)))
    other = tables.changes.c.other_id
    is_lost = or_(tables.changes.c.class_id.not_in(known), other.not_in(known))
    connection.execute(delete(tables.changes).where(is_lost))
    labels = connection.execute(select(db.corrections.c.label).distinct()).scalars()
    import_names(connection, {label: label for label in labels}, None)

"""The tables about classes, in corrections.db.

A class keeps its number whatever it is called. Those of Fashion-MNIST are there from the start.
"""

from typing import Any

from sqlalchemy import Column, Connection, Integer, String, Table, event, insert

from training.store import corrections_db as db
from training.store.classes.names import BUILT_IN

FASHION_MNIST, OWN = "fashion-mnist", "own"
LISTED, MERGED, DELETED = "listed", "merged", "deleted"
RENAME, MERGE, DELETE = "rename", "merge", "delete"

classes = Table(
    "classes",
    db.metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("created_at", String),
    Column("actor", String),
    Column("state", String, nullable=False),
    Column("merged_into", Integer),
    sqlite_autoincrement=True,
)

names = Table(
    "class_names",
    db.metadata,
    Column("name", String, primary_key=True),
    Column("class_id", Integer, nullable=False),
)
"""Every name that a class has or had. Versions and archives go on using former ones."""

changes = Table(
    "class_changes",
    db.metadata,
    Column("id", Integer, primary_key=True),
    Column("what", String, nullable=False),
    Column("class_id", Integer, nullable=False),
    Column("other_id", Integer),
    Column("before", String, nullable=False),
    Column("after", String),
    Column("corrections", Integer, nullable=False),
    Column("relabelled", String, nullable=False),
    Column("time", String, nullable=False),
    Column("actor", String),
    Column("undone_at", String),
    sqlite_autoincrement=True,
)
"""`before` and `after` are labels of corrections. `other_id` is the class that a merge was into,
`corrections` how many had the label, `relabelled` the ids of those that got another, as JSON."""

hidden = Table(
    "hidden_corrections",
    db.metadata,
    Column("change_id", Integer, nullable=False, index=True),
    *(Column(it.name, it.type, index=it.name == "content_hash") for it in db.corrections.c),
)
"""Rows that a change took out of use, to be put back when it is undone."""


def _insert_built_in(table: Table, connection: Connection, **_: Any) -> None:
    rows = [{"name": name, "origin": FASHION_MNIST, "state": LISTED} for name in BUILT_IN]
    connection.execute(insert(table), rows)


event.listen(classes, "after_create", _insert_built_in)

"""Let the database take rows along when the row that they belong to is deleted.

For tables whose foreign keys are not checked row by row, because imports write millions of rows:
a trigger does what ON DELETE CASCADE would have done, also for rows that somebody committed while
the delete was waiting for their lock.
"""

from django.db import connections

_SQLITE = """
    CREATE TRIGGER IF NOT EXISTS {name} AFTER DELETE ON {parent} FOR EACH ROW
    BEGIN DELETE FROM {child} WHERE {column} = OLD.id; END
"""
_POSTGRESQL = """
    CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM {child} USING gone WHERE {child}.{column} = gone.id;
        RETURN NULL;
    END $$;
    CREATE OR REPLACE TRIGGER {name} AFTER DELETE ON {parent}
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""


def take_along(*, using: str, parent: str, child: str, column: str) -> None:
    """Delete the rows of `child` whose `column` is the id of a deleted row of `parent`.

    Safe to call again, and called after every migration: SQLite drops the triggers of a table
    that a migration rebuilds. Does nothing while one of the tables is missing.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        if not {parent, child} <= tables:
            return
        form = _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
        name = f"{child}_goes_with_{parent}"
        cursor.execute(form.format(name=name, parent=parent, child=child, column=column))

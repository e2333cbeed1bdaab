"""Which reviews are of a product or by an author: tables of their own, in the order of a page.

An index on the reviews themselves would cost every import. These are filled by the job that fills
the search index, up to the same Dataset.searched_to, and kept by triggers from then on. They may
name a review too many, since two transactions can miss each other, but never one too few: who
reads them asks the review as well.
"""

from django.db import connection, connections

FIELDS = ("product", "author")

_POSTGRESQL = (
    """
    CREATE TABLE IF NOT EXISTS reviews_by_{field} (
        project_id bigint NOT NULL, value text COLLATE "C" NOT NULL, review_id bigint NOT NULL,
        PRIMARY KEY (project_id, value, review_id)
    )
    """,
    """
    CREATE OR REPLACE FUNCTION reviews_by_{field}_forgets() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM reviews_by_{field} entry USING gone
        WHERE entry.project_id = gone.project_id AND entry.value = gone.{field}
        AND entry.review_id = gone.id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE OR REPLACE TRIGGER reviews_by_{field}_forgets AFTER DELETE ON reviews_review
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION reviews_by_{field}_forgets()
    """,
    """
    CREATE OR REPLACE FUNCTION reviews_by_{field}_follows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM reviews_by_{field}
        WHERE project_id = OLD.project_id AND value = OLD.{field} AND review_id = OLD.id;
        IF NEW.{field} <> '' THEN
            INSERT INTO reviews_by_{field} VALUES (NEW.project_id, NEW.{field}, NEW.id)
            ON CONFLICT DO NOTHING;
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE OR REPLACE TRIGGER reviews_by_{field}_follows AFTER UPDATE OF {field} ON reviews_review
    FOR EACH ROW WHEN (OLD.{field} <> NEW.{field}) EXECUTE FUNCTION reviews_by_{field}_follows()
    """,
)
_SQLITE = (
    """
    CREATE TABLE IF NOT EXISTS reviews_by_{field} (
        project_id integer NOT NULL, value text NOT NULL, review_id integer NOT NULL,
        PRIMARY KEY (project_id, value, review_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TRIGGER IF NOT EXISTS reviews_by_{field}_forgets AFTER DELETE ON reviews_review
    FOR EACH ROW BEGIN
        DELETE FROM reviews_by_{field}
        WHERE project_id = OLD.project_id AND value = OLD.{field} AND review_id = OLD.id;
    END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS reviews_by_{field}_follows AFTER UPDATE OF {field}
    ON reviews_review FOR EACH ROW WHEN OLD.{field} <> NEW.{field} BEGIN
        DELETE FROM reviews_by_{field}
        WHERE project_id = OLD.project_id AND value = OLD.{field} AND review_id = OLD.id;
        INSERT OR IGNORE INTO reviews_by_{field}
        SELECT NEW.project_id, NEW.{field}, NEW.id WHERE NEW.{field} <> '';
    END
    """,
)
# Sorted, so that what belongs together is written together.
_ADD = """
    INSERT INTO reviews_by_{field} (project_id, value, review_id)
    SELECT project_id, {field}, id FROM reviews_review
    WHERE dataset_id = %s AND id > %s AND id <= %s AND {field} <> ''
    ORDER BY project_id, {field}, id
    ON CONFLICT DO NOTHING
"""


def make_tables(*, using: str) -> None:
    """Make the tables and their triggers; safe to call again, and called after migrations."""
    database = connections[using]
    with database.cursor() as cursor:
        if "reviews_review" not in database.introspection.table_names(cursor):
            return
        for statement in _POSTGRESQL if database.vendor == "postgresql" else _SQLITE:
            for field in FIELDS:
                cursor.execute(statement.format(field=field))


def add(dataset_id: int, after: int, last: int) -> None:
    """Note the origin of a data set's reviews above the id `after`, up to `last`."""
    with connection.cursor() as cursor:
        for field in FIELDS:
            cursor.execute(_ADD.format(field=field), [dataset_id, after, last])


def settle() -> None:
    """Let PostgreSQL look at what came in."""
    with connection.cursor() as cursor:
        for field in FIELDS:
            cursor.execute(f"ANALYZE reviews_by_{field}")

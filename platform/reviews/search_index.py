"""The full-text index: a table of its own that a job fills, and that forgets reviews that go.

PostgreSQL has a GIN index over text vectors, SQLite an FTS5 table without a copy of the texts. Both
are written by INSERT ... SELECT, so that no text leaves the database on its way into the index.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, connections
from django.db.models import F, OuterRef, QuerySet, Subquery

from accounts.models import User
from common import bulk
from common.errors import Conflict
from jobs.lease import Lease
from jobs.models import Job
from jobs.services import enqueue
from projects.models import Project
from reviews import origin_index
from reviews.models import Dataset, Review
from reviews.words import SEARCHED_CHARS

KIND = "search-index"
#: Reviews written in one transaction: on SQLite everybody else waits for it to end.
BATCH_ROWS = 5_000
#: So many reviews that are not in the index are read one by one; with more, people are told.
FEW = 2_000

#: Ids that are alike but for so many bits make a stretch.
STRETCH_BITS = 12

# Letters and digits alone make words, and the accents of Latin letters do not count, as in FTS5
# and reviews.words; what is ASCII skips the costly half.
_POSTGRESQL: Sequence[str] = (
    rf"""
    CREATE OR REPLACE FUNCTION reviews_search_document(raw text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT to_tsvector('simple'::regconfig, regexp_replace(
            CASE WHEN octet_length(raw) = length(raw) THEN left(raw, {SEARCHED_CHARS})
            ELSE normalize(regexp_replace(
                normalize(left(raw, {SEARCHED_CHARS}), NFD),
                '([A-Za-z])[\u0300-\u036f]+', '\1', 'g'), NFC)
            END, '[^[:alnum:]]+', ' ', 'g'))
    $$
    """,
    """
    CREATE TABLE IF NOT EXISTS reviews_search (
        project_id bigint NOT NULL, review_id bigint NOT NULL, document tsvector NOT NULL,
        PRIMARY KEY (project_id, review_id)
    )
    """,
    # Beside the words: which stretch of ids, so that a search can look near a page first.
    f"""
    CREATE INDEX IF NOT EXISTS reviews_search_words
    ON reviews_search USING gin (document, (ARRAY[review_id >> {STRETCH_BITS}]))
    """,
    "DROP INDEX IF EXISTS reviews_search_document",
    """
    CREATE OR REPLACE FUNCTION reviews_search_forgets() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM reviews_search entry USING gone
        WHERE entry.project_id = gone.project_id AND entry.review_id = gone.id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE OR REPLACE TRIGGER reviews_search_forgets AFTER DELETE ON reviews_review
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION reviews_search_forgets()
    """,
)
_SQLITE: Sequence[str] = (
    """
    CREATE VIRTUAL TABLE IF NOT EXISTS reviews_search
    USING fts5(text, content='', tokenize='unicode61 remove_diacritics 2')
    """,
    # Taking out what was never put in would spoil the index, hence the look at what it holds.
    f"""
    CREATE TRIGGER IF NOT EXISTS reviews_search_forgets AFTER DELETE ON reviews_review
    FOR EACH ROW WHEN EXISTS (SELECT 1 FROM reviews_search_docsize WHERE id = OLD.id)
    BEGIN
        INSERT INTO reviews_search(reviews_search, rowid, text)
        VALUES ('delete', OLD.id, substr(OLD.text, 1, {SEARCHED_CHARS}));
    END
    """,  # noqa: S608  (a number of our own)
)
_INSERT = {
    "postgresql": """
        INSERT INTO reviews_search (project_id, review_id, document)
        SELECT project_id, id, reviews_search_document(text) FROM reviews_review
        WHERE dataset_id = %s AND id > %s AND id <= %s
        ON CONFLICT DO NOTHING
    """,
    "sqlite": f"""
        INSERT INTO reviews_search (rowid, text)
        SELECT id, substr(text, 1, {SEARCHED_CHARS}) FROM reviews_review
        WHERE dataset_id = %s AND id > %s AND id <= %s
        AND id NOT IN (SELECT id FROM reviews_search_docsize)
    """,  # noqa: S608
}


def make_tables(*, using: str) -> None:
    """Make the index's table and its trigger; safe to call again, and called after migrations."""
    database = connections[using]
    with database.cursor() as cursor:
        if "reviews_review" not in database.introspection.table_names(cursor):
            return
        for statement in _POSTGRESQL if database.vendor == "postgresql" else _SQLITE:
            cursor.execute(statement)


# --- Filling it -----------------------------------------------------------------------------------


def follow(dataset: Dataset) -> None:
    """Index a data set that is shown from now on: a small one at once, a large one by a job."""
    if dataset.kind == Dataset.Kind.SELECTION:
        return
    if dataset.reviews.order_by()[: FEW + 1].count() > FEW:
        ask(dataset, actor=None)
    else:
        index_batch(dataset.pk)


def ask(dataset: Dataset, *, actor: User | None) -> Job | None:
    """Enqueue the job that indexes a data set; None when one is under way."""
    try:
        return enqueue(
            project=dataset.project,
            kind=KIND,
            actor=actor,
            params={"dataset": dataset.pk},
            total=dataset.review_count,
            single_key=f"{KIND}:{dataset.pk}",
        )
    except Conflict:
        return None


def run(lease: Lease) -> dict[str, Any]:
    """Put what a data set has into the index, batch by batch; a repeated attempt goes on."""
    dataset_id = lease.params["dataset"]
    done, written = lease.job.done_count, 1
    bulk.learn(Review._meta.db_table, lease.job.total_count)  # noqa: SLF001  (Django's public Model._meta API)
    while written:
        lease.check()
        with lease.effect(step=lease.job.step + 1, message="Indexing"):
            written = index_batch(dataset_id)
            lease.advance(written)
        done += written
    _settle()
    return {"indexed": done}


def index_batch(dataset_id: int, *, rows: int = BATCH_ROWS) -> int:
    """Put a data set's next reviews into the index, in the caller's transaction; return how many.

    Returns 0 when nothing is left, also because the data set has gone meanwhile.
    """
    dataset = Dataset.objects.filter(pk=dataset_id).values_list("searched_to", flat=True).first()
    if dataset is None:
        return 0
    waiting = Review.objects.filter(dataset=dataset_id, pk__gt=dataset).order_by("pk")
    ids = list(waiting.values_list("pk", flat=True)[:rows])
    if not ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_INSERT[connection.vendor], [dataset_id, dataset, ids[-1]])
    origin_index.add(dataset_id, dataset, ids[-1])
    Dataset.objects.filter(pk=dataset_id).update(searched_to=ids[-1])
    return len(ids)


def _settle() -> None:
    """Let the database look at what came in: its plans depend on how common words are."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT gin_clean_pending_list('reviews_search_words')")
            cursor.execute("ANALYZE reviews_search")
        origin_index.settle()


# --- What is missing in it ------------------------------------------------------------------------


_ANY_MISSING = """
    SELECT 1 FROM reviews_dataset own
    WHERE own.project_id = %s AND own.is_ready AND own.kind <> 'selection' AND EXISTS (
        SELECT 1 FROM reviews_review review
        WHERE review.dataset_id = own.id AND review.id > own.searched_to
    ) LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Missing:
    """A data set of which some reviews are not in the index yet."""

    dataset: Dataset
    #: How much of it is there, in percent.
    percent: int


def is_complete(project: Project) -> bool:
    """Tell whether every review that is shown is in the index: asked for every page."""
    with connection.cursor() as cursor:
        cursor.execute(_ANY_MISSING, [project.pk])
        return cursor.fetchone() is None


def missing_in(project: Project) -> list[Missing]:
    """Return the data sets whose reviews are shown and not all in the index."""
    if is_complete(project):
        return []
    mine = Review.objects.filter(dataset=OuterRef("pk")).values("pk")
    own = (
        Dataset.objects.filter(project=project, is_ready=True)
        .exclude(kind=Dataset.Kind.SELECTION)
        .annotate(last=Subquery(mine.order_by("-pk")[:1]), first=Subquery(mine.order_by("pk")[:1]))
        .filter(last__gt=F("searched_to"))
    )
    return [Missing(each, _percent(each.searched_to, each.first, each.last)) for each in own]


def _percent(reached: int, first: int, last: int) -> int:
    return max(0, min(99, 100 * (reached - first + 1) // (last - first + 1)))


def are_too_many(missing: Sequence[Missing]) -> bool:
    """Tell whether more is missing than can be read for a page."""
    left = FEW
    for each in missing:
        left -= _waiting(each)[: left + 1].count()
        if left < 0:
            return True
    return False


def unindexed(missing: Sequence[Missing]) -> Iterator[tuple[int, str]]:
    """Yield id and text of what is not in the index; ask are_too_many before."""
    for each in missing:
        yield from _waiting(each).values_list("pk", "text")


def _waiting(each: Missing) -> QuerySet[Review]:
    return Review.objects.filter(dataset=each.dataset, pk__gt=each.dataset.searched_to)

"""Pages about agreement: figures, the matrix of people as a file, the reviews behind a figure."""

import csv
import io

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from labelling import agreement_table as table
from labelling.agreement_filters import Asked, asked_of, cell_of
from labelling.agreement_kept import Agreement
from labelling.agreement_report import SHOWN
from labelling.agreement_rows import annotators
from labelling.selectors import current_schema, schema_to_answer
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from labelling.tabs import tabs
from projects.access import enter
from projects.models import Membership, Project, Role
from reviews.neutral import neutral
from reviews.selectors import datasets_in_brief


@login_required
@require_GET
def agreement(request: HttpRequest, slug: str) -> HttpResponse:
    """Show how far people agree: by question, and of one question by person and option."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    schema = current_schema(project)
    asked = asked_of(project, schema, request.GET)
    found = Agreement(project, schema, asked.chosen)
    context = {
        "schema": schema,
        "asked": asked,
        "shared": found,
        "people_known": annotators(project),
        "datasets": [each for each in datasets_in_brief(project, limit=None) if each.is_ready],
        "rows": [
            (row, asked.query(question=row.question.key)) for row in found.rows(schema.questions)
        ],
        "tabs": tabs(membership, "agreement"),
    }
    if asked.questions and found.review_count:
        context |= _detail(asked, found, asked.questions[0])
    return render(request, "labelling/agreement.html", context)


def _detail(asked: Asked, found: Agreement, question: QuestionSnapshot) -> dict[str, object]:
    measure = asked.measure_of(question)
    people = found.people[: table.PEOPLE_ON_PAGE]
    pairs = found.pairs(question, measure, limit=len(people))
    return {
        "question": question,
        "measure": measure,
        "measures": table.measures(question),
        "people": people,
        "matrix": table.matrix(asked, question, people, pairs),
        "reasons": sorted({pair.figure.reason for pair in pairs if pair.figure.reason}),
        "matrix_query": asked.query(question=question.key, measure=measure),
        "options": [
            (row, asked.query(question=question.key, option=row.key))
            for row in found.options(question)
        ],
        "behind_query": asked.query(question=question.key),
    }


@login_required
@require_GET
def agreement_pairs(request: HttpRequest, slug: str) -> HttpResponse:
    """Hand out the matrix of one question as CSV, one row for each two people."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    asked, question, schema = _asked(project, request)
    measure = asked.measure_of(question)
    found = Agreement(project, schema, asked.chosen)
    pairs = found.pairs(question, measure, limit=table.PEOPLE_IN_FILE)
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(table.CSV_COLUMNS)
    for row in table.csv_rows(question, measure, pairs):
        writer.writerow(map(neutral, row))
    answer = HttpResponse(lines.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="agreement-{question.key}.csv"'
    return answer


@login_required
@require_GET
def agreement_reviews(request: HttpRequest, slug: str) -> HttpResponse:
    """List the reviews behind one figure, with what each person answered."""
    project = enter(request, slug, at_least=Role.REVIEWER, section="label")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    asked, question, schema = _asked(project, request)
    cell = cell_of(question, request.GET)
    context = {
        "question": question,
        "cell": cell,
        "option": question.option(cell.option),
        "behind": table.behind(project, schema, asked, question, cell),
        "shown": SHOWN,
        "back_query": asked.query(question=question.key),
        "tabs": tabs(membership, "agreement"),
    }
    return render(request, "labelling/agreement_reviews.html", context)


def _asked(
    project: Project, request: HttpRequest
) -> tuple[Asked, QuestionSnapshot, SchemaSnapshot]:
    """Return what is asked, the one question it is about, and the project's questions."""
    schema = schema_to_answer(project)
    asked = asked_of(project, schema, request.GET)
    return asked, asked.questions[0], schema

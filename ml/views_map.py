"""Pages about likeness: the map of a data set, and which reviews are alike."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from common.charts import Chart, Series
from common.errors import Conflict, GlossError, Invalid, NotVisible
from common.http import page
from jobs.selectors import is_anybody_listening
from jobs.views import STOP_POLLING
from ml import alike, mapping, panels, selectors
from ml.forms_map import MapForm
from ml.groups import GOLD, SOURCES
from ml.map_page import drawn_map, questions_to_colour
from ml.models import EmbeddingMap
from projects.access import enter
from projects.models import Project, Role
from projects.views import signed_in
from reviews.selectors import review_of

_LISTED = 10


@login_required
@require_http_methods(["GET", "POST"])
def maps(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a map of a data set, coloured by the answers to a question; POST has one drawn."""
    project = enter(request, slug, at_least=Role.ANALYST, section="models")
    form = MapForm(project, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            mapping.start(
                version=selectors.version_to_ask(project),
                actor=signed_in(request),
                **form.wishes(project),
            )
        except Conflict as error:
            messages.error(request, error.detail)
        return redirect("ml:map", slug=slug)
    context = _map_context(request, project) | {"form": form}
    response = page(request, "ml/map.html", context, fragment="ml/_map_job.html")
    if request.headers.get("HX-Request") and context["job"] is None:
        # The map is there: the whole page is another one.
        response.status_code = STOP_POLLING
        response.headers["HX-Refresh"] = "true"
    elif form.errors:
        response.status_code = 400
    return response


def _map_context(request: HttpRequest, project: Project) -> dict[str, Any]:
    last = project.jobs.filter(kind=mapping.KIND).order_by("-created_at").first()
    job = last if last is not None and not last.is_finished else None
    is_bad = last is not None and last.state == last.State.FAILED
    listed = list(mapping.maps_of(project)[:_LISTED])
    drawn = _chosen(project, listed, request.GET.get("map", ""))
    questions = questions_to_colour(project)
    key = request.GET.get("question", questions[0].key if questions else "")
    question = next((each for each in questions if each.key == key), None)
    by = request.GET.get("by", GOLD)
    by = by if by in SOURCES else GOLD
    champion = selectors.champion_of(project)
    return {
        "job": job,
        "failed": last if is_bad else None,
        "is_heard": job is None or is_anybody_listening(job),
        "maps": listed,
        "map": drawn,
        "shown": drawn_map(drawn, question, by) if drawn else None,
        "questions": questions,
        "question": question,
        "sources": SOURCES.items(),
        "by": by,
        "champion": champion,
        "has_encoder": champion is not None and bool(champion.encoder),
        "subnav": panels.subnav(request, project),
    }


def _chosen(project: Project, listed: list[EmbeddingMap], wanted: str) -> EmbeddingMap | None:
    """Return the map that the address names, or the newest."""
    if not wanted:
        return next(iter(listed), None)
    numbers = alike.numbers_in(wanted)
    found = mapping.maps_of(project).filter(pk=numbers[0]).first() if numbers else None
    if found is None:
        raise NotVisible("This map is not there any more; a project keeps its newest ones.")
    return found


@login_required
@require_GET
def similar(request: HttpRequest, slug: str, review_id: int) -> HttpResponse:
    """Show the reviews most like one; htmx gets the list alone, for the page of the review."""
    project = enter(request, slug, at_least=Role.ANALYST, section="models")
    review = review_of(project, review_id)
    context: dict[str, Any] = {"review": review, "subnav": panels.subnav(request, project)}
    try:
        found = alike.alike(project, review)
    except GlossError as error:
        context["reason"] = error.detail
    else:
        numbers = [review.pk, *(each.pk for each, _ in found.reviews)]
        address = reverse("ml:similarity", args=[project.slug])
        context |= {
            "alike": found,
            "together_url": f"{address}?reviews={','.join(map(str, numbers))}",
        }
    return page(request, "ml/similar.html", context, fragment="ml/_similar.html")


@login_required
@require_GET
def similarity(request: HttpRequest, slug: str) -> HttpResponse:
    """Show how alike some reviews are, as a table of heat."""
    project = enter(request, slug, at_least=Role.ANALYST, section="models")
    given = request.GET.get("reviews", "")
    context: dict[str, Any] = {
        "given": given,
        "most": alike.MOST_TOGETHER,
        "subnav": panels.subnav(request, project),
    }
    status = 200
    if given.strip():
        try:
            found = alike.together(project, alike.numbers_in(given))
        except Invalid as error:
            context["reason"], status = error.detail, 400
        except GlossError as error:
            context["reason"] = error.detail
        else:
            context |= {"together": found, "chart": _heat(found, project.slug)}
    return render(request, "ml/similarity.html", context, status=status)


def _heat(found: alike.Together, slug: str) -> Chart:
    names = [f"#{review.pk}" for review in found.reviews]
    urls = [reverse("reviews:detail", args=[slug, review.pk]) for review in found.reviews]
    return Chart(
        id="similarity",
        title="How alike are they?",
        kind="heat",
        labels=names,
        series=[
            Series(name, [round(float(value), 2) for value in row], urls=urls)
            for name, row in zip(names, found.cosines, strict=True)
        ],
        note="The cosine between the encoder's vectors: 1 for the same text, about 0 for texts "
        "that have nothing to do with each other.",
    )

"""The page on which a data set is made of others."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from common.errors import GlossError, Invalid
from projects.access import enter
from projects.models import Project, Role
from projects.views import signed_in
from reviews import deriving
from reviews.derive_forms import DeriveForm
from reviews.table import filters_in_words


@login_required
@require_http_methods(["GET", "POST"])
def derive_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask what the data set is made of, showing what that gives; POST starts the job."""
    project = enter(request, slug, at_least=Role.ANALYST, section="reviews")
    is_sent = request.method == "POST"
    form = DeriveForm(project, request.POST if is_sent else request.GET)
    if is_sent and form.is_valid():
        job = _started(request, project, form)
        if job is not None:
            return redirect("jobs:detail", slug=slug, job_id=job)
    context: dict[str, Any] = {"form": form, "seen": None, "problem": ""}
    if request.headers.get("HX-Request"):
        context |= _preview(project, form)
        return render(request, "reviews/_derive_preview.html", context)
    context["filters"] = _in_words(project, form)
    if not is_sent:
        form.errors.pop("name", None)  # nobody has been asked for it yet
    return render(request, "reviews/derive.html", context, status=400 if is_sent else 200)


def _started(request: HttpRequest, project: Project, form: DeriveForm) -> Any:
    """Return the id of the job, or None when the form now says what is wrong."""
    try:
        derived = deriving.derive(
            project=project,
            name=form.cleaned_data["name"],
            recipe=form.recipe(),
            actor=signed_in(request),
        )
    except Invalid as error:
        for each in error.errors:
            form.add_error(each.field if each.field in form.fields else None, each.message)
        return None
    except GlossError as error:
        form.add_error("name" if error.status == 409 else None, error.detail)
        return None
    return derived.job.pk


def _preview(project: Project, form: DeriveForm) -> dict[str, Any]:
    """Return what the form would give, or what is wrong with it."""
    # Whoever has not thought of a name yet wants to see what there is all the same.
    wrong = [errors[0] for name, errors in form.errors.items() if name != "name"]
    if wrong:
        return {"problem": wrong[0]}
    try:
        recipe = form.recipe()
        return {"seen": deriving.preview(project, recipe), "recipe": recipe}
    except GlossError as error:
        return {"problem": error.detail}


def _in_words(project: Project, form: DeriveForm) -> list[tuple[str, str, str]]:
    """Pair the filters that the form only carries along with what they say."""
    words = [filters_in_words(project, [pair]) for pair in form.other_filters]
    return [
        (name, value, said[0])
        for (name, value), said in zip(form.other_filters, words, strict=True)
    ]

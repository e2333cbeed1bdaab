"""Pages: who labelled what and how fast, and which answers are given how often."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from common.charts import Axis, Chart, Series
from labelling import distribution, people
from labelling.outlook import outlook
from labelling.tabs import tabs
from projects.access import enter
from projects.models import Membership, Role


def _enter(request: HttpRequest, slug: str, at_least: Role) -> Membership:
    enter(request, slug, at_least=at_least, section="label")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    return membership


@login_required
@require_GET
def people_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show everybody's work to reviewers, and to annotators their own."""
    membership = _enter(request, slug, Role.ANNOTATOR)
    if not membership.can_review:
        return _person(request, membership, people.person_of(membership, membership.user_id))
    days = people.days(membership.project)
    context = {
        "people": people.people(membership),
        "outlook": outlook(membership.project),
        "days": days,
        "chart": _chart(days, "Labels a day"),
        "tabs": tabs(membership, "people"),
    }
    return render(request, "labelling/people.html", context)


@login_required
@require_GET
def person(request: HttpRequest, slug: str, person_id: int) -> HttpResponse:
    """Show one person's work, day by day."""
    membership = _enter(request, slug, Role.ANNOTATOR)
    return _person(request, membership, people.person_of(membership, person_id))


def _person(request: HttpRequest, membership: Membership, shown: people.Person) -> HttpResponse:
    days = people.days(membership.project, shown.user)
    context = {
        "person": shown,
        "is_me": shown.user.pk == membership.user_id,
        "days": days,
        "chart": _chart(days, "Labels a day"),
        "tabs": tabs(membership, "people"),
    }
    return render(request, "labelling/person.html", context)


def _chart(days: list[people.Day], title: str) -> Chart | None:
    if not any(day.label_count for day in days):
        return None
    oldest_first = days[::-1]
    return Chart(
        id="labels-a-day",
        title=title,
        kind="bar",
        labels=[f"{day.day:%-d %b}" for day in oldest_first],
        series=[Series("Labels", [day.label_count for day in oldest_first])],
        x=Axis("Day", scale="category"),
        y=Axis("Labels", low=0),
    )


@login_required
@require_GET
def answers_given(request: HttpRequest, slug: str) -> HttpResponse:
    """Show how often each answer is given, by all and by each person."""
    membership = _enter(request, slug, Role.REVIEWER)
    found = distribution.distributions(membership.project)
    context = {"distributions": found, "tabs": tabs(membership, "answers_given")}
    return render(request, "labelling/answers_given.html", context)

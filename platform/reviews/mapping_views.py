"""The step of the wizard in which the columns of a file become something."""

import uuid
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from common.errors import GlossError, Invalid, NotAllowed
from jobs.models import Job
from projects.access import enter, membership_for
from projects.models import Project, Role
from projects.views import signed_in
from reviews import cleaning_examples, drafts, format_form, proposals, services
from reviews.checks import start_check
from reviews.cleaning import STEPS as CLEANING
from reviews.files import open_upload
from reviews.mapping import ColumnMapping, from_json
from reviews.mapping_form import MappingForm
from reviews.models import ImportCheck, Upload
from reviews.previews import look_at
from reviews.remembered import recall
from reviews.sources import open_table
from reviews.upload_views import STEPS

_NEW_WORDS = (
    "A column has values that its question does not take. "
    "Look at what they are guessed to mean, then go on."
)


@login_required
@require_http_methods(["GET", "POST"])
def upload_map(request: HttpRequest, slug: str, upload_id: int) -> HttpResponse:
    """Ask what the columns become; POST looks again, checks, or imports at once."""
    project = enter(request, slug, at_least=Role.ANALYST, section="reviews")
    upload = drafts.whole_upload_of(project, signed_in(request), upload_id)
    try:
        step = _MapStep(request, project, upload)
    except Invalid as error:
        messages.error(request, error.detail)
        return redirect("reviews:read", slug=slug, upload_id=upload.pk)
    return step.answer()


class _MapStep:
    """One request of the step in which columns become something."""

    def __init__(self, request: HttpRequest, project: Project, upload: Upload) -> None:
        self.request, self.project, self.upload = request, project, upload
        self.check = _check_asked(request, project, upload)
        asked = format_form.asked(request.GET)
        if self.check is not None:
            asked = {**self.check.read_as, **asked}
        self.seen = look_at(upload, asked)
        self.remembered = None if self.check else recall(project, self.seen)
        if "guess" in request.GET:
            self.remembered = None

    def answer(self) -> HttpResponse:
        """Do what the button says."""
        post = self.request.POST
        if self.request.method != "POST":
            return self._page(self._form(None))
        if "preset" in post:
            return self._accept_preset(post["preset"])
        if "question" in post:
            return self._make_questions([post["question"]])
        if "labels" in post:
            return self._make_questions([str(each.place) for each in self._form(post).labels])
        form = self._form(post)
        if post.get("do") not in {"check", "import"}:
            form.errors.clear()  # only a look at what the choices so far lead to
        elif form.is_valid():
            done = self._go_on(form)
            if done is not None:
                return done
        return self._page(form)

    def _form(self, data: Any) -> MappingForm:
        stem = PurePath(self.upload.original_name).name.split(".")[0]
        name = self.check.dataset_name if self.check else stem[: services.MAX_DATASET_NAME]
        return MappingForm(
            data,
            project=self.project,
            seen=self.seen,
            start=self._start(),
            name=name,
            more_values=(self.check.result or {}).get("misfits") if self.check else None,
        )

    def _start(self) -> ColumnMapping:
        if self.check is not None:
            return from_json(self.check.mapping)
        return self.remembered.mapping if self.remembered else self.seen.guess

    def _go_on(self, form: MappingForm) -> HttpResponse | None:
        """Check or import; None when the form now says what is wrong."""
        try:
            mapping = form.mapping()
            if form.has_new_words:
                raise Invalid(_NEW_WORDS)
            return self._started(form.cleaned_data["name"], mapping)
        except GlossError as error:
            form.add_error("name" if error.status == 409 else None, error.detail)
            return None

    def _started(self, name: str, mapping: ColumnMapping) -> HttpResponse:
        given: dict[str, Any] = {
            "project": self.project,
            "dataset_name": name,
            "upload": self.upload,
            "mapping": mapping,
            "read_as": asdict(self.seen.format),
            "actor": signed_in(self.request),
        }
        slug = self.project.slug
        if self.request.POST["do"] == "check":
            check = start_check(**given)
            return redirect("reviews:check", slug=slug, check_id=check.pk)
        job = import_once(self.request, **given)
        return redirect("jobs:detail", slug=slug, job_id=job.pk)

    def _accept_preset(self, preset: str) -> HttpResponse:
        need_owner(self.request, self.project)
        proposals.accept(self.project, preset, signed_in(self.request))
        query = self.request.GET.copy()
        query["guess"] = "1"
        return redirect(f"{self.request.path}?{query.urlencode()}")

    def _make_questions(self, places: list[str]) -> HttpResponse:
        """Ask questions with the values of columns, and answer them with those columns."""
        need_owner(self.request, self.project)
        data = self.request.POST.copy()
        for place in places:
            try:
                key = self._question_of(self._source_at(place))
            except Invalid as error:
                messages.error(self.request, error.detail)
            else:
                data[f"answer-{key}"] = place
        form = self._form(data)
        form.errors.clear()
        return self._page(form)

    def _source_at(self, place: str) -> str:
        sources = self.seen.sources
        is_place = place.isascii() and place.isdigit() and len(place) < 7
        if not (is_place and int(place) < len(sources)):
            raise Invalid.of("question", "There is no such column in the file.")
        return sources[int(place)]

    def _question_of(self, source: str) -> str:
        with open_upload(self.upload) as binary:
            table = open_table(binary, self.seen.format)
            found = proposals.values_of(source, table.columns, table.records)
        if found.has_more and found.kind != "number":
            is_column = source in self.seen.columns
            raise Invalid.of(
                "question",
                f"{'The column' if is_column else 'The label'} {source} has more than "
                f"{proposals.MAX_VALUES} different values, too many for a question. "
                f"{'Keep it as metadata.' if is_column else 'It is left out.'}",
            )
        return proposals.question_from_values(
            self.project,
            signed_in(self.request),
            source,
            found.kind,
            list(found.counts),
            has_polarity=found.has_polarity,
        )

    def _page(self, form: MappingForm) -> HttpResponse:
        is_fragment = bool(getattr(self.request, "htmx", False))
        samples = {name: list(self.seen.values[name]) for name in self.seen.sources}
        found = cleaning_examples.examples(form.first_texts())
        membership = membership_for(self.request.user, self.project.slug)
        context = {
            "upload": self.upload,
            "preview": self.seen,
            "form": form,
            "remembered": self.remembered,
            "cleaning": [(field, found.get(field.name[6:])) for field in form.cleaning_fields],
            "is_cleaned": any(field.value() for field in form.cleaning_fields),
            "advised": [f"{CLEANING[key].name} ({each.count})" for key, each in found.items()],
            "proposal": proposals.propose(
                self.project, self.seen.columns, samples, self.seen.fields
            ),
            "may_ask": membership.role >= Role.OWNER,
            "read_url": self._read_url(),
            "query": self.request.GET.urlencode(),
            "once": self.request.POST.get("once") or uuid.uuid4().hex,
            "steps": STEPS,
        }
        template = "reviews/_map.html" if is_fragment else "reviews/map.html"
        status = (422 if is_fragment else 400) if form.errors else 200
        return render(self.request, template, context, status=status)

    def _read_url(self) -> str:
        path = reverse("reviews:read", args=[self.project.slug, self.upload.pk])
        query = self.request.GET.copy()
        for name, value in format_form.as_query(self.seen.format).items():
            query[name] = value
        return f"{path}?{query.urlencode()}"


def _check_asked(request: HttpRequest, project: Project, upload: Upload) -> ImportCheck | None:
    """Return the check whose mapping is to be changed, if the address names one."""
    asked = request.GET.get("check", "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        return None
    check = drafts.check_of(project, int(asked))
    return check if check.upload_id == upload.pk else None


def need_owner(request: HttpRequest, project: Project) -> None:
    """Raise NotAllowed for whoever may not change the project's questions."""
    if membership_for(request.user, project.slug).role < Role.OWNER:
        raise NotAllowed("Only an owner of the project changes its questions. Ask one.")


def import_once(request: HttpRequest, **given: Any) -> Job:
    """Start an import; a second press of the same button finds the first one's."""
    once = request.POST.get("once", "")
    key = f"page-{once}" if 1 <= len(once) <= 64 and once.isalnum() else None
    started = services.start_import(**given, idempotency_key=key)
    if not started.is_new and started.job.state in {Job.State.FAILED, Job.State.CANCELLED}:
        started = services.start_import(**given)
    return started.job

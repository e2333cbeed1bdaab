"""Pages on which owners see and change the questions."""

from dataclasses import replace

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from common.errors import Conflict, Invalid, NotVisible
from labelling import change_job, hotkeys, question_versions, selectors
from labelling.change_json import from_json, to_json
from labelling.changes import (
    AddQuestion,
    Change,
    RemoveQuestion,
    Reorder,
    Retire,
    SetBounds,
    Split,
    between,
)
from labelling.forms import ChangesForm, GuidelinesForm, QuestionForm
from labelling.option_forms import OptionForms
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from labelling.tabs import tabs
from projects.access import enter
from projects.models import Project, Role
from projects.views import signed_in


def _page(
    request: HttpRequest, template: str, context: dict[str, object], *, status: int = 200
) -> HttpResponse:
    membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    context["tabs"] = tabs(membership, "questions")
    return render(request, template, context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def questions(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the questions; POST changes the guidelines."""
    project = enter(request, slug, at_least=Role.OWNER, section="label")
    schema = selectors.current_schema(project)
    form = GuidelinesForm(request.POST or None, initial={"guidelines": schema.guidelines})
    if request.method == "POST" and form.is_valid():
        words = form.cleaned_data["guidelines"]
        return _make(request, project, (), schema.version, guidelines=words)
    keys = hotkeys.layout(schema.questions)
    counts = selectors.gold_counts(project)
    context: dict[str, object] = {
        "schema": schema,
        "form": form,
        "job": change_job.under_way(project),
        "rows": [
            (question, _keys(question, keys[question.key]), sum(counts[question.key].values()))
            for question in schema.questions
        ],
    }
    return _page(request, "labelling/questions.html", context)


def _keys(question: QuestionSnapshot, keys: dict[str, str]) -> list[tuple[str, int, str]]:
    """Return (name, colour, key) of everything that answers a question."""
    if question.kind == "number":
        return [(str(step), 0, keys.get(str(step), "")) for step in question.steps]
    return [(each.name, each.colour, keys.get(each.key, "")) for each in question.options]


@login_required
@require_http_methods(["GET", "POST"])
def question_add(request: HttpRequest, slug: str) -> HttpResponse:
    """Add a question, which makes a new version."""
    project = enter(request, slug, at_least=Role.OWNER, section="label")
    schema = selectors.current_schema(project)
    form = QuestionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        added = AddQuestion(question=form.question(schema, None), reopen=True)
        answer = _look(request, project, schema, (added,), form)
        if answer is not None:
            return answer
    context: dict[str, object] = {"form": form, "question": None}
    return _page(request, "labelling/question.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def question_edit(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Change a question, and say what becomes of its options; shows what that would do."""
    project = enter(request, slug, at_least=Role.OWNER, section="label")
    schema = selectors.current_schema(project)
    question = schema.question(key)
    if question is None:
        raise NotVisible
    form = QuestionForm(request.POST or None, initial=QuestionForm.values_of(question))
    form.fix_kind()
    options = OptionForms(request.POST or None, question)
    has_faults = False
    if request.method == "POST":
        if all([form.is_valid(), options.is_valid()]):
            put = between((question,), (form.question(schema, question),))
            changes = (*map(_asking_again, put), *options.changes())
            answer = _look(request, project, schema, changes, form)
            if answer is not None:
                return answer
        has_faults = True
    context: dict[str, object] = {"form": form, "question": question, "options": options}
    return _page(request, "labelling/question.html", context, status=400 if has_faults else 200)


@login_required
@require_POST
def question_remove(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Show what it means to ask a question no more; nothing was answered, then do it."""
    project = enter(request, slug, at_least=Role.OWNER, section="label")
    schema = selectors.current_schema(project)
    if schema.question(key) is None:
        raise NotVisible
    answer = _look(request, project, schema, (RemoveQuestion(question=key),))
    return answer or redirect("labelling:questions", slug=slug)


@login_required
@require_POST
def question_order(request: HttpRequest, slug: str) -> HttpResponse:
    """Put the questions in another order; no answer is touched."""
    project = enter(request, slug, at_least=Role.OWNER, section="label")
    schema = selectors.current_schema(project)
    places = {each.key: _place(request, each) for each in schema.questions}
    keys = sorted(places, key=lambda key: places[key])
    return _make(request, project, (Reorder(keys=tuple(keys)),), schema.version)


def _place(request: HttpRequest, question: QuestionSnapshot) -> int:
    given = request.POST.get(f"place.{question.key}", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 0


@login_required
@require_POST
def question_change(request: HttpRequest, slug: str) -> HttpResponse:
    """Make changes that have been looked at."""
    project = enter(request, slug, at_least=Role.OWNER, section="label")
    form = ChangesForm(request.POST)
    if not form.is_valid():
        raise Invalid("These changes cannot be read. Start again from the questions.")
    changes = from_json(form.cleaned_data["changes"])
    if not request.POST.get("reopen"):
        changes = tuple(_asking_again(each, again=False) for each in changes)
    return _make(request, project, changes, form.cleaned_data["version"])


@login_required
@require_http_methods(["GET"])
def question_history(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the versions of the questions: who changed what, and when."""
    project = enter(request, slug, at_least=Role.OWNER, section="label")
    below = request.GET.get("below", "")
    until = int(below) if below.isascii() and below.isdigit() and len(below) < 9 else None
    versions, older = question_versions.history(project, below=until)
    context: dict[str, object] = {"versions": versions, "older": older}
    return _page(request, "labelling/question_history.html", context)


def _asking_again(change: Change, *, again: bool = True) -> Change:
    """Return a change that opens reviews again, or does not, where it could."""
    if isinstance(change, AddQuestion | Split | Retire | SetBounds):
        return replace(change, reopen=again)
    return change


def _look(
    request: HttpRequest,
    project: Project,
    schema: SchemaSnapshot,
    changes: tuple[Change, ...],
    form: QuestionForm | None = None,
) -> HttpResponse | None:
    """Show what changes would do, or make those that touch no answer.

    None when they cannot be made: what is wrong then stands beside the form's fields.
    """
    try:
        seen = change_job.look(project=project, before=schema, changes=changes)
    except Invalid as error:
        for each in error.errors:
            if form is None:
                messages.error(request, each.message)
            else:
                form.blame(each)
        return None
    if not any(effect.counts for effect in seen.effects) and not seen.opened:
        return _make(request, project, changes, schema.version)
    initial = {"changes": to_json(changes), "version": schema.version}
    context: dict[str, object] = {"seen": seen, "form": ChangesForm(initial=initial)}
    return _page(request, "labelling/question_preview.html", context)


def _make(
    request: HttpRequest,
    project: Project,
    changes: tuple[Change, ...],
    version: int,
    *,
    guidelines: str | None = None,
) -> HttpResponse:
    """Change the questions, at once or in a job, and say which."""
    try:
        made = change_job.request_change(
            project=project,
            changes=changes,
            guidelines=guidelines,
            based_on=version,
            actor=signed_in(request),
        )
    except (Conflict, Invalid) as error:
        messages.error(request, error.detail)
        return redirect("labelling:questions", slug=project.slug)
    if made.job is not None:
        return redirect("jobs:detail", slug=project.slug, job_id=made.job.pk)
    if made.schema is not None and made.schema.version == version:
        messages.info(request, "Nothing was changed.")
    elif made.schema is not None:
        messages.success(request, f"Saved as version {made.schema.version} of the questions.")
    return redirect("labelling:questions", slug=project.slug)

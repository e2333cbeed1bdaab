"""Pages on which owners see and change the questions."""

from dataclasses import replace

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from common.errors import Conflict, Invalid, NotVisible
from labelling import hotkeys, selectors, services
from labelling.forms import GuidelinesForm, QuestionForm
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
        services.create_version(
            project=project,
            questions=schema.questions,
            guidelines=form.cleaned_data["guidelines"],
            actor=signed_in(request),
        )
        messages.success(request, "Guidelines saved.")
        return redirect("labelling:questions", slug=slug)
    keys = hotkeys.layout(schema.questions)
    counts = selectors.gold_counts(project)
    context: dict[str, object] = {
        "schema": schema,
        "form": form,
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
        question = form.question(schema, None)
        if _save(request, project, schema, [*schema.questions, question], form):
            return redirect("labelling:questions", slug=slug)
    context: dict[str, object] = {"form": form, "question": None}
    return _page(request, "labelling/question.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def question_edit(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Change a question's names, options and bounds, which makes a new version."""
    project = enter(request, slug, at_least=Role.OWNER, section="label")
    schema = selectors.current_schema(project)
    question = schema.question(key)
    if question is None:
        raise NotVisible
    form = QuestionForm(request.POST or None, initial=QuestionForm.values_of(question))
    form.fix_kind()
    if request.method == "POST" and form.is_valid():
        changed = form.question(schema, question)
        others = [changed if each.key == key else each for each in schema.questions]
        if _save(request, project, schema, others, form):
            return redirect("labelling:questions", slug=slug)
    context: dict[str, object] = {"form": form, "question": question}
    return _page(request, "labelling/question.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def question_remove(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Stop asking a question; what was answered stays with the older versions."""
    project = enter(request, slug, at_least=Role.OWNER, section="label")
    schema = selectors.current_schema(project)
    question = schema.question(key)
    if question is None:
        raise NotVisible
    kept = [each for each in schema.questions if each.key != key]
    services.create_version(project=project, questions=kept, actor=signed_in(request))
    messages.success(request, f"{question.name} is no longer asked.")
    return redirect("labelling:questions", slug=slug)


def _save(
    request: HttpRequest,
    project: Project,
    schema: SchemaSnapshot,
    wanted: list[QuestionSnapshot],
    form: QuestionForm,
) -> bool:
    """Make the version, or put what is wrong beside the form's fields."""
    # Keys are laid out anew, so that old and new questions share the keyboard sensibly.
    bare = [
        replace(each, options=tuple(replace(option, hot_key="") for option in each.options))
        for each in wanted
    ]
    try:
        after = services.create_version(
            project=project, questions=bare, actor=signed_in(request), based_on=schema.version
        )
    except Invalid as error:
        for each in error.errors:
            form.blame(each)
        return False
    except Conflict as error:
        form.add_error(None, error.detail)
        return False
    messages.success(request, f"Saved as version {after.version} of the questions.")
    return True

"""Pages about models: what there is, how good it is, train, try, predict in bulk."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from common.errors import Conflict, GlossError, Invalid
from common.http import page
from jobs.models import Job
from jobs.selectors import is_anybody_listening
from jobs.views import STOP_POLLING
from ml import panels, panels_registry, selectors, services, serving
from ml.api_predict import readable, results_response
from ml.champion import gate_of, rank_again
from ml.evaluation_files import evaluation_response
from ml.forms import PredictForm, TrainForm, TryForm
from ml.models import ModelVersion, PredictionJob, TrainingRun
from ml.panels_search import last_search
from ml.planning import TrainingPlan, plan_training
from ml.presets import presets
from ml.reach import reach_of
from ml.searching import start_search
from ml.services import Source
from projects.access import enter
from projects.models import Project, Role
from projects.views import signed_in
from reviews.selectors import dataset_of

_SHOWN = 20


@login_required
@require_GET
def home(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the champion, how good it is, the versions and the trainings."""
    project = enter(request, slug, section="models")
    champion = selectors.champion_of(project)
    context = {
        "champion": champion,
        "measures": panels.measures_of(champion) if champion else [],
        "versions": panels.versions_table(project, limit=_SHOWN),
        "runs": list(selectors.runs_of(project)[:_SHOWN]),
        "active_run": selectors.active_run_of(project),
        "ranking": selectors.last_ranking_of(project),
        "earlier": selectors.earlier_champion(project, champion),
        "promotions": list(selectors.promotions_of(project)[:_SHOWN]),
        "try_form": TryForm(),
        "subnav": panels.subnav(request, project),
    }
    return render(request, "ml/home.html", context)


# --- Training -------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def retrain(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what a training would use and how long it takes; POST starts it."""
    project = enter(request, slug, at_least=Role.OWNER, section="models")
    if request.headers.get("HX-Request") and request.GET.get("part") == "search":
        return _search_part(request, project)
    active = selectors.active_run_of(project)
    if active is not None:
        messages.info(request, "A training is already under way. Wait for it or cancel it.")
        return redirect("ml:run", slug=slug, number=active.number)
    given = request.POST if request.method == "POST" else request.GET
    form = TrainForm(project, given if "tier" in given else None)
    plan = _plan(project, form)
    if request.method == "POST" and not form.errors:
        return _start(request, project, plan, form)
    return _retrain_page(request, project, form, plan)


def _plan(project: Project, form: TrainForm) -> TrainingPlan:
    """Plan what the form asks for; what is wrong with it goes into the form."""
    if form.is_bound and form.is_valid():
        try:
            return plan_training(project, form.wishes())
        except Invalid as error:
            names = [each.field for each in error.errors if each.field in form.fields]
            form.add_error(names[0] if names else None, error.detail)
    return plan_training(project)


def _start(
    request: HttpRequest, project: Project, plan: TrainingPlan, form: TrainForm
) -> HttpResponse:
    try:
        run = services.start_training(project=project, plan=plan, actor=signed_in(request))
    except Conflict as error:
        active = selectors.active_run_of(project)
        if active is not None:  # pressed twice: show what the first press has started
            return redirect("ml:run", slug=project.slug, number=active.number)
        form.add_error(None, error.detail) if form.is_bound else messages.error(
            request, error.detail
        )
        return _retrain_page(request, project, form, plan, status=409)
    return redirect("ml:run", slug=project.slug, number=run.number)


def _retrain_page(
    request: HttpRequest, project: Project, form: TrainForm, plan: TrainingPlan, status: int = 200
) -> HttpResponse:
    if not form.is_bound:
        initial = {
            "tier": plan.tier.value,
            "encoder": plan.encoder,
            "questions": [each.key for each in plan.questions if each.is_used],
        }
        form = TrainForm(project, initial=initial)
    context = {
        "form": form,
        "plan": plan,
        "reach": reach_of(project, plan),
        "presets": presets([each.key for each in plan.questions]),
        "last_device": panels_registry.last_device(project),
        "champion": selectors.champion_of(project),
        "search": last_search(project),
        "subnav": panels.subnav(request, project),
    }
    response = page(request, "ml/retrain.html", context, fragment="ml/_plan.html")
    response.status_code = 400 if form.errors and status == 200 else status
    return response


def _search_part(request: HttpRequest, project: Project) -> HttpResponse:
    """Answer with the last search; htmx asks until it has ended."""
    panel = last_search(project)
    response = render(request, "ml/_search.html", {"search": panel})
    if panel is None or panel.job.is_finished:
        response.status_code = STOP_POLLING
    return response


@login_required
@require_POST
def search(request: HttpRequest, slug: str) -> HttpResponse:
    """Try settings of the heads on a frozen encoder."""
    project = enter(request, slug, at_least=Role.OWNER, section="models")
    try:
        job = start_search(project=project, actor=signed_in(request))
    except (Conflict, Invalid) as error:
        messages.error(request, error.detail)
        return redirect("ml:retrain", slug=slug)
    return redirect("jobs:detail", slug=slug, job_id=job.pk)


@login_required
@require_GET
def run_detail(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Show one training; while it runs, htmx asks for its state and its curve."""
    project = enter(request, slug, section="models")
    run = selectors.run_of(project, number)
    if request.headers.get("HX-Request") and request.GET.get("part") == "curve":
        return _curve(request, run)
    context = _run_context(request, project, run)
    response = page(request, "ml/run.html", context, fragment="ml/_run.html")
    if request.headers.get("HX-Request") and context["is_finished"]:
        response.status_code = STOP_POLLING
    return response


@login_required
@require_POST
def run_stop(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """End a training now and keep the best so far."""
    project = enter(request, slug, at_least=Role.ANALYST, section="models")
    run = selectors.run_of(project, number)
    try:
        services.stop_early(run=run, actor=signed_in(request))
    except Conflict as error:
        messages.error(request, error.detail)
    return redirect("ml:run", slug=slug, number=number)


def _curve(request: HttpRequest, run: TrainingRun) -> HttpResponse:
    """Answer with the loss curve when it has grown, else with nothing to swap."""
    is_finished = run.job is None or run.job.is_finished
    if request.GET.get("seen") == str(len(run.curve)) and not is_finished:
        return HttpResponse(status=204)
    context = {"run": run, "chart": panels.curve_chart(run), "is_finished": is_finished}
    return render(request, "ml/_curve.html", context)


def _run_context(request: HttpRequest, project: Project, run: TrainingRun) -> dict[str, Any]:
    job = run.job
    is_finished = job is None or job.is_finished
    return {
        "run": run,
        "job": job,
        "version": getattr(run, "model_version", None),
        "is_finished": is_finished,
        "is_heard": job is None or is_finished or is_anybody_listening(job),
        "seconds_left": panels.seconds_left(job),
        "chart": panels.curve_chart(run),
        "config": panels.config_facts(run),
        "log_lines": _log(job),
        "subnav": panels.subnav(request, project),
    }


def _log(job: Job | None) -> list[Any]:
    return list(job.log_lines.order_by("-id")[:200])[::-1] if job else []


# --- Versions -------------------------------------------------------------------------------------


@login_required
@require_GET
def version_detail(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Show everything that was measured about one version."""
    project = enter(request, slug, section="models")
    version = selectors.version_of(project, number)
    champion = selectors.champion_of(project)
    drawn = panels.drawn_measures_of(version)
    context = {
        "version": version,
        "run": version.training_run,
        "champion": champion,
        "gate": gate_of(champion, version),
        "about": panels_registry.about(version),
        "promotions": list(version.promotions.select_related("actor", "before").order_by("-id")),
        "measures": [each for each, _ in drawn],
        "drawn": drawn,
        "beside": panels.asked_baselines([each for each, _ in drawn]),
        "config": panels.config_facts(version.training_run),
        "subnav": panels.subnav(request, project),
    }
    return render(request, "ml/version.html", context)


@login_required
@require_GET
def version_evaluation(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Send everything that was measured about one version as a file."""
    project = enter(request, slug, section="models")
    version = selectors.version_of(project, number)
    return evaluation_response(version, request.GET.get("format", "csv"))


@login_required
@require_POST
def rank(request: HttpRequest, slug: str) -> HttpResponse:
    """Have the champion rank the unlabelled reviews anew."""
    project = enter(request, slug, at_least=Role.ANALYST, section="models")
    job = rank_again(project=project, actor=signed_in(request))
    return redirect("jobs:detail", slug=slug, job_id=job.pk)


# --- Predictions ----------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def try_one(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer every question about one review, at once."""
    project = enter(request, slug, at_least=Role.ANALYST, section="models")
    version = selectors.champion_of(project)
    form = TryForm(request.POST or None)
    context: dict[str, Any] = {"form": form, "version": version}
    context["subnav"] = panels.subnav(request, project)
    status = 200
    if version is not None and request.method == "POST":
        status = 200 if form.is_valid() else 422
        if form.is_valid():
            text = readable(form.cleaned_data["text"])
            context |= {"text": text, "answers": _answers(version, text)}
    response = page(request, "ml/try.html", context, fragment="ml/_answers.html")
    response.status_code = status
    return response


def _answers(version: ModelVersion, text: str) -> list[panels.Answer]:
    return panels.answers_of(version, text, serving.predict(version, [text])[0])


@login_required
@require_http_methods(["GET", "POST"])
def prediction_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List bulk predictions; POST starts one."""
    project = enter(request, slug, at_least=Role.ANALYST, section="models")
    is_sent = request.method == "POST"
    form = PredictForm(project, request.POST if is_sent else None, request.FILES or None)
    if is_sent and form.is_valid():
        try:
            work = _start_prediction(request, project, form.cleaned_data)
        except GlossError as error:
            form.add_error(None, error.detail)
        else:
            return redirect("ml:prediction", slug=slug, prediction_id=work.pk)
    context = {
        "form": form,
        "champion": selectors.champion_of(project),
        "works": list(selectors.predictions_of(project)[:100]),
        "subnav": panels.subnav(request, project),
    }
    return render(request, "ml/predictions.html", context, status=400 if form.errors else 200)


def _start_prediction(
    request: HttpRequest, project: Project, data: dict[str, Any]
) -> PredictionJob:
    version = selectors.version_to_ask(project)
    if data["dataset"]:
        source = Source(dataset=dataset_of(project, int(data["dataset"])))
        return services.start_prediction(
            project=project, version=version, source=source, actor=signed_in(request)
        )
    return services.start_file_prediction(
        project=project,
        version=version,
        file=data["file"],
        column=data["text"],
        actor=signed_in(request),
    )


@login_required
@require_GET
def prediction_detail(request: HttpRequest, slug: str, prediction_id: int) -> HttpResponse:
    """Show one bulk prediction; htmx asks for its state until it has ended."""
    project = enter(request, slug, at_least=Role.ANALYST, section="models")
    work = selectors.prediction_of(project, prediction_id)
    job = work.job
    is_finished = job is None or job.is_finished
    context = {
        "work": work,
        "job": job,
        "is_finished": is_finished,
        "is_heard": job is None or is_finished or is_anybody_listening(job),
        "seconds_left": panels.seconds_left(job),
        "subnav": panels.subnav(request, project),
    }
    response = page(request, "ml/prediction.html", context, fragment="ml/_prediction.html")
    if request.headers.get("HX-Request") and is_finished:
        response.status_code = STOP_POLLING
    return response


@login_required
@require_GET
def prediction_results(
    request: HttpRequest, slug: str, prediction_id: int
) -> StreamingHttpResponse:
    """Send the results as a file."""
    project = enter(request, slug, at_least=Role.ANALYST, section="models")
    work = selectors.prediction_of(project, prediction_id)
    return results_response(work, request.GET.get("format", "csv"))

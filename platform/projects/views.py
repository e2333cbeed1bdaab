"""Pages: home, the list of projects, a new one, and a project's settings."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.services import create_token, revoke_token
from common.errors import Conflict, GlossError, Invalid, NotVisible
from projects import presets, services
from projects.access import enter
from projects.forms import MemberForm, ProjectForm, RenameForm, TokenForm
from projects.models import Membership, Project, Role


def signed_in(request: HttpRequest) -> User:
    """Return the person; views behind login_required have one."""
    assert isinstance(request.user, User)  # noqa: S101
    return request.user


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Go where the person works: the only project, or the list."""
    slugs = list(
        Project.objects.filter(memberships__user=signed_in(request)).values_list("slug", flat=True)[
            :2
        ]
    )
    if len(slugs) == 1:
        return redirect("analysis:overview", slug=slugs[0])
    return redirect("projects:list")


@login_required
@require_GET
def project_list(request: HttpRequest) -> HttpResponse:
    """List the projects that the person may enter."""
    memberships = (
        Membership.objects.select_related("project")
        .filter(user=signed_in(request))
        .order_by("project__name")
    )
    return render(request, "projects/list.html", {"memberships": memberships})


@login_required
@require_http_methods(["GET", "POST"])
def project_new(request: HttpRequest) -> HttpResponse:
    """Make a project from a preset."""
    form = ProjectForm(request.POST or None, initial={"preset": "product-reviews"})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        slug = data["slug"] or slugify(data["name"])[:50].strip("-")
        try:
            project = services.create_project(
                slug=slug, name=data["name"], preset=data["preset"], owner=signed_in(request)
            )
        except (Conflict, Invalid) as error:
            form.add_error("slug", error.detail)
        else:
            return redirect("reviews:upload", slug=project.slug)
    context = {"form": form, "presets": presets.known()}
    status = 400 if form.errors else 200
    return render(request, "projects/new.html", context, status=status)


def _settings(
    request: HttpRequest,
    project: Project,
    *,
    status: int = 200,
    secret: str = "",
    **forms: object,
) -> HttpResponse:
    context = {
        "rename_form": RenameForm(initial={"name": project.name}),
        "member_form": MemberForm(),
        "token_form": TokenForm(),
        "members": project.memberships.select_related("user").order_by("-role", "user__username"),
        "tokens": project.api_tokens.select_related("user").order_by("-created_at"),
        "secret": secret,
    }
    return render(request, "projects/settings.html", context | forms, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def settings_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a project's settings; POST renames it."""
    project = enter(request, slug, at_least=Role.OWNER, section="settings")
    form = RenameForm(request.POST or None)
    if request.method == "POST":
        if not form.is_valid():
            return _settings(request, project, status=400, rename_form=form)
        services.rename_project(
            project=project, name=form.cleaned_data["name"], actor=signed_in(request)
        )
        messages.success(request, "Renamed.")
        return redirect("projects:settings", slug=slug)
    return _settings(request, project)


@login_required
@require_POST
def member_set(request: HttpRequest, slug: str) -> HttpResponse:
    """Add a member or change a role."""
    project = enter(request, slug, at_least=Role.OWNER, section="settings")
    form = MemberForm(request.POST)
    if form.is_valid():
        try:
            services.set_role(
                project=project,
                username=form.cleaned_data["username"],
                role=Role.named(form.cleaned_data["role"]),
                actor=signed_in(request),
            )
        except GlossError as error:
            form.add_error("username", error.detail)
        else:
            messages.success(request, "Saved.")
            return redirect("projects:settings", slug=slug)
    return _settings(request, project, status=400, member_form=form)


@login_required
@require_POST
def member_remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a member out of the project."""
    project = enter(request, slug, at_least=Role.OWNER, section="settings")
    username = request.POST.get("username", "")
    services.remove_member(project=project, username=username, actor=signed_in(request))
    messages.success(request, f"{username} is no longer a member.")
    return redirect("projects:settings", slug=slug)


@login_required
@require_POST
def token_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a token and show its secret this once."""
    project = enter(request, slug, at_least=Role.OWNER, section="settings")
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _settings(request, project, status=400, token_form=form)
    _, secret = create_token(user=signed_in(request), project_id=project.pk, **form.cleaned_data)
    response = _settings(request, project, secret=secret)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def token_revoke(request: HttpRequest, slug: str, token_id: int) -> HttpResponse:
    """End a token."""
    project = enter(request, slug, at_least=Role.OWNER, section="settings")
    token = project.api_tokens.filter(pk=token_id).first()
    if token is None:
        raise NotVisible
    revoke_token(token=token, actor=signed_in(request))
    messages.success(request, f"The token {token.name} works no more.")
    return redirect("projects:settings", slug=slug)

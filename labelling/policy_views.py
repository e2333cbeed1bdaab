"""The page of policies, under Settings."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from labelling.policies import policies_of, set_policies
from labelling.queue_forms import PolicyForm
from projects.access import enter
from projects.models import Role
from projects.views import signed_in


@login_required
@require_http_methods(["GET", "POST"])
def policies(request: HttpRequest, slug: str) -> HttpResponse:
    """Show and change how the project's work is shared."""
    project = enter(request, slug, at_least=Role.OWNER, section="settings")
    form = PolicyForm(request.POST or None, initial=PolicyForm.showing(policies_of(project)))
    if request.method == "POST":
        form = PolicyForm(request.POST)
        if form.is_valid():
            set_policies(project=project, actor=signed_in(request), **form.changes())
            messages.success(request, "Saved.")
            return redirect("labelling_settings:policies", slug=slug)
    status = 400 if form.errors else 200
    return render(request, "labelling/policies.html", {"form": form}, status=status)

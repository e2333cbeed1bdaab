"""Pages of a person: the one-time link and the profile."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.forms import ProfileForm
from accounts.models import User
from accounts.services import use_sign_in_link


@require_http_methods(["GET", "POST"])
def sign_in_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Ask for one click (mail scanners follow links, they press no buttons), then sign in."""
    if request.method == "GET":
        return render(request, "accounts/link.html", {"secret": secret})
    user = use_sign_in_link(secret=secret)
    if user is None:
        return render(request, "accounts/link.html", {"is_spent": True}, status=410)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("/")


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change one's own name, address and shortcuts."""
    assert isinstance(request.user, User)  # noqa: S101  (login_required saw to it)
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("accounts:profile")
    return render(request, "accounts/profile.html", {"form": form})

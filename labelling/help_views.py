"""Pages beside the label page: the guidelines, and the keys that a person has chosen."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import User
from common.errors import Invalid
from common.http import page
from labelling import guidelines as guides
from labelling import own_keys, selectors
from labelling.tabs import tabs
from projects.access import enter
from projects.models import Membership, Role
from projects.views import signed_in


@login_required
@require_GET
def guidelines(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the guidelines; `since` names the version that the person has read."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    schema = selectors.current_schema(project)
    since = request.GET.get("since", "")
    before = None
    if since.isdecimal() and len(since) < 10:
        before = selectors.schema_version(project, int(since))
    context = {
        "schema": schema,
        "guidelines_html": guides.as_html(schema.guidelines),
        "since": before,
        "changes": guides.changes(before.guidelines, schema.guidelines) if before else (),
        "tabs": tabs(membership, "guidelines"),
    }
    return page(
        request, "labelling/guidelines.html", context, fragment="labelling/_guidelines.html"
    )


@login_required
@require_http_methods(["GET", "POST"])
def keys(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the keys of the label page and change them for this person."""
    project = enter(request, slug, at_least=Role.ANNOTATOR, section="label")
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    schema = selectors.current_schema(project)
    sent = {name: request.POST.get(name, "") for name in request.POST if name != "mode"}
    mode = request.POST.get("mode", _mode(membership))
    faults = Invalid("")
    if request.method == "POST":
        wanted = {} if "reset" in request.POST else sent
        try:
            own_keys.choose_keys(membership=membership, schema=schema, wanted=wanted, modifier=mode)
        except Invalid as error:
            faults = error
        else:
            _switch(signed_in(request), is_off=mode == "off")
            messages.success(request, "Keys saved.")
            return redirect("labelling:keys", slug=slug)
    context = {
        "groups": own_keys.groups(
            schema,
            membership.keys,
            sent=sent if faults.errors else None,
            errors=faults.errors,
        ),
        "has_faults": bool(faults.errors),
        "mode": mode,
        "tabs": tabs(membership, "keys"),
    }
    return render(request, "labelling/keys.html", context, status=400 if faults.errors else 200)


def _mode(membership: Membership) -> str:
    if membership.user.shortcuts == User.Shortcuts.OFF:
        return "off"
    return str(membership.keys.get(own_keys.MODIFIER, "on"))


def _switch(person: User, *, is_off: bool) -> None:
    person.shortcuts = User.Shortcuts.OFF if is_off else User.Shortcuts.ON
    person.save(update_fields=["shortcuts"])

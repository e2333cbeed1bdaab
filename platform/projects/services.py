"""Make projects and decide who belongs to them."""

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import User
from common.errors import Conflict, Invalid, NotAllowed
from projects import departures, presets
from projects.models import Membership, Project, Role


@transaction.atomic
def create_project(*, slug: str, name: str, preset: str, owner: User) -> Project:
    """Create a project with its questions and its first owner.

    Raises Invalid for a bad slug or preset, Conflict when the slug is taken.
    """
    presets.check(preset)
    project = Project(slug=slug, name=name.strip() or slug, preset=preset)
    try:
        project.full_clean(exclude=["id"], validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Invalid.of(field, messages[0]) from error
    try:
        with transaction.atomic():
            project.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(f"There is a project {slug!r} already; choose another slug.") from error
    Membership.objects.create(project=project, user=owner, role=Role.OWNER)
    audit.record(actor=owner, project_id=project.pk, action="project.created", subject=slug)
    presets.apply(project, preset, owner)
    return project


@transaction.atomic
def rename_project(*, project: Project, name: str, actor: User) -> Project:
    """Change the name that people see; the slug stays."""
    cleaned = name.strip()
    if not 1 <= len(cleaned) <= 100:
        raise Invalid.of("name", "A name has 1 to 100 characters.")
    audit.record(
        actor=actor,
        project_id=project.pk,
        action="project.renamed",
        subject=cleaned,
        before=project.name,
    )
    project.name = cleaned
    project.save(update_fields=["name"])
    return project


@transaction.atomic
def set_role(*, project: Project, username: str, role: Role, actor: User) -> Membership:
    """Add a person to the project or change the role; the last owner stays.

    Raises Invalid for an unknown person, NotAllowed when no owner would be left.
    """
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise Invalid.of("username", f"There is no person {username!r}. Site staff add people.")
    _keep_an_owner(project=project, user=user, role=role)
    membership, _ = Membership.objects.update_or_create(
        project=project, user=user, defaults={"role": role}
    )
    audit.record(
        actor=actor,
        project_id=project.pk,
        action="member.set",
        subject=username,
        role=role.label,
    )
    return membership


@transaction.atomic
def remove_member(*, project: Project, username: str, actor: User) -> None:
    """Take a person out of the project, and their tokens for it; the last owner stays."""
    wanted = username.replace("\x00", "")[:150]  # PostgreSQL takes no NUL
    membership = Membership.objects.filter(project=project, user__username=wanted).first()
    if membership is None:
        raise Invalid.of("username", f"{wanted!r} is not a member.")
    _keep_an_owner(project=project, user=membership.user, role=None)
    membership.user.api_tokens.filter(project=project).delete()
    departures.announce(project, membership.user)
    membership.delete()
    audit.record(actor=actor, project_id=project.pk, action="member.removed", subject=username)


def _keep_an_owner(*, project: Project, user: User, role: Role | None) -> None:
    """Refuse to leave a project without an owner; the lock keeps two removals apart."""
    owners = list(
        Membership.objects.select_for_update()
        .filter(project=project, role=Role.OWNER)
        .values_list("user_id", flat=True)
    )
    if role != Role.OWNER and owners == [user.pk]:
        raise NotAllowed("A project keeps at least one owner. Make someone else an owner first.")

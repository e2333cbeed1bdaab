"""People, the tokens of their programs, and the record of what they did."""

from django.contrib.auth.models import AbstractUser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone


class User(AbstractUser):
    """A person who signs in."""

    class Shortcuts(models.TextChoices):
        """When single-letter keys act (WCAG 2.1.4)."""

        ON = "on", "On"
        OFF = "off", "Off"

    shortcuts = models.CharField(max_length=8, choices=Shortcuts.choices, default=Shortcuts.ON)
    #: An annotator known from an imported file only, who can never sign in.
    is_external = models.BooleanField(default=False)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(is_external=True, is_active=True),
                name="external_people_cannot_sign_in",
                violation_error_message="Somebody known from a file only cannot be made active.",
            ),
        ]

    @property
    def shown_name(self) -> str:
        """The name that others see: of somebody known from a file, the name in that file."""
        return self.first_name if self.is_external else self.username


class ApiToken(models.Model):
    """A program's key to one project: only its SHA-256 is kept."""

    class Scope(models.TextChoices):
        """What a token may do; a role still limits it."""

        READ = "read", "Read"
        WRITE = "write", "Write"
        PREDICT = "predict", "Predict"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    # By name: projects stand above accounts and are not imported here.
    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, help_text="The start of the token, to recognise it.")
    digest = models.CharField(max_length=64, unique=True)
    can_read = models.BooleanField(default=False)
    can_write = models.BooleanField(default=False)
    can_predict = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}...)"

    def allows(self, scope: "ApiToken.Scope") -> bool:
        """Tell whether the token carries `scope`."""
        carried = {
            self.Scope.READ: self.can_read,
            self.Scope.WRITE: self.can_write,
            self.Scope.PREDICT: self.can_predict,
        }
        return carried[scope]


class SignInLink(models.Model):
    """A link that signs one person in once: how the first owner gets in without a password."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_in_links")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"sign-in link of {self.user}"


class KeptAnswer(models.Model):
    """What a request with an Idempotency-Key was answered, for when it comes again."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="kept_answers")
    key = models.CharField(max_length=128)
    path = models.CharField(max_length=300)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="one_answer_per_idempotency_key"),
        ]

    def __str__(self) -> str:
        return f"{self.status} for {self.path}"


class AuditEvent(models.Model):
    """One change of state: who did what to which thing, when. Rows are only ever added."""

    at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="audit_events"
    )
    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, null=True, related_name="audit_events"
    )
    action = models.CharField(max_length=64, help_text="A verb: project.created, model.promoted.")
    subject = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [
            # The project's own page of what changed lately.
            models.Index(fields=["project", "-id"], name="audit_by_project"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.subject}"

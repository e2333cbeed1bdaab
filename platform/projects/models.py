"""The tenant and who may do what in it."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

SLUG_PATTERN = r"^[a-z0-9][a-z0-9-]{0,48}[a-z0-9]$"


class GoldPolicy(models.TextChoices):
    """When what people said about a question becomes gold by itself."""

    MAJORITY = "majority", "What most people said"
    UNANIMOUS = "unanimous", "Only where all agree; the rest is adjudicated"
    ADJUDICATED = "adjudicated", "Never: a reviewer decides"


class Project(models.Model):
    """A team's reviews, questions, labels and models."""

    slug = models.CharField(
        max_length=50,
        unique=True,
        validators=[
            RegexValidator(
                SLUG_PATTERN,
                "Use 2 to 50 lower-case letters, digits and hyphens, such as shoe-reviews.",
            )
        ],
    )
    name = models.CharField(max_length=100)
    preset = models.CharField(max_length=50, default="blank")
    created_at = models.DateTimeField(default=timezone.now)
    # How the queue is mixed: this share of what is served is drawn at random, whatever the model
    # thinks, so that one unbiased slice remains.
    control_share = models.FloatField(default=0.15)
    lease_minutes = models.PositiveSmallIntegerField(default=10)
    # How many people answer a review: everybody's word for most, several people's for a share
    # that is drawn at random, so that agreement can be measured without bias.
    overlap_count = models.PositiveSmallIntegerField(default=1)
    overlap_share = models.FloatField(default=1.0)
    #: This share of what is served are reviews whose answer is known: see labelling.QualityCheck.
    check_share = models.FloatField(default=0.0)
    #: Annotators see neither what others said nor what a model proposes.
    is_blind = models.BooleanField(default=False)
    gold_policy = models.CharField(
        max_length=12, choices=GoldPolicy.choices, default=GoldPolicy.MAJORITY
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(overlap_share__gte=0) & models.Q(overlap_share__lte=1),
                name="overlap_share_is_a_share",
            ),
            models.CheckConstraint(
                condition=models.Q(check_share__gte=0) & models.Q(check_share__lte=1),
                name="check_share_is_a_share",
            ),
            models.CheckConstraint(
                condition=models.Q(overlap_count__gte=1), name="somebody_answers_a_review"
            ),
            models.CheckConstraint(
                condition=models.Q(control_share__gte=0) & models.Q(control_share__lte=1),
                name="control_share_is_a_share",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Role(models.IntegerChoices):
    """What a member may do; a higher role may do all that a lower one may."""

    VIEWER = 10, "viewer"
    ANNOTATOR = 20, "annotator"
    REVIEWER = 30, "reviewer"
    ANALYST = 40, "analyst"
    OWNER = 50, "owner"

    @classmethod
    def named(cls, name: str) -> "Role":
        """Return the role called `name`; raise KeyError for an unknown one."""
        return {role.label: role for role in cls}[name]


class Membership(models.Model):
    """A person's role in a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.PositiveSmallIntegerField(choices=Role.choices)
    created_at = models.DateTimeField(default=timezone.now)
    #: Reviews that this person may label in a day; null: as many as they like.
    daily_quota = models.PositiveIntegerField(null=True)
    #: Keys of the label page that this person has changed: what a key does to the key.
    keys = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="one_role_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.get_role_display()} of {self.project}"

    @property
    def can_label(self) -> bool:
        """Annotators and above label."""
        return self.role >= Role.ANNOTATOR

    @property
    def can_review(self) -> bool:
        """Reviewers and above see everybody's labels."""
        return self.role >= Role.REVIEWER

    @property
    def is_only_labeller(self) -> bool:
        """Annotators are shown nothing that others have said, nor what measures themselves."""
        return self.can_label and not self.can_review

    @property
    def can_analyse(self) -> bool:
        """Analysts and above upload and read dashboards."""
        return self.role >= Role.ANALYST

    @property
    def can_own(self) -> bool:
        """Owners train, promote and change the project."""
        return self.role >= Role.OWNER

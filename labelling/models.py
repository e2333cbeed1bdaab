"""What is asked about reviews, who is answering, what they said, and what is held for true."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.utils import timezone


class LabelSchema(models.Model):
    """One version of a project's questions; frozen once somebody has answered."""

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="label_schemas"
    )
    version = models.PositiveIntegerField()
    guidelines = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    frozen_at = models.DateTimeField(null=True)
    #: How it was made of the version before, in words of labelling.changes.
    changes = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="one_schema_per_version"),
        ]

    def __str__(self) -> str:
        return f"questions version {self.version}"


class Question(models.Model):
    """What annotators answer about every review."""

    class Kind(models.TextChoices):
        """How a question is answered."""

        CHOICE = "choice", "One option"
        MULTICHOICE = "multichoice", "Any number of options"
        NUMBER = "number", "A number"
        SPANS = "spans", "Spans of the text"

    schema = models.ForeignKey(LabelSchema, on_delete=models.CASCADE, related_name="questions")
    key = models.SlugField(max_length=50, help_text="The name programs use; the same in versions.")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    position = models.PositiveSmallIntegerField(default=0)
    instructions = models.TextField(blank=True)
    is_required = models.BooleanField(default=True)
    minimum = models.FloatField(null=True)
    maximum = models.FloatField(null=True)
    is_integer = models.BooleanField(default=False)
    has_polarity = models.BooleanField(default=False)
    #: Whether spans of one annotation may share characters.
    allows_overlap = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["schema", "key"], name="one_question_per_key"),
            models.CheckConstraint(
                condition=Q(minimum=None) | Q(maximum=None) | Q(minimum__lt=F("maximum")),
                name="minimum_below_maximum",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Option(models.Model):
    """An allowed answer, with its colour and its key."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="options")
    key = models.CharField(max_length=100, help_text="The name programs use.")
    name = models.CharField(max_length=100)
    position = models.PositiveSmallIntegerField(default=0)
    colour = models.PositiveSmallIntegerField(default=1, help_text="Which of the palette's twelve.")
    hot_key = models.CharField(max_length=1, blank=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["question", "key"], name="one_option_per_key"),
        ]

    def __str__(self) -> str:
        return self.name


#: Quality checks are answered by everybody and sit beyond the seats of a review.
CHECK_SEATS = 1_000_000_000


class Assignment(models.Model):
    """A review leased to an annotator until a time, or reserved for one.

    Whoever holds or has answered a review sits on one of its seats; a review has as many as it
    should have answers, so the database itself keeps more people away.
    """

    class State(models.TextChoices):
        """How it ended, if it has."""

        RESERVED = "reserved", "Reserved"
        LEASED = "leased", "Leased"
        SUBMITTED = "submitted", "Submitted"
        SKIPPED = "skipped", "Skipped"
        EXPIRED = "expired", "Expired"
        #: What was submitted has been taken back.
        WITHDRAWN = "withdrawn", "Withdrawn"

    class Source(models.TextChoices):
        """Why this review was served."""

        RANKED = "ranked", "Ranked by a model"
        CONTROL = "control", "Random control"
        UNRANKED = "unranked", "In random order"
        OPINION = "opinion", "Another person's opinion is wanted"
        AGAIN = "again", "The questions have changed"
        CHECK = "check", "The answer is known"
        RESERVED = "reserved", "Reserved by a reviewer"

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="assignments"
    )
    review = models.ForeignKey(
        "reviews.Review", on_delete=models.CASCADE, related_name="assignments"
    )
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assignments"
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.LEASED)
    source = models.CharField(max_length=16, choices=Source.choices, default=Source.UNRANKED)
    #: From 0; for a quality check CHECK_SEATS and the annotator's id, which is nobody else's.
    seat = models.PositiveIntegerField(default=0)
    #: Of the leases of one person: 0 is what they are at, higher ones were fetched ahead.
    place = models.PositiveSmallIntegerField(default=0)
    ranked_by = models.PositiveIntegerField(null=True)
    #: Who reserved it.
    reserved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["review", "seat"],
                condition=Q(state__in=["reserved", "leased", "submitted"]),
                name="one_person_per_seat",
            ),
            models.UniqueConstraint(
                fields=["review", "annotator"],
                condition=Q(state__in=["reserved", "leased"]),
                name="one_open_assignment_per_review_and_person",
            ),
            models.UniqueConstraint(
                fields=["project", "annotator", "place"],
                condition=Q(state="leased"),
                name="one_lease_per_person_and_place",
            ),
        ]
        indexes = [
            # Reviews that this person has skipped or answered before.
            models.Index(fields=["annotator", "review"], name="assignment_by_annotator"),
            # What waits for this person.
            models.Index(
                fields=["project", "annotator", "id"],
                condition=Q(state="reserved"),
                name="assignment_reserved",
            ),
            # Leases that have run out.
            models.Index(
                fields=["project", "lease_until"],
                condition=Q(state="leased"),
                name="assignment_leased",
            ),
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}"


class OpenReview(models.Model):
    """A review with answers that should be answered once more: by others, or once again."""

    class Cause(models.TextChoices):
        """Why."""

        OVERLAP = "overlap", "Several people answer it"
        AGAIN = "again", "The questions have changed"

    review = models.OneToOneField(
        "reviews.Review", on_delete=models.CASCADE, related_name="open_review"
    )
    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="open_reviews", db_index=False
    )
    cause = models.CharField(max_length=10, choices=Cause.choices)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            # The queue: what has been begun is finished first.
            models.Index(fields=["project", "review"], name="open_review_by_project"),
        ]

    def __str__(self) -> str:
        return f"review {self.review_id} is open"


class QualityCheck(models.Model):
    """A review whose answer is known: served unmarked now and then, to see how people do."""

    review = models.OneToOneField(
        "reviews.Review", on_delete=models.CASCADE, related_name="quality_check"
    )
    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="quality_checks"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"quality check with review {self.review_id}"


class Annotation(models.Model):
    """One person's work on one review."""

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="annotations"
    )
    review = models.ForeignKey(
        "reviews.Review", on_delete=models.CASCADE, related_name="annotations"
    )
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="annotations"
    )
    schema = models.ForeignKey(LabelSchema, on_delete=models.RESTRICT, related_name="annotations")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    seconds = models.FloatField(null=True, help_text="From being shown to being submitted.")
    note = models.CharField(max_length=1000, blank=True)
    #: Set when it came with an import or from a bulk action; whoever undoes that removes it.
    import_job = models.ForeignKey(
        "reviews.ImportJob", on_delete=models.CASCADE, null=True, related_name="annotations"
    )
    bulk_action = models.ForeignKey(
        "reviews.BulkAction", on_delete=models.SET_NULL, null=True, related_name="annotations"
    )
    #: Counts changes, so that two who edit at once notice each other.
    revision = models.PositiveIntegerField(default=1, db_default=1)
    #: Whether a model's proposals were on the page, and which version's; null: not known.
    saw_suggestions = models.BooleanField(null=True)
    suggested_by = models.PositiveIntegerField(null=True)
    #: Answers to a quality check measure the annotator and make no gold.
    is_check = models.BooleanField(default=False, db_default=False)
    #: The questions have changed and its author is to answer again.
    is_asked_again = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["review", "annotator"], name="one_annotation_per_review_and_person"
            ),
        ]
        indexes = [
            # The project's annotations, oldest first, by keyset.
            models.Index(fields=["project", "id"], name="annotation_by_project"),
        ]

    def __str__(self) -> str:
        return f"annotation {self.pk}"


class AnnotationRevision(models.Model):
    """What an annotation said before it was changed."""

    annotation = models.ForeignKey(Annotation, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    schema = models.ForeignKey(LabelSchema, on_delete=models.RESTRICT, related_name="+")
    #: In the API's shape.
    answers = models.JSONField()
    note = models.CharField(max_length=1000, blank=True)
    #: When it began to hold, and who changed it into the next.
    created_at = models.DateTimeField()
    replaced_at = models.DateTimeField(default=timezone.now)
    replaced_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["annotation", "number"], name="one_revision_per_number"
            ),
        ]

    def __str__(self) -> str:
        return f"revision {self.number} of annotation {self.annotation_id}"


class Flag(models.Model):
    """Somebody says that a review needs a reviewer's eye, and why."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="flags")
    review = models.ForeignKey("reviews.Review", on_delete=models.CASCADE, related_name="flags")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="flags"
    )
    note = models.CharField(max_length=1000)
    created_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["review", "person"],
                condition=Q(resolved_at=None),
                name="one_open_flag_per_review_and_person",
            ),
        ]
        indexes = [
            models.Index(
                fields=["project", "-id"], condition=Q(resolved_at=None), name="flag_open"
            ),
        ]

    def __str__(self) -> str:
        return f"flag on review {self.review_id}"


class Comment(models.Model):
    """What a member says to others about a review."""

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="comments"
    )
    review = models.ForeignKey("reviews.Review", on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="comments"
    )
    body = models.TextField(max_length=4000)
    created_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"comment {self.pk}"


class Mention(models.Model):
    """A member who is called by name in a comment."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="mentions")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mentions"
    )
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["comment", "person"], name="one_mention_per_comment"),
        ]

    def __str__(self) -> str:
        return f"mention of {self.person_id} in comment {self.comment_id}"


class Adjudication(models.Model):
    """A reviewer's decision about the answers to one review: it is gold, whatever people say."""

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="adjudications"
    )
    review = models.ForeignKey(
        "reviews.Review", on_delete=models.CASCADE, related_name="adjudications"
    )
    schema = models.ForeignKey(LabelSchema, on_delete=models.RESTRICT, related_name="+")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="adjudications"
    )
    #: In the API's shape, of the questions that were decided.
    answers = models.JSONField()
    #: What an import had said about these questions: it comes back when the decision is undone.
    imported = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    reason = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    #: A later decision stands in its place, or it was taken back.
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["review"],
                condition=Q(ended_at=None),
                name="one_adjudication_holds_per_review",
            ),
        ]

    def __str__(self) -> str:
        return f"adjudication of review {self.review_id}"


class AnswerBase(models.Model):
    """One value for one question: an option, a number, or (both null) "none of them"."""

    question = models.ForeignKey(Question, on_delete=models.RESTRICT, related_name="+")
    option = models.ForeignKey(Option, on_delete=models.RESTRICT, null=True, related_name="+")
    number = models.FloatField(null=True)

    class Meta:
        abstract = True


class SpanBase(models.Model):
    """A character range (code points, end exclusive) with its option and the text it covers."""

    class Polarity(models.TextChoices):
        """What a span says about its option."""

        NEGATIVE = "negative", "Negative"
        NEUTRAL = "neutral", "Neutral"
        POSITIVE = "positive", "Positive"

    question = models.ForeignKey(Question, on_delete=models.RESTRICT, related_name="+")
    option = models.ForeignKey(Option, on_delete=models.RESTRICT, related_name="+")
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    text = models.TextField()
    polarity = models.CharField(max_length=10, choices=Polarity.choices, blank=True)

    class Meta:
        abstract = True


class Answer(AnswerBase):
    """One answer of an annotation; a multichoice has a row per option, or one empty row."""

    annotation = models.ForeignKey(Annotation, on_delete=models.CASCADE, related_name="answers")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["annotation", "question", "option"], name="one_answer_per_option"
            ),
            models.UniqueConstraint(
                fields=["annotation", "question"],
                condition=Q(option=None),
                name="one_answer_without_option",
            ),
            models.CheckConstraint(
                condition=Q(option=None) | Q(number=None), name="answer_is_option_or_number"
            ),
        ]

    def __str__(self) -> str:
        return f"answer {self.pk}"


class Span(SpanBase):
    """A span of an annotation."""

    annotation = models.ForeignKey(Annotation, on_delete=models.CASCADE, related_name="spans")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["annotation", "question", "start", "end", "option"],
                name="one_span_per_range_and_option",
            ),
            models.CheckConstraint(condition=Q(start__lt=F("end")), name="span_is_not_empty"),
        ]

    def __str__(self) -> str:
        return f"span {self.start}-{self.end}"


class GoldSource(models.TextChoices):
    """Where a gold answer comes from."""

    CONSENSUS = "consensus", "Consensus of annotators"
    IMPORTED = "imported", "Imported column"
    ADJUDICATED = "adjudicated", "Decided by a reviewer"


class Gold(AnswerBase):
    """What consensus, adjudication or an imported column yields for training.

    Its key is review, question and slot, so that one index finds the gold of a review, keeps it
    single and is written in order by an import. Foreign keys are checked once a batch; a trigger
    of the database takes gold along when its review goes (see reviews.models.Review).
    """

    pk = models.CompositePrimaryKey("review_id", "question_id", "slot")
    review = models.ForeignKey(
        "reviews.Review",
        on_delete=models.CASCADE,
        related_name="gold",
        db_index=False,
        db_constraint=False,
    )
    question = models.ForeignKey(
        Question, on_delete=models.RESTRICT, related_name="+", db_index=False, db_constraint=False
    )
    #: The option's id, or 0 for a number or for "none of the options".
    slot = models.BigIntegerField(default=0)
    option = models.ForeignKey(
        Option,
        on_delete=models.RESTRICT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    project = models.ForeignKey(
        "projects.Project",
        on_delete=models.CASCADE,
        related_name="gold",
        db_index=False,
        db_constraint=False,
    )
    source = models.CharField(max_length=16, choices=GoldSource.choices)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(option=None) | Q(number=None), name="gold_is_option_or_number"
            ),
            models.CheckConstraint(
                condition=Q(option=None, slot=0) | Q(slot=F("option_id")),
                name="gold_slot_is_its_option",
            ),
        ]
        indexes = [
            # Filters of the review table: answer.sentiment=positive. Numbers are looked up review
            # by review.
            models.Index(
                fields=["question", "option", "review"],
                condition=Q(option__isnull=False),
                name="gold_by_option",
            ),
        ]

    def __str__(self) -> str:
        return f"gold of review {self.review_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the slot in step with the option; whoever writes in bulk does it too."""
        self.slot = self.option_id or 0
        super().save(*args, **kwargs)


class GoldSpan(SpanBase):
    """A span that is held for true."""

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="gold_spans"
    )
    review = models.ForeignKey(
        "reviews.Review", on_delete=models.CASCADE, related_name="gold_spans"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["review", "question", "start", "end", "option"],
                name="one_gold_span_per_range_and_option",
            ),
            models.CheckConstraint(condition=Q(start__lt=F("end")), name="gold_span_is_not_empty"),
        ]

    def __str__(self) -> str:
        return f"gold span {self.start}-{self.end}"


class Suggestion(models.Model):
    """An answer proposed by a model: shown to annotators, never counted as an annotation."""

    review = models.ForeignKey(
        "reviews.Review", on_delete=models.CASCADE, related_name="suggestions"
    )
    question_key = models.SlugField(max_length=50)
    #: In the shape of the API's answers, with the confidence beside it.
    value = models.JSONField()
    confidence = models.FloatField(null=True)
    model_version = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["review", "question_key"], name="one_suggestion_per_question"
            ),
        ]

    def __str__(self) -> str:
        return f"suggestion {self.pk}"

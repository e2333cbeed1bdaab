"""What the reviews say, as charts: answers, time, products, lengths.

Every bar leads to its reviews. All numbers come from gold (what people or imported columns said),
not from a model, and say so.
"""

import itertools
from collections import defaultdict
from urllib.parse import urlencode

from django.db.models import Avg, Count, Q, QuerySet
from django.db.models.functions import Length, TruncMonth
from django.urls import reverse

from common.charts import Axis, Chart, Series
from labelling.models import Gold, GoldSpan, SpanBase
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot, SchemaSnapshot
from projects.models import Project
from reviews.selectors import visible_reviews

LENGTHS = (50, 100, 200, 400, 800, 1600)
TOP_PRODUCTS = 12
POLARITY_COLOURS = {"positive": 3, "neutral": 12, "negative": 4}


def charts_of(project: Project) -> list[Chart]:
    """Return every chart that has something to show."""
    schema = current_schema(project)
    charts = [_answers(project, question) for question in schema.questions]
    number = next((each for each in schema.questions if each.kind == "number"), None)
    charts += [_over_time(project, number), _products(project, number), _lengths(project)]
    charts += [_polarities(project, question) for question in _with_polarity(schema)]
    return [chart for chart in charts if chart is not None]


def _gold(project: Project, question: QuestionSnapshot) -> QuerySet[Gold]:
    return Gold.objects.filter(
        project=project, question_id=question.id, review__dataset__is_ready=True
    )


def _reviews_url(project: Project, **filters: str) -> str:
    query = urlencode({name.replace("__", "."): value for name, value in filters.items()})
    return f"{reverse('reviews:list', args=[project.slug])}?{query}"


def _answers(project: Project, question: QuestionSnapshot) -> Chart | None:
    """How often each answer was given."""
    if question.kind == "spans":
        return None
    if question.kind == "number":
        return _numbers(project, question)
    gold = _gold(project, question)
    counted = dict(gold.exclude(option=None).values_list("option_id").annotate(Count("review")))
    n = gold.values("review_id").distinct().count()
    if not n:
        return None
    return Chart(
        id=f"answers-{question.key}",
        title=f"{question.name}: how often each answer was given",
        kind="bar",
        labels=[option.name for option in question.options],
        series=[
            Series(
                "Reviews",
                [counted.get(option.id, 0) for option in question.options],
                urls=[
                    _reviews_url(project, **{f"answer__{question.key}": option.key})
                    for option in question.options
                ],
            )
        ],
        y=Axis("Reviews", low=0),
        note=f"Gold answers · n {n:,}",
        is_horizontal=question.kind == "multichoice",
        x=Axis(scale="category"),
    )


def _numbers(project: Project, question: QuestionSnapshot) -> Chart | None:
    counted: dict[int, int] = defaultdict(int)
    values = _gold(project, question).exclude(number=None).values_list("number")
    for number, count in values.annotate(Count("review")):
        counted[round(number)] += count
    if not counted:
        return None
    labels = sorted(counted)
    return Chart(
        id=f"answers-{question.key}",
        title=f"{question.name}: how often each value was given",
        kind="bar",
        labels=[str(label) for label in labels],
        series=[
            Series(
                "Reviews",
                [counted[label] for label in labels],
                urls=[
                    _reviews_url(project, **{f"answer__{question.key}": str(label)})
                    for label in labels
                ],
            )
        ],
        y=Axis("Reviews", low=0),
        note=f"Gold answers · n {sum(counted.values()):,}",
    )


def _over_time(project: Project, question: QuestionSnapshot | None) -> Chart | None:
    """The mean of the number question month by month."""
    if question is None:
        return None
    months = (
        _gold(project, question)
        .exclude(Q(number=None) | Q(review__reviewed_at=None))
        .annotate(month=TruncMonth("review__reviewed_at"))
        .values_list("month")
        .annotate(Avg("number"), Count("review"))
        .order_by("month")
    )
    rows = [(month, mean, n) for month, mean, n in months if month is not None]
    if len(rows) < 2:
        return None
    return Chart(
        id="over-time",
        title=f"How did {question.name.lower()} change over time?",
        kind="line",
        labels=[f"{month:%b %Y}" for month, _, _ in rows],
        series=[Series(f"Mean {question.name.lower()}", [round(mean, 2) for _, mean, _ in rows])],
        y=Axis(f"Mean {question.name.lower()}", low=question.minimum, high=question.maximum),
        note=f"Gold answers by month · n {sum(n for _, _, n in rows):,}",
    )


def _products(project: Project, question: QuestionSnapshot | None) -> Chart | None:
    """The mean of the number question by product."""
    if question is None:
        return None
    rows = list(
        _gold(project, question)
        .exclude(Q(number=None) | Q(review__product=""))
        .values_list("review__product")
        .annotate(Avg("number"), n=Count("review"))
        .order_by("-n")[:TOP_PRODUCTS]
    )
    if len(rows) < 2:
        return None
    rows.sort(key=lambda row: row[1])
    return Chart(
        id="products",
        title=f"Which products have the lowest {question.name.lower()}?",
        kind="bar",
        labels=[f"{product[:40]} · n {n:,}" for product, _, n in rows],
        series=[
            Series(
                f"Mean {question.name.lower()}",
                [round(mean, 2) for _, mean, _ in rows],
                urls=[_reviews_url(project, product=product) for product, _, _ in rows],
            )
        ],
        y=Axis(f"Mean {question.name.lower()}", low=0, high=question.maximum),
        note=f"The {len(rows)} products with most gold answers",
        is_horizontal=True,
    )


def _lengths(project: Project) -> Chart | None:
    """How long the reviews are."""
    bounds = [0, *LENGTHS]
    buckets = {
        f"from_{low}": Count("id", filter=Q(length__gte=low) & _below(high))
        for low, high in zip(bounds, [*LENGTHS, None], strict=True)
    }
    reviews = visible_reviews(project)
    counted = reviews.annotate(length=Length("text")).aggregate(**buckets)
    total = sum(counted.values())
    if not total:
        return None
    names = [f"under {LENGTHS[0]}"]
    names += [f"{low} to {high - 1}" for low, high in itertools.pairwise(LENGTHS)]
    names.append(f"{LENGTHS[-1]} and more")
    return Chart(
        id="lengths",
        title="How long are the reviews?",
        kind="bar",
        labels=names,
        series=[
            Series(
                "Reviews",
                [counted[f"from_{low}"] for low in bounds],
                urls=[_reviews_url(project, min_length=str(low)) for low in bounds],
            )
        ],
        x=Axis("Length", unit="characters", scale="category"),
        y=Axis("Reviews", low=0),
        note=f"All reviews · n {total:,}; a bar opens reviews of at least that length",
    )


def _below(high: int | None) -> Q:
    return Q(length__lt=high) if high is not None else Q()


def _with_polarity(schema: SchemaSnapshot) -> list[QuestionSnapshot]:
    return [each for each in schema.questions if each.kind == "spans" and each.has_polarity]


def _polarities(project: Project, question: QuestionSnapshot) -> Chart | None:
    """What is said about each option of a span question, by polarity."""
    counted: dict[tuple[int, str], int] = {}
    spans = GoldSpan.objects.filter(
        project=project, question_id=question.id, review__dataset__is_ready=True
    )
    for option_id, polarity, count in spans.values_list("option_id", "polarity").annotate(
        Count("id")
    ):
        counted[option_id, polarity] = count
    if not counted:
        return None
    polarities = SpanBase.Polarity
    return Chart(
        id=f"polarities-{question.key}",
        title=f"{question.name}: what is praised and what is not?",
        kind="bar",
        labels=[option.name for option in question.options],
        series=[
            Series(
                str(polarity.label),
                [counted.get((option.id, polarity.value), 0) for option in question.options],
                option=POLARITY_COLOURS[polarity.value],
            )
            for polarity in (polarities.POSITIVE, polarities.NEUTRAL, polarities.NEGATIVE)
        ],
        y=Axis("Spans", low=0),
        note=f"Gold spans · n {sum(counted.values()):,}",
        is_stacked=True,
        is_horizontal=True,
    )

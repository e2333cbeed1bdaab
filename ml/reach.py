"""How much of the reviews a training would read, foreseen from a sample of them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.core.cache import cache
from django.db.models.functions import Left

from ml.core import encoders
from ml.core.config import Tier
from ml.core.errors import EncoderDamagedError
from ml.core.lengths import LONGEST, SAMPLE, most_tokens, suited_length, token_counts
from ml.planning import TrainingPlan, tokens_read
from projects.models import Project
from reviews.models import Review
from reviews.selectors import visible_reviews

# Every change of the form plans again, and texts do not change.
_KEPT_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Reach:
    """How many tokens of a review are read, and how many sampled reviews that holds whole."""

    tokens: int
    is_chosen: bool
    sample_count: int
    whole_count: int

    @property
    def percent(self) -> int:
        """Return the share of the sample that is read whole, in per cent rounded down."""
        return 100 * self.whole_count // self.sample_count


def reach_of(project: Project, plan: TrainingPlan) -> Reach | None:
    """Return what a plan reads; None for words, and where no tokenizer or no text is here."""
    folder = encoders.find(plan.encoder).folder if plan.encoder else None
    if plan.config is None or plan.tier is Tier.TFIDF or folder is None:
        return None
    counts = _counts(project, plan.review_count, folder)
    if not counts:
        return None
    # Which trainer takes it is not always known; a processor reads less.
    is_on_cpu = "CPU" in plan.foreseen.device
    limit = most_tokens(tokens_read(plan.encoder), is_on_cpu=is_on_cpu)
    tokens = plan.config.max_tokens or suited_length(counts, limit=limit)
    whole_count = sum(count <= tokens for count in counts)
    return Reach(tokens, not plan.config.max_tokens, len(counts), whole_count)


def _counts(project: Project, review_count: int, folder: Path) -> Sequence[int]:
    """Return the token counts of a sample; none where the encoder brings no tokenizer.json."""
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.is_file():
        return ()
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    key = f"gloss:tokens:{project.pk}:{review_count}:{name}"
    found: Sequence[int] | None = cache.get(key)
    if found is None:
        try:
            found = token_counts(_sample(project), tokenizer)
        except EncoderDamagedError:  # the job says it
            return ()
        cache.set(key, found, _KEPT_SECONDS)
    return found


def _sample(project: Project) -> list[str]:
    """Return the beginnings of at most 2,000 labelled training reviews, drawn evenly."""
    pool = visible_reviews(project).filter(split=Review.Split.TRAIN, is_labelled=True)
    ids = list(pool.order_by("pk").values_list("pk", flat=True))
    chosen = ids[:: -(-len(ids) // SAMPLE) or 1]
    return list(pool.filter(pk__in=chosen).values_list(Left("text", LONGEST), flat=True))

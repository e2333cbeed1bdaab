"""What several people's choices come to when each is weighed by how reliable they prove to be.

Dawid and Skene, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm"
(Applied Statistics 28, 1979): the true class of every item is unknown, everybody errs in their own
way, and expectation maximisation estimates both. In the full model a person has a table: how
often they say each class where each class is true. In the one-coin model (Zhang, Chen, Zhou and
Jordan, JMLR 17, 2016, section 3) they have one number: how often they are right, all wrong classes
being equally likely; that is what a few dozen answers can bear.

Sums of logarithms stand for products, so that a thousand answers to one item underflow nowhere.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Whole: TypeAlias = npt.NDArray[np.int64]

Model = Literal["full", "one-coin"]


@dataclass(frozen=True, slots=True)
class Votes:
    """Answers as three columns of equal length: item, person and class, each counted from 0."""

    items: Whole
    people: Whole
    classes: Whole
    item_count: int
    person_count: int
    class_count: int

    def __post_init__(self) -> None:
        columns = (
            ("items", self.items, self.item_count),
            ("people", self.people, self.person_count),
            ("classes", self.classes, self.class_count),
        )
        for name, column, count in columns:
            if column.shape != self.items.shape or column.ndim != 1:
                raise ValueError(f"{name} has shape {column.shape}; all three are equally long")
            if len(column) and not 0 <= column.min() <= column.max() < count:
                raise ValueError(f"{name} has values outside 0 to {count - 1}")
        if self.class_count < 1:
            raise ValueError("there is no class")


@dataclass(frozen=True, slots=True)
class Settings:
    """How the estimate is made.

    `smoothing` is the number of answers added to every cell of a person's table (full) or to their
    right and to their wrong answers (one-coin): a Beta or Dirichlet prior's pseudo-counts, as in
    Paun et al., "Comparing Bayesian Models of Annotation" (TACL 6, 2018). 0 is Dawid and Skene's
    own maximum likelihood, in which one answer makes somebody infallible.
    """

    smoothing: float = 0.0
    #: The gain of the mean log-likelihood of an item below which nothing moves any more.
    tolerance: float = 1e-7
    max_rounds: int = 500

    def __post_init__(self) -> None:
        if self.smoothing < 0 or self.tolerance <= 0 or self.max_rounds < 1:
            raise ValueError("smoothing is at least 0, tolerance above it, max_rounds at least 1")


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the answers come to."""

    #: [items, classes]: how likely each class is; rows add up to 1.
    posterior: Floats
    #: [classes]: how frequent each class is.
    prior: Floats
    #: [people, true class, said class]; rows add up to 1.
    confusion: Floats
    #: [people]: how often they are right, over the classes as frequent as they are.
    accuracy: Floats
    #: [people]: how many of their answers are right, as far as is known.
    right_count: Floats
    log_likelihood: float
    round_count: int
    has_converged: bool

    @property
    def winners(self) -> Whole:
        """Return each item's likeliest class; of equally likely ones the first."""
        return np.asarray(self.posterior.argmax(axis=1), dtype=np.int64)


def estimate(votes: Votes, model: Model, settings: Settings | None = None) -> Estimate:
    """Return the estimate of a model, begun at each item's share of votes.

    An item without votes gets the prior, a person without votes no information: the prior's
    pseudo-counts, or an even table.
    """
    chosen = settings or Settings()
    posterior = vote_shares(votes)
    before, level, rounds, has_converged = -np.inf, -np.inf, 0, False
    while not has_converged and rounds < chosen.max_rounds:
        prior = _prior(votes, posterior)
        confusion = _confusion(votes, posterior, model, chosen.smoothing)
        posterior, level = _posterior(votes, prior, confusion)
        rounds += 1
        has_converged = abs(level - before) <= chosen.tolerance * max(1, votes.item_count)
        before = level
    right = _sum_by(votes.people, posterior[votes.items, votes.classes], votes.person_count)
    return Estimate(
        posterior=posterior,
        prior=prior,
        confusion=confusion,
        accuracy=np.einsum("pkk,k->p", confusion, prior),
        right_count=right,
        log_likelihood=float(level),
        round_count=rounds,
        has_converged=bool(has_converged),
    )


def vote_shares(votes: Votes) -> Floats:
    """Return [items, classes]: which share of an item's votes each class has; even without any."""
    counts = np.zeros((votes.item_count, votes.class_count))
    np.add.at(counts, (votes.items, votes.classes), 1.0)
    totals = counts.sum(axis=1, keepdims=True)
    even = np.full_like(counts, 1 / votes.class_count)
    np.divide(counts, totals, out=even, where=totals > 0)
    return even


def _prior(votes: Votes, posterior: Floats) -> Floats:
    if not votes.item_count:
        return np.full(votes.class_count, 1 / votes.class_count)
    return np.asarray(posterior.mean(axis=0), dtype=np.float64)


def _confusion(votes: Votes, posterior: Floats, model: Model, smoothing: float) -> Floats:
    """Return [people, true, said] from what is held for true at the moment."""
    if model == "one-coin":
        return _coin(votes, posterior, smoothing)
    shape = (votes.person_count, votes.class_count, votes.class_count)
    counts = np.full(shape, float(smoothing))
    np.add.at(counts.transpose(0, 2, 1), (votes.people, votes.classes), posterior[votes.items])
    totals = counts.sum(axis=2, keepdims=True)
    even = np.full_like(counts, 1 / votes.class_count)
    np.divide(counts, totals, out=even, where=totals > 0)
    return even


def _coin(votes: Votes, posterior: Floats, smoothing: float) -> Floats:
    right = _sum_by(votes.people, posterior[votes.items, votes.classes], votes.person_count)
    said = _sum_by(votes.people, np.ones(len(votes.people)), votes.person_count)
    totals = said + 2 * smoothing
    skill = np.full(votes.person_count, 1 / votes.class_count)
    np.divide(right + smoothing, totals, out=skill, where=totals > 0)
    if votes.class_count == 1:
        return np.ones((votes.person_count, 1, 1))
    wrong = (1 - skill) / (votes.class_count - 1)
    tables = np.broadcast_to(
        wrong[:, None, None], (votes.person_count, votes.class_count, votes.class_count)
    ).copy()
    diagonal = np.arange(votes.class_count)
    tables[:, diagonal, diagonal] = skill[:, None]
    return tables


#: No class is ever ruled out for good, else one answer could never be outvoted.
_SMALLEST = 1e-10


def _posterior(votes: Votes, prior: Floats, confusion: Floats) -> tuple[Floats, float]:
    """Return how likely the classes of every item are, and the log-likelihood of all answers."""
    logs = np.tile(np.log(np.maximum(prior, _SMALLEST)), (votes.item_count, 1))
    said = np.log(np.maximum(confusion, _SMALLEST))
    np.add.at(logs, votes.items, said[votes.people, :, votes.classes])
    if not votes.item_count:
        return logs, 0.0
    highest = logs.max(axis=1, keepdims=True)
    shares = np.exp(logs - highest)
    totals = shares.sum(axis=1, keepdims=True)
    level = float((highest + np.log(totals)).sum())
    return shares / totals, level


def _sum_by(groups: Whole, values: Floats, count: int) -> Floats:
    return np.bincount(groups, weights=values, minlength=count).astype(np.float64)

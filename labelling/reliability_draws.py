"""How well each person's accuracy is known when nobody knows which answers are right.

Expectation maximisation gives one number a person and takes what it holds for true as known. Here
everything unknown is drawn in turn, given the rest (Gibbs sampling of the Bayesian Dawid-Skene
model: Kim and Ghahramani, "Bayesian Classifier Combination", AISTATS 2012; compared with others by
Paun et al., TACL 6, 2018): the true class of each item, how frequent the classes are, and how each
person errs. The middle 95 % of the draws is an interval that counts all three, and how few answers
there are. It still takes people to err apart from each other.
"""

from dataclasses import dataclass

import numpy as np

from labelling.dawid_skene import Floats, Model, Settings, Votes, Whole, estimate

#: Draws that are kept, after some that only lead away from where it began.
DRAWS = 400
WARM_UP = 50
#: The same answers give the same interval, today and tomorrow.
SEED = 20_042


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the draws come to, for each person."""

    #: [people]: how often they are right about the items that they answered, and its 95 %.
    accuracy: Floats
    low: Floats
    high: Floats
    #: [people, true class, said class]: how often they say it where that is true.
    confusion: Floats


def drawn(votes: Votes, model: Model, *, draws: int = DRAWS, seed: int = SEED) -> Drawn:
    """Return accuracies under a model, begun at its estimate by expectation maximisation.

    The prior is uniform: one right and one wrong answer for everybody, the wrong one shared
    between the other classes.
    """
    random = np.random.default_rng(seed)
    sampler = _Sampler(votes, model, random)
    truth = sampler.truth_from(
        np.log(estimate(votes, model, Settings(smoothing=1)).posterior + 1e-12)
    )
    accuracies, confusion = [], np.zeros(sampler.shape)
    for number in range(WARM_UP + draws):
        tables, accuracy = sampler.people(truth)
        truth = sampler.truth_from(sampler.logs(truth, tables))
        if number >= WARM_UP:
            accuracies.append(accuracy)
            confusion += tables
    low, high = np.quantile(accuracies, [0.025, 0.975], axis=0)
    return Drawn(np.mean(accuracies, axis=0), low, high, confusion / draws)


class _Sampler:
    """Draws one unknown given the others."""

    def __init__(self, votes: Votes, model: Model, random: np.random.Generator) -> None:
        from scipy.sparse import csr_array  # some 20 MB that few processes need

        classes = votes.class_count
        self.shape = votes.person_count, classes, classes
        self._is_full = model == "full"
        self._random = random
        self._class_count = classes
        # [items, people x said class]: what was said about each item.
        said = votes.people * classes + votes.classes
        size = votes.item_count, votes.person_count * classes
        self._said = csr_array((np.ones(len(said)), (votes.items, said)), shape=size)
        self._about = self._said.T.tocsr()
        prior = np.full((classes, classes), 1 / max(1, classes - 1))
        np.fill_diagonal(prior, 1.0)
        self._prior = prior

    def people(self, truth: Whole) -> tuple[Floats, Floats]:
        """Return [people, true, said] and [people] accuracies, drawn given what is true."""
        classes = self._class_count
        about: Floats = np.asarray(self._about @ np.eye(classes)[truth], dtype=np.float64)
        counts = about.reshape(self.shape).transpose(0, 2, 1)
        right = np.einsum("pkk->p", counts)
        total = counts.sum(axis=(1, 2))
        if not self._is_full:
            skill = self._random.beta(right + 1, total - right + 1)
            wrong = (1 - skill) / max(1, classes - 1)
            tables = np.broadcast_to(wrong[:, None, None], self.shape).copy()
            at = np.arange(classes)
            tables[:, at, at] = skill[:, None]
            return tables, skill
        gammas = self._random.standard_gamma(counts + self._prior)
        tables = gammas / gammas.sum(axis=2, keepdims=True)
        # Each class as often as it was in front of this person; one answer more, for who has few.
        shares = (counts.sum(axis=2) + 1 / classes) / (total + 1)[:, None]
        return tables, np.einsum("pkk,pk->p", tables, shares)

    def logs(self, truth: Whole, tables: Floats) -> Floats:
        """Return [items, classes]: how likely each class is, as a logarithm, up to a constant."""
        counts = np.bincount(truth, minlength=self._class_count)
        frequent = self._random.dirichlet(counts + 1.0)
        by_answer = np.log(np.maximum(tables, 1e-300)).transpose(0, 2, 1)
        said = self._said @ by_answer.reshape(-1, self._class_count)
        found: Floats = np.asarray(said, dtype=np.float64)
        return found + np.log(np.maximum(frequent, 1e-300))

    def truth_from(self, logs: Floats) -> Whole:
        """Draw a class for every item (the Gumbel-max trick: no sums that could underflow)."""
        noise = self._random.gumbel(size=logs.shape)
        return np.asarray((logs + noise).argmax(axis=1), dtype=np.int64)

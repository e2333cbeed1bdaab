"""The loss of each kind of question; an unanswered row adds exactly nothing."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ml.core import bio
from ml.core.config import HeadConfig, Kind
from ml.core.targets import IGNORED, Prior, WordTargets


def pooled_loss(head: HeadConfig, prior: Prior, logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean loss over answered rows, 0 when there is none.

    logits: [rows, outputs]; targets: choice [rows] with IGNORED, else [rows, outputs] with NaN.
    """
    if head.kind is Kind.CHOICE:
        return _choice_loss(prior, logits, targets)
    if head.is_cumulative:
        return _cumulative_loss(head, logits, targets)
    is_answered = ~targets.isnan()
    answered, wanted = logits[is_answered], targets[is_answered]
    if head.kind is Kind.MULTICHOICE:
        weights = torch.as_tensor(prior.weights, dtype=logits.dtype, device=logits.device)
        total = functional.binary_cross_entropy_with_logits(
            answered, wanted, pos_weight=weights.expand_as(logits)[is_answered], reduction="sum"
        )
    else:
        # Divided by the variance, so that a weight means the same on every data set.
        found = number_values(head, answered, (prior.centre, prior.spread))
        total = ((found - wanted) ** 2).sum() / prior.spread**2
    return total / is_answered.sum().clamp_min(1)


def _cumulative_loss(head: HeadConfig, logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean over answered rows and steps of "is the number above this step?".

    logits: [rows, steps]; targets: [rows, 1] with NaN (Cheng et al., 2008).
    """
    is_answered = ~targets[:, 0].isnan()
    steps = torch.tensor(head.scale[:-1], dtype=targets.dtype, device=targets.device)
    wanted = (targets[is_answered] > steps).to(logits.dtype)
    total = functional.binary_cross_entropy_with_logits(
        logits[is_answered], wanted, reduction="sum"
    )
    return total / (is_answered.sum() * len(steps)).clamp_min(1)


def number_values(
    head: HeadConfig, logits: Tensor, unit: tuple[float | Tensor, float | Tensor]
) -> Tensor:
    """Return numbers [..., 1] for logits [..., outputs], as the heads that are served do.

    Joined from the steps of a scale, squeezed into a range, or scaled by `unit`, which is the mean
    and the standard deviation of the training answers.
    """
    if head.is_cumulative:
        # A number above 4 is above 3 too: what the steps say is made to fall.
        above = torch.sigmoid(logits).cummin(dim=-1).values
        return head.scale[0] + above.sum(dim=-1, keepdim=True)
    if head.is_squeezed and head.minimum is not None and head.maximum is not None:
        return head.minimum + (head.maximum - head.minimum) * torch.sigmoid(logits)
    return unit[0] + unit[1] * logits


def spans_loss(
    head: HeadConfig, prior: Prior, logits: Tensor, targets: Sequence[WordTargets | None]
) -> Tensor:
    """Return the mean tag loss over words plus the mean polarity loss over gold spans.

    logits: [rows, words, outputs], padded; a row without targets is unanswered.
    """
    count = bio.tag_count(len(head.options))
    tags = padded_tags(targets, logits.shape[1]).to(logits.device)
    weights = torch.as_tensor(prior.weights, dtype=logits.dtype, device=logits.device)
    loss = functional.cross_entropy(
        logits[..., :count].reshape(-1, count),
        tags.reshape(-1),
        weights,
        ignore_index=IGNORED,
        reduction="sum",
    )
    loss = loss / (tags != IGNORED).sum().clamp_min(1)
    return loss + _polarity_loss(logits[..., count:], targets) if head.polarities else loss


def padded_tags(targets: Sequence[WordTargets | None], words: int) -> Tensor:
    """Return tags [rows, words], IGNORED in padding, past the cut and in unanswered rows."""
    tags = torch.full((len(targets), words), IGNORED)
    for row, target in enumerate(targets):
        if target is not None:
            kept = torch.from_numpy(target.tags[:words])
            tags[row, : len(kept)] = kept
    return tags


def _choice_loss(prior: Prior, logits: Tensor, targets: Tensor) -> Tensor:
    weights = torch.as_tensor(prior.weights, dtype=logits.dtype, device=logits.device)
    total = functional.cross_entropy(
        logits, targets, weights, ignore_index=IGNORED, reduction="sum"
    )
    is_answered = targets != IGNORED
    weight = weights[targets[is_answered]].sum()
    return total / weight.clamp_min(1e-6)


def _polarity_loss(logits: Tensor, targets: Sequence[WordTargets | None]) -> Tensor:
    means, wanted = [], []
    for row, target in enumerate(targets):
        for first, last, polarity in target.polarities if target is not None else ():
            if last <= logits.shape[1]:
                means.append(logits[row, first:last].mean(dim=0))
                wanted.append(polarity)
    if not means:
        return logits.sum() * 0.0
    return functional.cross_entropy(torch.stack(means), torch.tensor(wanted, device=logits.device))

"""Dropout whose masks cost little: torch's own take a quarter of a fine-tuning on a processor."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor, nn

_LEVELS: Final = 2**16
_NAME: Final = "gloss_quick"
_USUAL: Final = "sdpa"


class QuickDropout(nn.Module):
    """Do what nn.Dropout does, with masks from `dropped`."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, values: Tensor) -> Tensor:
        """Return values of the same shape; unchanged outside of training."""
        return dropped(values, self.p) if self.training else values


def dropped(values: Tensor, p: float) -> Tensor:
    """Set each value to 0 with a chance of `p`, to 1 / 65,536; the rest grow by 1 / (1 - p).

    torch draws a number for every value, one after the other; here one of 64 bits serves four. It
    comes from torch's own generator, so that seeds and saved states hold.
    """
    if not 0 < p < 1:
        return values
    count = values.numel()
    words = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    drawn = words.view(torch.int16)[:count].view(values.shape)
    kept = drawn >= round(p * _LEVELS) - _LEVELS // 2
    return values * kept.to(values.dtype).mul_(1 / (1 - p))


@contextmanager
def quick_dropout(model: nn.Module) -> Iterator[None]:
    """Let a model on the processor drop values quickly; on a GPU nothing changes."""
    if next(model.parameters()).device.type != "cpu":
        yield
        return
    places = [
        (parent, name, child)
        for parent in list(model.modules())
        for name, child in parent.named_children()
        if type(child) is nn.Dropout
    ]
    for parent, name, child in places:
        setattr(parent, name, QuickDropout(child.p).train(child.training))
    has_usual = _attend(model, _USUAL, _NAME)
    try:
        yield
    finally:
        for parent, name, child in places:
            setattr(parent, name, child.train(parent.training))
        if has_usual:
            _attend(model, _NAME, _USUAL)


def _attend(model: Any, old: str, new: str) -> bool:
    """Replace one attention of a transformers model by another; tell whether it had the old."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(_NAME, _attention)
    AttentionMaskInterface.register(_NAME, sdpa_mask)
    if getattr(getattr(model, "config", None), "_attn_implementation", None) != old:
        return False
    model.set_attn_implementation(new)
    return True


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Return attention [batch, length, heads, size]; the rest are [batch, heads, length, size].

    Without dropout, or with what encoders lack, the usual one answers.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    is_plain = key.shape[1] == query.shape[1] and others.get("position_bias") is None
    if not (dropout and is_plain) or getattr(module, "is_causal", False):
        usual: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **others
        )
        return usual
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = (query * scale) @ key.transpose(-1, -2)
    if attention_mask is not None:
        lowest = torch.finfo(scores.dtype).min
        scores = scores.masked_fill(~attention_mask, lowest)
    shares = dropped(scores.softmax(dim=-1), dropout)
    return (shares @ value).transpose(1, 2).contiguous(), None

"""The few functions of numbers that every tier shares."""

import numpy as np

from ml.core.engines.base import Floats


def log_softmax(logits: Floats) -> Floats:
    """Return log probabilities over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def softmax(logits: Floats) -> Floats:
    """Return probabilities over the last axis."""
    result: Floats = np.exp(log_softmax(logits))
    return result


def sigmoid(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(-x)) without overflow."""
    result: Floats = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return result


def logit(probability: Floats, *, margin: float = 1e-3) -> Floats:
    """Return the inverse of sigmoid, with probabilities kept `margin` away from 0 and 1."""
    clipped = np.clip(probability, margin, 1 - margin)
    result: Floats = np.log(clipped / (1 - clipped))
    return result

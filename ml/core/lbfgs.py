"""Minimise a smooth convex function of many variables."""

from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from ml.core.engines.base import Floats

Objective = Callable[[Floats], tuple[float, Floats]]

_MEMORY: Final = 10
_ITERATIONS: Final = 100
_LEAST_FALL: Final = 1e-6
_ARMIJO: Final = 1e-4


def minimise(objective: Objective, start: Floats) -> Floats:
    """Return the point where a convex objective stops falling, by L-BFGS (Nocedal, 1980).

    objective: a flat point to (value, gradient). Stops after 100 steps, or when a step lowers the
    value by less than a millionth.
    """
    point = start
    value, gradient = objective(point)
    memory: deque[tuple[Floats, Floats, float]] = deque(maxlen=_MEMORY)
    for _ in range(_ITERATIONS):
        direction = _direction(gradient, memory)
        found = _search(objective, point, value, gradient, direction)
        if found is None:
            break
        after, lower, slope = found
        moved, bent = after - point, slope - gradient
        if (curvature := float(moved @ bent)) > 0:
            memory.append((moved, bent, 1 / curvature))
        is_flat = value - lower <= _LEAST_FALL * max(abs(value), abs(lower), 1.0)
        point, value, gradient = after, lower, slope
        if is_flat:
            break
    return point


def _direction(gradient: Floats, memory: deque[tuple[Floats, Floats, float]]) -> Floats:
    direction = -gradient
    if not memory:
        return direction / max(float(np.abs(gradient).sum()), 1.0)
    shares = []
    for moved, bent, inverse in reversed(memory):
        shares.append(inverse * float(moved @ direction))
        direction = direction - shares[-1] * bent
    _, bent, inverse = memory[-1]
    direction = direction / (inverse * float(bent @ bent))
    for (moved, bent, inverse), share in zip(memory, reversed(shares), strict=True):
        direction = direction + moved * (share - inverse * float(bent @ direction))
    return direction


def _search(
    objective: Objective, point: Floats, value: float, gradient: Floats, direction: Floats
) -> tuple[Floats, float, Floats] | None:
    """Halve the step until the value falls enough (Armijo); None when it never does."""
    promised = _ARMIJO * float(gradient @ direction)
    length = 1.0
    for _ in range(20):
        after = point + length * direction
        lower, slope = objective(after)
        if lower <= value + length * promised:
            return after, lower, slope
        length /= 2
    return None

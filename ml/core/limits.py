"""No figure leaves the learning core outside of its range: an impossible one stops the training."""

import math
from collections.abc import Mapping
from typing import Any, Final

from ml.core.errors import ImpossibleFigureError

_SLACK: Final = 1e-9
_SHARE: Final = (0.0, 1.0)
_ERROR: Final = (0.0, math.inf)
_CORRELATION: Final = (-1.0, 1.0)
_RANGES: Final = {
    "mae": _ERROR,
    "rmse": _ERROR,
    "rounded_mae": _ERROR,
    "macro_mae": _ERROR,
    "log_loss": _ERROR,
    "brier": (0.0, 2.0),
    "r2": (-math.inf, 1.0),
    "mcc": _CORRELATION,
    "spearman": _CORRELATION,
    "quadratic_kappa": _CORRELATION,
}


def check_limits(metrics: Mapping[str, Any]) -> None:
    """Raise ImpossibleFigureError for a value or bound outside of its range, or exchanged bounds.

    A value may lie beyond its interval, as percentiles of draws allow. Whatever is not named here
    is a share from 0 to 1.
    """
    for name, figure in metrics.items():
        if not isinstance(figure, Mapping) or name == "headline":
            continue
        if "value" in figure:
            _check(name, figure)
        else:
            check_limits(figure)


def _check(name: str, figure: Mapping[str, Any]) -> None:
    low, high = _RANGES.get(name, _SHARE)
    for part in ("value", "low", "high"):
        value = figure[part]
        if value is not None and not low - _SLACK <= value <= high + _SLACK:
            raise ImpossibleFigureError(name, value)
    if figure["low"] is not None and figure["low"] > figure["high"]:
        raise ImpossibleFigureError(name, figure["low"])

"""The hook by which a new project gets its questions.

Label schemas belong to a package above this one; it registers how a preset is applied.
"""

from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import User
from common.errors import Invalid
from projects.models import Project

Apply = Callable[[Project, str, User | None], None]


@dataclass(frozen=True, slots=True)
class Preset:
    """A named starting point for a project's questions."""

    key: str
    name: str
    description: str


_presets: dict[str, Preset] = {}
_apply: list[Apply] = []


def register(presets: list[Preset], apply: Apply) -> None:
    """Make presets known; called once, when the package above starts."""
    _presets.update({preset.key: preset for preset in presets})
    _apply[:] = [apply]


def known() -> list[Preset]:
    """Return every preset, in the order in which it is offered."""
    return list(_presets.values())


def check(key: str) -> None:
    """Raise Invalid when there is no preset called `key`."""
    if key not in _presets:
        raise Invalid.of(
            "preset", f"There is no preset {key!r}. Choose one of {', '.join(_presets)}."
        )


def apply(project: Project, key: str, actor: User | None) -> None:
    """Give the project the questions of a preset."""
    for call in _apply:
        call(project, key, actor)

"""What the page of one review shows besides the review: packages above register their parts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from projects.models import Membership, Project
from reviews.models import Review


@dataclass(frozen=True, slots=True)
class Panel:
    """One part of the page: a title, a template and what it is rendered with."""

    title: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)


#: Returns None when there is nothing to show to this member.
MakePanel = Callable[[Project, Review, Membership], Panel | None]

_makers: list[MakePanel] = []


def register(make: MakePanel) -> None:
    """Add a part; parts stand in the order in which they are registered."""
    _makers.append(make)


def panels_for(project: Project, review: Review, membership: Membership) -> list[Panel]:
    """Return the parts that have something to show."""
    made = (make(project, review, membership) for make in _makers)
    return [panel for panel in made if panel is not None]


# --- Marks in the text ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A run of the text, marked with an option's colour (0: not at all).

    `labels` are printed behind it: the names of the spans that end here.
    """

    text: str
    colour: int = 0
    labels: tuple[str, ...] = ()


#: Returns None when this member is shown no marks.
MakePieces = Callable[[Project, Review, Membership], list[TextPiece] | None]

_markers: list[MakePieces] = []


def register_marks(make: MakePieces) -> None:
    """Have the text of a review marked; the first one that has marks for a member is shown."""
    _markers.append(make)


def pieces_for(project: Project, review: Review, membership: Membership) -> list[TextPiece]:
    """Return the text in pieces; one piece where nothing is marked."""
    for make in _markers:
        pieces = make(project, review, membership)
        if pieces is not None:
            return pieces
    return [TextPiece(review.text)]

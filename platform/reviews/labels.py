"""The hook by which labels come to reviews that are taken out of the product.

Annotations, gold and predictions belong to packages above this one; each registers a source.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from common.errors import Invalid

if TYPE_CHECKING:
    from projects.models import Project


@dataclass(frozen=True, slots=True)
class QuestionInfo:
    """What a writer of files has to know about a question."""

    key: str
    name: str
    #: choice, multichoice, number or spans.
    kind: str
    #: Keys of the options, in the order of the question.
    options: tuple[str, ...] = ()
    has_polarity: bool = False


@dataclass(frozen=True, slots=True)
class Labels:
    """What one annotator, or the consensus, gold or a model, says about one review."""

    #: Who said it: a username, "consensus", "gold" or "model".
    annotator: str
    #: In the shape of the API: "positive", 4.0, ["price"], [{"start", "end", "text", "option",
    #: "polarity"}]. A question without an answer is left out.
    answers: Mapping[str, Any]
    #: The version of the model or of the questions, where the source has one.
    version: int | None = None


#: Reviews by id to what is said about them, in an order that is always the same.
Load = Callable[["Project", Sequence[int]], dict[int, list[Labels]]]


@dataclass(frozen=True, slots=True)
class LabelSource:
    """Somebody whose labels can be asked for.

    `load` is called once for every few thousand reviews; reviews without labels may be left out.
    `configure` returns the source that is used for one purpose, with what a person asked for more
    closely ({"version": "3"}); without it any such setting is refused.
    """

    key: str
    name: str
    questions: Callable[["Project"], list[QuestionInfo]]
    load: Load
    #: Whether the answers name people, which not everybody may take away.
    names_people: bool = False
    configure: Callable[["Project", Mapping[str, str]], "LabelSource"] | None = field(default=None)


_sources: dict[str, LabelSource] = {}


def register(source: LabelSource) -> None:
    """Make a source known; called when the package that has the labels starts."""
    _sources[source.key] = source


def sources() -> list[LabelSource]:
    """Return the known sources, in the order of their registration."""
    return list(_sources.values())


def source_of(
    project: "Project", key: str, settings: Mapping[str, str] | None = None
) -> LabelSource:
    """Return the source that was asked for; raise Invalid when there is none."""
    source = _sources.get(key)
    if source is None:
        known = ", ".join(["none", *_sources])
        raise Invalid.of("labels", f"There are no labels called {key[:50]!r}. Known: {known}.")
    if source.configure is not None:
        return source.configure(project, settings or {})
    if settings:
        raise Invalid.of("labels", f"Labels of {source.name} take no settings.")
    return source

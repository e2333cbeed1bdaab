"""The tabs of the Label section: four groups, and the pages of the one that is open."""

from dataclasses import dataclass

from django.urls import reverse

from projects.models import Membership

#: An address, the word on its tab, and whether it is the page that is shown.
Tab = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class Tabs:
    """What stands above every page of the section; both rows fit a telephone."""

    groups: tuple[Tab, ...]
    #: The pages of the open group; none where it has only one.
    pages: tuple[Tab, ...]


def tabs(membership: Membership, current: str) -> Tabs:
    """Return the groups and the pages of the current one, as far as this member may open them.

    A group leads to its first page. One that has a single page for this member is called by it.
    """
    slug = membership.project.slug
    groups: list[Tab] = []
    shown: tuple[Tab, ...] = ()
    for word, pages in _groups(membership):
        if not pages:
            continue
        names = [name for name, _ in pages]
        links = [(reverse(f"labelling:{name}", args=[slug]), said) for name, said in pages]
        groups.append((links[0][0], word if len(pages) > 1 else links[0][1], current in names))
        if current in names and len(pages) > 1:
            shown = tuple((*link, name == current) for link, name in zip(links, names, strict=True))
    return Tabs(tuple(groups), shown)


def _groups(membership: Membership) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return every group with those of its pages that this member may open."""
    reviews, owns = membership.can_review, membership.can_own
    offered = {
        "Work": [
            ("home", "Labelling", True),
            ("flags", "Flags", reviews),
            ("mentions", "Mentions", True),
            ("guidelines", "Guidelines", True),
            ("keys", "Keys", True),
        ],
        "Agreement": [
            ("disagreements", "Disagreements", reviews),
            ("agreement", "Measures", reviews),
            ("reliability", "Reliability", True),
        ],
        "People": [
            ("people", "Who labelled what" if reviews else "My days", True),
            ("answers_given", "Answers", reviews),
            ("assign", "Assign", reviews),
        ],
        "Set-up": [
            ("questions", "Questions", owns),
            ("suggestions", "Suggestions", reviews),
            ("checks", "Quality checks", reviews),
        ],
    }
    return [
        (word, [(name, said) for name, said, may in pages if may])
        for word, pages in offered.items()
    ]

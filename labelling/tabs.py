"""The tabs of the Label section, as far as a role may see them."""

from django.urls import reverse

from projects.models import Membership


def tabs(membership: Membership, current: str) -> list[tuple[str, str, bool]]:
    """Return (address, word, is current) for every tab that this member may open."""
    offered = [("home", "Labelling", True)]
    offered.append(("disagreements", "Disagreements", membership.can_review))
    offered.append(("reliability", "Reliability", True))
    offered.append(("guidelines", "Guidelines", True))
    offered.append(("keys", "Keys", True))
    offered.append(("agreement", "Agreement", membership.can_review))
    offered.append(("assign", "Assign", membership.can_review))
    offered.append(("checks", "Quality checks", membership.can_review))
    offered.append(("people", "People" if membership.can_review else "My days", True))
    offered.append(("answers_given", "Answers", membership.can_review))
    offered.append(("flags", "Flags", membership.can_review))
    offered.append(("mentions", "Mentions", True))
    offered.append(("suggestions", "Suggestions", membership.can_review))
    offered.append(("questions", "Questions", membership.can_own))
    slug = membership.project.slug
    return [
        (reverse(f"labelling:{name}", args=[slug]), word, name == current)
        for name, word, may in offered
        if may
    ]

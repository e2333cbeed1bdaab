"""People known from an imported file only: they have said something and can never sign in.

A file may name anybody, a member of the project too. Nothing of what it says is attributed to that
member: the name becomes an external namesake, one for each project.
"""

import hashlib
import unicodedata
from collections.abc import Collection

from django.contrib.auth.hashers import make_password

from accounts.models import User
from common.text import normalise

MAX_NAME = 150
#: Stands for a name of which nothing is left once it can be shown.
UNNAMED = "unnamed"
#: No person's own username has it: Django's validator refuses it.
_MARK = "/"
#: Control, format (such as marks that turn the direction of text), private and no characters.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Co"})
_BATCH = 500


def external_person(project_slug: str, name: str) -> User:
    """Return the external person of a project called `name`; made when there is none."""
    return external_people(project_slug, [name])[name]


def external_people(project_slug: str, names: Collection[str]) -> dict[str, User]:
    """Return external people of a project by name as given, making those that are not there.

    Names that differ only in blanks or in what cannot be shown are one person.
    """
    by_name = {name: username_of(project_slug, name) for name in names}
    shown = {username: clean_name(name) for name, username in by_name.items()}
    people = _known(shown)
    missing = [username for username in shown if username not in people]
    if missing:
        # Two imports may meet at the same name: whoever comes second finds the first one's row.
        User.objects.bulk_create(
            (_person(username, shown[username]) for username in missing),
            batch_size=_BATCH,
            ignore_conflicts=True,
        )
        people |= _known(missing)
    return {name: people[username] for name, username in by_name.items()}


def clean_name(raw: str) -> str:
    """Return a name as it is shown: on one line, without control characters, never empty."""
    letters = (" " if letter.isspace() else letter for letter in normalise(raw))
    visible = "".join(letter for letter in letters if unicodedata.category(letter) not in _HIDDEN)
    return " ".join(visible.split()) or UNNAMED


def username_of(project_slug: str, name: str) -> str:
    """Return the username of an external person; long names end in a hash, which keeps them apart.

    Names hashed are those as they are shown, whole.
    """
    cleaned = clean_name(name)
    whole = f"{project_slug}{_MARK}{cleaned}"
    if len(whole) <= MAX_NAME:
        return whole
    digest = hashlib.sha256(cleaned.encode()).hexdigest()[:24]
    return f"{whole[: MAX_NAME - len(digest) - 1]}~{digest}"


def external_ids(project_slug: str) -> list[int]:
    """Return the ids of the external people of a project."""
    people = User.objects.filter(is_external=True, username__startswith=f"{project_slug}{_MARK}")
    return list(people.values_list("pk", flat=True))


def forget_unheard(project_slug: str, people: Collection[int]) -> int:
    """Delete external people (by id) of a project whose every statement is gone; return how many.

    The caller names those whom nothing refers to any more.
    """
    gone = User.objects.filter(
        pk__in=people,
        is_external=True,
        username__startswith=f"{project_slug}{_MARK}",
    )
    return gone.delete()[1].get("accounts.User", 0)


def _person(username: str, shown: str) -> User:
    return User(
        username=username,
        first_name=shown[:MAX_NAME],
        password=make_password(None),
        is_active=False,
        is_external=True,
    )


def _known(usernames: Collection[str]) -> dict[str, User]:
    found: dict[str, User] = {}
    wanted = list(usernames)
    for start in range(0, len(wanted), _BATCH):
        rows = User.objects.filter(username__in=wanted[start : start + _BATCH], is_external=True)
        found |= {person.username: person for person in rows}
    return found

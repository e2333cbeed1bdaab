"""The small tree of errors that a person can do something about.

The class says what kind of trouble it is and which HTTP status tells it; the sentence says what
happened and what to do. Anything outside this tree is a defect.
"""

from dataclasses import dataclass


class GlossError(Exception):
    """Something a person can mend: the sentence says how."""

    status = 400
    title = "Bad request"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotVisible(GlossError):
    """It does not exist, or this person may not know that it does."""

    status = 404
    title = "Not found"

    def __init__(self, detail: str = "There is nothing here that you may see.") -> None:
        super().__init__(detail)


class NotAllowed(GlossError):
    """This person may see it but not do that to it."""

    status = 403
    title = "Not allowed"

    def __init__(self, detail: str = "Your role in this project does not allow that.") -> None:
        super().__init__(detail)


class Conflict(GlossError):
    """The world has moved on since the request was made up."""

    status = 409
    title = "Conflict"


class NotReady(GlossError):
    """It can be done, but not now."""

    status = 503
    title = "Not ready"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with one field of a request."""

    field: str
    message: str


class Invalid(GlossError):
    """One or more fields are wrong."""

    title = "Invalid input"

    def __init__(self, detail: str, *, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.errors = errors

    @classmethod
    def of(cls, field: str, message: str) -> "Invalid":
        """Blame one field."""
        return cls(message, errors=(FieldError(field, message),))

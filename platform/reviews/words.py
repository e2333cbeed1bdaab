"""The language of the search: words that must all occur, "phrases", beginnings* and -exceptions.

Pure. Words are runs of letters and digits; case and the accents of Latin letters do not count.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from common.errors import Invalid

#: Only so much of a text is searched; it keeps an index entry below PostgreSQL's megabyte.
SEARCHED_CHARS = 100_000
MAX_TERMS = 20

_PART = re.compile(r'(-?)(?:"([^"]*)(?:"(\*?)|$)|([^\s"]+))')
_WORD = re.compile(r"[^\W_]+")
_ACCENTED = re.compile("([A-Za-z])[\u0300-\u036f]+")


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand next to each other; of a prefix, the last one is only begun."""

    words: tuple[str, ...]
    is_prefix: bool = False
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What was searched for: every term occurs, except for those that must not."""

    terms: tuple[Term, ...]

    @property
    def wanted(self) -> tuple[Term, ...]:
        """Return the terms that must occur."""
        return tuple(term for term in self.terms if not term.is_negated)

    @property
    def unwanted(self) -> tuple[Term, ...]:
        """Return the terms that must not occur."""
        return tuple(term for term in self.terms if term.is_negated)

    @property
    def has_phrase(self) -> bool:
        """Tell whether words are wanted that stand together."""
        return any(len(term.words) > 1 for term in self.wanted)

    def matches(self, text: str) -> bool:
        """Tell whether a text fits, as the databases' indexes would."""
        words = tokens(text[:SEARCHED_CHARS])
        return all(_occurs(term, words) != term.is_negated for term in self.terms)


def fold(text: str) -> str:
    """Return lower case without the accents of Latin letters."""
    if text.isascii():
        return text.lower()
    bare = _ACCENTED.sub(r"\1", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare).lower()


def tokens(text: str) -> list[str]:
    """Return a text's words, folded."""
    return _WORD.findall(fold(text))


def parse(text: str) -> Query:
    """Read a query; raise Invalid where it names no word or too many."""
    terms = tuple(_terms(text))
    if not terms:
        raise Invalid.of("q", f"{text[:50]!r} has no letter or digit to search for.")
    if len(terms) > MAX_TERMS:
        raise Invalid.of("q", f"At most {MAX_TERMS} words can be searched for at once.")
    return Query(terms)


def _terms(text: str) -> Iterator[Term]:
    for minus, phrase, star, plain in _PART.findall(text):
        words = tuple(tokens(phrase or plain))
        if words:
            is_prefix = bool(star) or (not phrase and plain.endswith("*"))
            yield Term(words, is_prefix=is_prefix, is_negated=bool(minus))


def _occurs(term: Term, words: Sequence[str]) -> bool:
    size = len(term.words)
    head, last = list(term.words[:-1]), term.words[-1]
    return any(
        words[at : at + size - 1] == head
        and (
            words[at + size - 1].startswith(last)
            if term.is_prefix
            else words[at + size - 1] == last
        )
        for at in range(len(words) - size + 1)
    )


# --- The databases' own languages; words are letters and digits, so nothing needs care --


def as_tsquery(query: Query) -> str:
    """Write a query for PostgreSQL's to_tsquery with the configuration `simple`."""
    return " & ".join(("!" if term.is_negated else "") + _ts_term(term) for term in query.terms)


def _ts_term(term: Term) -> str:
    quoted = [f"'{word}'" for word in term.words]
    if term.is_prefix:
        quoted[-1] += ":*"
    return f"({' <-> '.join(quoted)})"


def as_fts(terms: Sequence[Term], operator: str = "AND") -> str:
    """Write terms for SQLite's FTS5, whether they are wanted or not."""
    return f" {operator} ".join(
        f'"{" ".join(term.words)}"' + ("*" if term.is_prefix else "") for term in terms
    )

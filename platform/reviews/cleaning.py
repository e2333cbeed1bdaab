"""Steps that clean a text before it is labelled: chosen by name, small, each with its offsets.

Steps are applied in the order in which they are given, and the text is normalised after each, so
what comes out is always NFC without outer blanks. All but `html` change nothing the second time:
decoding takes one layer of markup off, and what is left may be markup that somebody wrote about.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.text import normalise
from reviews.markup import find_markup
from reviews.offsets import (
    Offsets,
    Replacement,
    normalise_with_offsets,
    of_replacements,
    replace,
    resized,
)

Find = Callable[[str], list[Replacement]]


@dataclass(frozen=True, slots=True)
class Step:
    """One way to clean a text: what it is called and what it replaces."""

    key: str
    name: str
    description: str
    find: Find

    def apply(self, text: str) -> str:
        """Return a normalised text cleaned and normalised again."""
        found = self.find(text)
        return normalise(replace(text, found)) if found else text

    def apply_with_offsets(self, text: str) -> tuple[str, Offsets]:
        """Return the same text as `apply` and where places of the former one are in it."""
        found = self.find(text)
        cleaned, settled = normalise_with_offsets(replace(text, found))
        return cleaned, of_replacements(found).then(settled)


@dataclass(frozen=True, slots=True)
class _LowerStep(Step):
    """Lower case, which is no replacement here and there but one of every letter in its place."""

    def apply(self, text: str) -> str:
        return normalise(text.lower())

    def apply_with_offsets(self, text: str) -> tuple[str, Offsets]:
        # Only the dotted capital I of Turkish grows; what a letter becomes may hang on the rest
        # of its word (sigma), its length does not.
        lowered = text.lower()
        lengths = ((place, len(char.lower())) for place, char in enumerate(text))
        moved = [(place, place + 1, length) for place, length in lengths if length != 1]
        cleaned, settled = normalise_with_offsets(lowered)
        return cleaned, resized(moved).then(settled)


# --- What the steps look for ------------------------------------------------------------------

#: An address on the web: with a scheme, or starting with www.
URL = re.compile(r"(?i)\b(?:https?://|ftp://|www\.)[^\s<>\"'\[\]]{2,}(?<![.,;:!?)])")
EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9_][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])"
)
#: What is written like a telephone number: international, (555) 123-4567 or 0170 1234567; dates,
#: prices, ISBNs and order numbers are not.
PHONE = re.compile(
    r"(?:(?<![+.-])\+\d{1,3}(?:[ ./-]?\(?\d{1,5}\)?){2,6}"
    r"|(?<![\w+.-])(?:\(\d{3}\) ?\d{3}[ .-]\d{4}"
    r"|\d{3}([ .-])\d{3}\1\d{4}"
    r"|0\d{2,4}[ /-]\d{3,5}(?:[ -]?\d{2,4}){1,2})"
    r")(?![\w-]|\.\d)"
)
_RUN = re.compile(r"([^\W\d_])\1\1+|([!?])\2\2+|\.{4,}")
#: Any run of blanks but a single space or line break between two words, or two line breaks.
_BLANKS = re.compile(r"\s{2,}|[^\S \n]")
_BREAKS = "\n\u2028\u2029"


def _masking(pattern: re.Pattern[str], mark: str, *, needs: str) -> Find:
    """Make a step that puts a mark in place of what matches; `needs` is a part of every match."""

    def find(text: str) -> list[Replacement]:
        if needs not in text:
            return []
        return [Replacement(*match.span(), mark) for match in pattern.finditer(text)]

    return find


def _find_phones(text: str) -> list[Replacement]:
    # Seven digits at least, so that no price in brackets is taken for a number.
    return [
        Replacement(*match.span(), "[phone]")
        for match in PHONE.finditer(text)
        if sum(map(str.isdigit, match[0])) >= 7
    ]


def _find_urls(text: str) -> list[Replacement]:
    if "://" not in text and "www." not in text.lower():
        return []
    return [Replacement(*match.span(), "[link]") for match in URL.finditer(text)]


def _find_repeats(text: str) -> list[Replacement]:
    found = []
    for match in _RUN.finditer(text):
        run = match[0]
        keeps = 3 if run[0] == "." else 2
        # AAA batteries, size XXL, part III and www are words; AAAAAAH is not.
        is_word = len(run) == 3 and (run.isupper() or run == "www")
        if not is_word:
            found.append(Replacement(match.start() + keeps, match.end(), ""))
    return found


def _find_blanks(text: str) -> list[Replacement]:
    found = []
    for match in _BLANKS.finditer(text):
        run = match[0]
        breaks = sum(map(run.count, _BREAKS))
        wanted = "\n\n"[:breaks] or " "
        if run != wanted:
            found.append(Replacement(*match.span(), wanted))
    return found


def _find_nothing(text: str) -> list[Replacement]:  # noqa: ARG001  (the shape of every finder)
    return []


#: In the order in which the forms offer and apply them.
STEPS: dict[str, Step] = {
    step.key: step
    for step in (
        Step(
            "html",
            "Decode HTML",
            "&amp; becomes &, <br> and paragraphs become line breaks, other tags go.",
            find_markup,
        ),
        Step("urls", "Mask links", "Web addresses become [link].", _find_urls),
        Step(
            "emails",
            "Mask e-mail addresses",
            "They become [email].",
            _masking(EMAIL, "[email]", needs="@"),
        ),
        Step("phones", "Mask telephone numbers", "They become [phone].", _find_phones),
        Step(
            "repeats",
            "Shorten repeated letters",
            "looooove becomes loove, !!!!! becomes !!; AAA and III stay.",
            _find_repeats,
        ),
        Step(
            "spaces",
            "Tidy blanks",
            "Runs of blanks become one space, more than one empty line becomes one.",
            _find_blanks,
        ),
        _LowerStep("lower", "Lower case", "Every letter becomes a small one.", _find_nothing),
    )
}


# --- Texts and cells --------------------------------------------------------------------------


def check_steps(keys: Sequence[str]) -> None:
    """Raise ValueError, with a sentence, when a step is unknown or named twice."""
    for key in keys:
        if key not in STEPS:
            raise ValueError(f"There is no cleaning step {key[:40]!r}; known: {', '.join(STEPS)}.")
    if len(set(keys)) < len(keys):
        raise ValueError("A cleaning step is named twice; name each once.")


def clean(text: str, steps: Sequence[str]) -> str:
    """Return the text normalised and cleaned by steps (keys of STEPS), in their order."""
    cleaned = normalise(text)
    for key in steps:
        cleaned = STEPS[key].apply(cleaned)
    return cleaned


def clean_with_offsets(text: str, steps: Sequence[str]) -> tuple[str, Offsets]:
    """Return clean(text, steps) and where places of the raw text are in it."""
    cleaned, offsets = normalise_with_offsets(text)
    for key in steps:
        cleaned, moved = STEPS[key].apply_with_offsets(cleaned)
        offsets = offsets.then(moved)
    return cleaned, offsets


def joined(cells: Sequence[str], separator: str, steps: Sequence[str] = ()) -> str:
    """Return one text made of several: each cleaned, the empty ones left out.

    Cells are cleaned before they are joined, so that no step takes the separator for markup.
    """
    parts = [part for cell in cells if (part := clean(cell, steps))]
    # Joining may bring a combining mark next to a letter: compose once more.
    return parts[0] if len(parts) == 1 else normalise(separator.join(parts))


def joined_with_offsets(
    cells: Sequence[str], separator: str, steps: Sequence[str] = ()
) -> tuple[str, list[Offsets]]:
    """Return joined(cells, separator, steps) and, for each cell, where its places are in it."""
    cleaned = [clean_with_offsets(cell, steps) for cell in cells]
    begins, at = [], 0
    for part, _ in cleaned:
        begins.append(at)
        at += len(part) + len(separator) if part else 0
    text, settled = normalise_with_offsets(separator.join(part for part, _ in cleaned if part))
    moved = zip(cleaned, begins, strict=True)
    return text, [offsets.after_prefix(begin).then(settled) for (_, offsets), begin in moved]

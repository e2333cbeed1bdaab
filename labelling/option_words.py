"""Every way in which a file may write an option: pure."""

from collections.abc import Sequence

from labelling.snapshot import OptionSnapshot, QuestionSnapshot

YES = frozenset({"yes", "y", "true", "1", "1.0"})
NO = frozenset({"no", "n", "false", "0", "0.0"})


def by_word(question: QuestionSnapshot) -> dict[str, str]:
    """Return every way to write an option, casefolded, with the option's key.

    Options are named by key or name; of two options that mean yes and no, in many words.
    """
    words = {option.name.casefold(): option.key for option in question.options}
    words |= {option.key.casefold(): option.key for option in question.options}
    yes, no = _meaning(question.options, YES), _meaning(question.options, NO)
    if len(question.options) == 2 and yes and no:
        words |= dict.fromkeys(YES, yes.key) | dict.fromkeys(NO, no.key)
    # A rating read by a spreadsheet comes as 4.0.
    for option in question.options:
        if option.key.isdigit():
            words.setdefault(f"{option.key}.0", option.key)
    return words


def unknown(question: QuestionSnapshot, word: str) -> str:
    """Return the sentence that says that a word is none of a question's options."""
    names = ", ".join(option.name for option in question.options[:12])
    more = ", …" if len(question.options) > 12 else ""
    return f'"{word[:60]}" is none of {names}{more}'


def _meaning(options: Sequence[OptionSnapshot], words: frozenset[str]) -> OptionSnapshot | None:
    return next(
        (each for each in options if {each.key.casefold(), each.name.casefold()} & words), None
    )

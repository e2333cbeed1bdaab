"""Which key gives which answer: one letter or digit each, never the same twice on a page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from labelling.snapshot import QuestionSnapshot

#: Keys that no option may bring along: skip, undo, and what is nobody's to choose.
RESERVED = frozenset("sug?/-=+")
#: Nobody may choose these: go, the key sheet, search, and all that marks words: the polarities, the
#: ends of a span, all like it, all that a model proposes.
FIXED = frozenset("g?/-=+.,<>*: ")
#: What the page itself does to the keys for it: the second where an option has brought the first.
ACTIONS = {"skip": "s", "flag": "f!", "undo": "u", "accept": "y&", "guidelines": "i;"}
#: What a person has chosen who has chosen nothing.
NOTHING: Mapping[str, str] = {}
# Rows of a keyboard, so that the answers of one question lie side by side.
_DIGITS = "1234567890"
_TOP = "qwertyiop"
_HOME = "adfhjkl"
_BOTTOM = "zxcvbnm"
_LOWER = (_DIGITS, _TOP, _HOME, _BOTTOM)
#: Where a question goes that fits in no single row.
_SPILL = _HOME + _BOTTOM + _TOP + _DIGITS
_ALL = _SPILL + (_HOME + _BOTTOM + _TOP).upper()

POLARITY_KEYS = {"negative": "-", "neutral": "=", "positive": "+"}

#: Answer (an option's key or a number as text) to key.
Keys = dict[str, str]
#: Stands for the input field of a number that is typed.
_FIELD = ""


def actions(
    questions: Sequence[QuestionSnapshot], chosen: Mapping[str, str] = NOTHING
) -> dict[str, str]:
    """Return the key of everything that the page itself does."""
    brought = {option.hot_key for question in questions for option in question.options}
    keys: dict[str, str] = {}
    for action, candidates in ACTIONS.items():
        free = (key for key in candidates if key not in brought)
        keys[action] = chosen.get(action) or next(free, candidates[-1])
    return keys


def chosen_name(question: QuestionSnapshot, answer: str) -> str:
    """Return what a key of an answer is called among the keys that a person has chosen."""
    return f"{question.key}:{answer}"


def layout(
    questions: Sequence[QuestionSnapshot], chosen: Mapping[str, str] = NOTHING
) -> dict[str, Keys]:
    """Return the keys of every question: question key to answer to key.

    What a person has `chosen` comes first; an option then keeps the hot key it has. The others get
    the first row of the keyboard that is free for the whole question; spans over the options of
    another question get the same letter with Shift. When keys run out, the last answers have none.
    """
    taken = {*FIXED, *RESERVED, *actions(questions, chosen).values()}
    own = {question.key: _chosen(question, chosen) for question in questions}
    taken.update(key for keys in own.values() for key in keys.values())
    keys = {
        question.key: own[question.key] | _explicit(question, taken, own[question.key])
        for question in questions
    }
    for question in (each for each in questions if each.kind != "spans"):
        _fill(keys[question.key], answers_of(question), taken)
    for question in (each for each in questions if each.kind == "number" and not each.steps):
        _fill(keys[question.key], [_FIELD], taken)
    for question in (each for each in questions if each.kind == "spans"):
        _shift(keys[question.key], answers_of(question), keys, taken)
        _fill(keys[question.key], answers_of(question), taken)
    return keys


def answers_of(question: QuestionSnapshot) -> list[str]:
    """Return everything that a key may answer."""
    if question.kind == "number":
        return [str(step) for step in question.steps]
    return [option.key for option in question.options]


def _chosen(question: QuestionSnapshot, chosen: Mapping[str, str]) -> Keys:
    answers = [*answers_of(question), _FIELD]
    named = {answer: chosen.get(chosen_name(question, answer), "") for answer in answers}
    return {answer: key for answer, key in named.items() if key}


def _explicit(question: QuestionSnapshot, taken: set[str], own: Keys) -> Keys:
    """Return the hot keys that options bring along, first come first served."""
    keys: Keys = {}
    for option in question.options:
        if option.key not in own and option.hot_key and option.hot_key not in taken:
            keys[option.key] = option.hot_key
            taken.add(option.hot_key)
    return keys


def _fill(keys: Keys, answers: Sequence[str], taken: set[str]) -> None:
    missing = [answer for answer in answers if answer not in keys]
    near = next(reversed(keys.values()), "")
    free = _beside(near, len(missing), taken) or _free(len(missing), taken)
    for answer, key in zip(missing, free, strict=False):
        keys[answer] = key
        taken.add(key)


def _beside(near: str, wanted: int, taken: set[str]) -> list[str]:
    """Return free keys of the row in which the question has keys already; [] if too few."""
    row = next((row for row in _LOWER if near and near in row), "")
    free = [key for key in row if key not in taken]
    return free[:wanted] if len(free) >= wanted else []


def _free(wanted: int, taken: set[str]) -> Iterable[str]:
    """Return a row whose first `wanted` keys are all free, else what is left of all rows."""
    for row in _LOWER if wanted > 1 else ():
        if len(row) >= wanted and taken.isdisjoint(row[:wanted]):
            return row[:wanted]
    return _left(taken)


def _left(taken: set[str]) -> Iterator[str]:
    return (key for key in list(_ALL) if key not in taken)


def _shift(keys: Keys, answers: Sequence[str], others: Mapping[str, Keys], taken: set[str]) -> None:
    """Give spans the capital of the letter that the same option has in another question."""
    for answer in answers:
        letters = (other.get(answer, "").upper() for other in others.values())
        letter = next((each for each in letters if each.isalpha() and each not in taken), "")
        if answer not in keys and letter:
            keys[answer] = letter
            taken.add(letter)

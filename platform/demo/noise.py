"""Make written sentences look typed: typos, lower case, missing apostrophes, emoji, punctuation."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from demo.phrases_frame import EMOJI
from demo.segments import Segment, capitalised

_SHORTEST_WITH_TYPO = 5
_LOUD = ("never", "not", "love", "very", "really", "so", "nothing", "always", "great", "far")


@dataclass(frozen=True, slots=True)
class Habit:
    """Describe how one reviewer types."""

    is_lower_case: bool
    keeps_apostrophes: bool
    shouts: bool
    typo_count: int
    end: str
    """What closes a sentence."""
    gap: str
    """What stands between two sentences."""
    emoji_count: int


def draw_habit(rng: random.Random) -> Habit:
    """Draw the way a reviewer types; most type well."""
    return Habit(
        is_lower_case=rng.random() < 0.09,
        keeps_apostrophes=rng.random() < 0.88,
        shouts=rng.random() < 0.07,
        typo_count=rng.choices((0, 1, 2, 4), (70, 16, 9, 5))[0],
        end=rng.choices((".", "!", "...", "!!", ""), (80, 9, 4, 3, 4))[0],
        gap=rng.choices((" ", "\n", "\n\n"), (90, 6, 4))[0],
        emoji_count=rng.choices((0, 1, 2), (86, 10, 4))[0],
    )


def write_down(
    sentences: Sequence[Sequence[Segment]], habit: Habit, mood: str, rng: random.Random
) -> list[Segment]:
    """Join sentences as this reviewer would type them; `mood` chooses the emoji."""
    typed: list[Segment] = []
    is_one_breath = not habit.end and habit.gap == " "
    for sentence in sentences:
        if typed:
            typed.append(Segment(", " if is_one_breath else habit.gap))
        opened = sentence if typed and is_one_breath else capitalised(sentence)
        typed += _closed(opened, habit, rng)
    typed = [_in_habit(segment, habit) for segment in typed]
    for _ in range(habit.typo_count):
        _mistype(typed, rng)
    return _with_emoji(typed, habit, mood, rng)


def _closed(sentence: Sequence[Segment], habit: Habit, rng: random.Random) -> list[Segment]:
    if sentence[-1].text[-1] in ".?!…":
        return list(sentence)
    is_calm = habit.end in {"!", "!!"} and rng.random() < 0.5
    return [*sentence, Segment("." if is_calm else habit.end)]


def _in_habit(segment: Segment, habit: Habit) -> Segment:
    text = segment.text
    if not habit.keeps_apostrophes:
        text = text.replace("'", "")
    if habit.is_lower_case:
        text = text.lower()
    if habit.shouts:
        text = " ".join(w.upper() if w.lower() in _LOUD else w for w in text.split(" "))
    return replace(segment, text=text)


def _mistype(segments: list[Segment], rng: random.Random) -> None:
    index = rng.randrange(len(segments))
    words = segments[index].text.split(" ")
    chosen = rng.randrange(len(words))
    if len(words[chosen]) >= _SHORTEST_WITH_TYPO and words[chosen].isalpha():
        words[chosen] = _slip(words[chosen], rng)
        segments[index] = replace(segments[index], text=" ".join(words))


def _slip(word: str, rng: random.Random) -> str:
    """Swap two letters, leave one out or type it twice, never at the word's edges."""
    at = rng.randrange(1, len(word) - 2)
    kind = rng.choice(("swap", "omit", "double"))
    if kind == "swap":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + (word[at + 1 :] if kind == "omit" else word[at] + word[at:])


def _with_emoji(
    segments: list[Segment], habit: Habit, mood: str, rng: random.Random
) -> list[Segment]:
    for _ in range(habit.emoji_count):
        emoji = rng.choice(EMOJI[mood])
        if rng.random() < 0.35:
            segments = [Segment(f"{emoji} "), *segments]
        else:
            segments = [*segments, Segment(f" {emoji}")]
    return segments

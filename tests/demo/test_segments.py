"""Templates become text with marks at the right places."""

import random

import pytest

from demo.segments import Clause, Deck, Segment, capitalised, expand


def test_marks_take_the_clause_s_aspect_unless_they_name_their_own() -> None:
    clause = Clause("<the lid> leaks, <the price|price+> is fair", "durability", "negative")

    assert expand(clause, {}, random.Random(1)) == [
        Segment("the lid", "durability", "negative"),
        Segment(" leaks, "),
        Segment("the price", "price", "positive"),
        Segment(" is fair"),
    ]


def test_slots_and_choices_are_filled_even_inside_each_other() -> None:
    clause = Clause("<the {part}> [broke/cracked after {time}]", "durability", "negative")
    slots = {"part": ("zip", "strap"), "time": ("a week",)}

    texts = {
        "".join(part.text for part in expand(clause, slots, random.Random(seed)))
        for seed in range(40)
    }

    assert texts == {
        f"the {part} {what}"
        for part in ("zip", "strap")
        for what in ("broke", "cracked after a week")
    }


def test_an_empty_choice_leaves_no_double_space() -> None:
    texts = {
        expand(Clause("I am [really /]happy"), {}, random.Random(seed))[0].text
        for seed in range(20)
    }

    assert texts == {"I am really happy", "I am happy"}


def test_an_unknown_slot_is_an_error() -> None:
    with pytest.raises(KeyError, match="colour"):
        expand(Clause("the {colour} one"), {}, random.Random(1))


def test_a_capital_opens_a_sentence_inside_a_mark_too() -> None:
    parts = [Segment("the lid", "quality", "positive"), Segment(" is fine")]

    assert capitalised(parts)[0] == Segment("The lid", "quality", "positive")


def test_a_deck_deals_every_clause_before_any_returns() -> None:
    clauses = tuple(Clause(str(number)) for number in range(9))
    deck = Deck(random.Random(3))

    first, second = ([deck.deal(clauses) for _ in clauses] for _ in range(2))

    assert set(first) == set(second) == set(clauses)
    assert first != second

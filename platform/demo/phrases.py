"""The phrase bank: every clause by what it speaks of, and the words that fill its slots."""

import calendar
import functools
from datetime import timedelta

from demo import (
    phrases_audio,
    phrases_frame,
    phrases_kitchen,
    phrases_money,
    phrases_service,
    phrases_travel,
)
from demo.segments import POLARITY_OF_SIGN, Clause
from demo.story import Moment, Product, price_at

Bank = dict[str, tuple[Clause, ...]]

_OF_ANY_PRODUCT = {
    "shipping": phrases_service.SHIPPING,
    "packaging": phrases_service.PACKAGING,
    "customer_service": phrases_service.CUSTOMER_SERVICE,
    "price": phrases_money.PRICE,
    "value_for_money": phrases_money.VALUE,
    "quality": phrases_money.QUALITY,
}
_OF_ONE_PRODUCT = {
    "kettle": phrases_kitchen.KETTLE,
    "blender": phrases_kitchen.BLENDER,
    "headphones": phrases_audio.HEADPHONES,
    "speaker": phrases_audio.SPEAKER,
    "daypack": phrases_travel.DAYPACK,
    "umbrella": phrases_travel.UMBRELLA,
}
_OF_AN_EVENT = {
    "winter": ("shipping", phrases_service.WINTER),
    "box": ("packaging", phrases_service.NEW_BOX),
    "dearer": ("price", phrases_money.DEARER),
    "batch": ("durability", phrases_audio.BATCH),
    "pairing": ("ease_of_use", phrases_audio.PAIRING_FIXED),
}
_STARS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
_FRAMES = {
    "openings": phrases_frame.OPENINGS,
    "context": phrases_frame.CONTEXT,
    "verdicts": phrases_frame.VERDICTS,
    "terse": phrases_frame.TERSE,
    "titles": phrases_frame.TITLES,
    "plain titles": phrases_frame.PLAIN_TITLES,
}


@functools.cache
def parse(source: str, aspect: str = "") -> Bank:
    """Read lines of a sign and a clause into clauses by polarity.

    Raises KeyError at a line that begins with another sign.
    """
    bank: Bank = dict.fromkeys(POLARITY_OF_SIGN.values(), ())
    for line in source.strip().splitlines():
        polarity = POLARITY_OF_SIGN[line[0]]
        bank[polarity] += (Clause(line[1:].strip(), aspect, polarity),)
    return bank


def aspect_clauses(product: Product, aspect: str, polarity: str) -> tuple[Clause, ...]:
    """Return what can be said of an aspect of a product."""
    source = _OF_ANY_PRODUCT.get(aspect) or _OF_ONE_PRODUCT[product.key][aspect]
    return parse(source, aspect)[polarity]


def event_clauses(name: str, polarity: str) -> tuple[Clause, ...]:
    """Return what can be said only while an event of the story lasts; empty without one."""
    if not name:
        return ()
    aspect, source = _OF_AN_EVENT[name]
    return parse(source, aspect)[polarity]


def frame_clauses(kind: str, sentiment: str) -> tuple[Clause, ...]:
    """Return titles, openings, small talk, verdicts or one-line reviews of a sentiment."""
    return parse(_FRAMES[kind])[sentiment]


def all_clauses() -> list[Clause]:
    """Return every clause of the bank."""
    sources = [(source, "") for source in _FRAMES.values()]
    sources += [(source, aspect) for aspect, source in _OF_ANY_PRODUCT.items()]
    sources += [(source, aspect) for aspect, source in _OF_AN_EVENT.values()]
    for banks in _OF_ONE_PRODUCT.values():
        sources += [(source, aspect) for aspect, source in banks.items()]
    return [c for source, aspect in sources for cs in parse(source, aspect).values() for c in cs]


def slots_for(
    product: Product, moment: Moment, *, who: str, rating: int
) -> dict[str, tuple[str, ...]]:
    """Return the values of every slot for one review.

    `who` is the one person that a review speaks of, so that a sister does not become an aunt.
    """
    ordered, long_ago = moment.day - timedelta(days=20), moment.day - timedelta(days=120)
    values = _forms(product) | {
        "full": product.name,
        "noun": product.noun,
        "who": who,
        "month": calendar.month_name[ordered.month],
        "stars": _STARS[rating],
        "since": calendar.month_name[long_ago.month],
        "price": str(price_at(product, moment)),
    }
    return {name: (value,) for name, value in values.items()} | {
        "material": phrases_frame.MATERIALS[product.key]
    }


def _forms(product: Product) -> dict[str, str]:
    if product.is_plural:
        return {
            "it": "they", "them": "them", "is": "are", "was": "were", "has": "have", "es": "",
            "this": "these", "s": "", "old": "pair", "a_noun": f"a pair of {product.noun}",
        }  # fmt: skip
    article = "an" if product.noun[0] in "aeiou" else "a"
    return {
        "it": "it", "them": "it", "is": "is", "was": "was", "has": "has", "es": "es",
        "this": "this", "s": "s", "old": "one", "a_noun": f"{article} {product.noun}",
    }  # fmt: skip

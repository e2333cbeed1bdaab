"""The six invented products, and what happens to them in the fourteen months of the demo.

Every name here is made up. The events are what a person should be able to find in the charts.
"""

from dataclasses import dataclass, field
from datetime import date

PERIOD_DAYS = 425
"""Length of the demo's history: about fourteen months."""

ASPECTS = (
    "value_for_money",
    "quality",
    "price",
    "shipping",
    "packaging",
    "customer_service",
    "ease_of_use",
    "functionality",
    "durability",
    "appearance",
)

NEW_BATCH_FROM = 0.62
"""Share of the period after which headphones come with the hinge that cracks."""
PRICE_RISES_FROM = (0.40, 0.70)
"""Shares of the period at which the hand blender gets dearer."""
NEW_BOX_FROM = 0.50
"""Share of the period after which the kettle comes in a box that protects it."""
PAIRING_FIX_FROM = 0.70
"""Share of the period after which the speaker pairs as it should."""
UMBRELLA_LAUNCH = 0.25
"""Share of the period before which nobody could have bought the umbrella."""
SUPPORT_TEAM_FROM = 0.75
"""Share of the period after which customer service has enough people."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Place a day in the demo's period: `share` is 0 at its beginning and 1 at its end."""

    day: date
    share: float

    @property
    def is_winter_rush(self) -> bool:
        """Say whether parcels pile up: from mid November to the end of January."""
        return self.day.month in (12, 1) or (self.day.month == 11 and self.day.day >= 15)

    @property
    def is_rainy_season(self) -> bool:
        """Say whether people buy umbrellas: September to November."""
        return self.day.month in (9, 10, 11)


@dataclass(frozen=True, slots=True)
class Product:
    """Describe a product: its words, its first price in euros, and how it does in each aspect.

    `mentions` weighs how often people speak of an aspect, `merit` how pleased they are with it,
    from -1 to 1.
    """

    key: str
    name: str
    noun: str
    category: str
    price: int
    volume: float
    is_plural: bool = False
    mentions: dict[str, float] = field(default_factory=dict)
    merit: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """Say how a moment changes an aspect: factor on mentions, shift of merit, clauses to use."""

    factor: float = 1.0
    shift: float = 0.0
    clauses: str = ""


_MENTIONS = {
    "value_for_money": 0.8,
    "quality": 1.3,
    "price": 0.8,
    "shipping": 0.7,
    "packaging": 0.08,
    "customer_service": 0.4,
    "ease_of_use": 1.0,
    "functionality": 1.7,
    "durability": 0.8,
    "appearance": 0.9,
}
_MERIT = {
    "value_for_money": 0.3,
    "quality": 0.35,
    "price": 0.1,
    "shipping": 0.5,
    "packaging": 0.1,
    "customer_service": -0.35,
    "ease_of_use": 0.35,
    "functionality": 0.35,
    "durability": 0.1,
    "appearance": 0.5,
}


def _product(
    key: str,
    name: str,
    category: str,
    *,
    noun: str = "",
    price: int,
    volume: float,
    is_plural: bool = False,
    mentions: dict[str, float] | None = None,
    merit: dict[str, float] | None = None,
) -> Product:
    return Product(
        key=key,
        name=name,
        noun=noun or key,
        category=category,
        price=price,
        volume=volume,
        is_plural=is_plural,
        mentions=_MENTIONS | (mentions or {}),
        merit=_MERIT | (merit or {}),
    )


PRODUCTS = (
    _product(
        "kettle",
        "Velkory electric kettle",
        "Kitchen",
        price=45,
        volume=1.0,
        mentions={"packaging": 0.35, "appearance": 1.3},
        merit={"packaging": -0.9, "functionality": 0.5, "appearance": 0.7},
    ),
    _product(
        "blender",
        "Brindomix hand blender",
        "Kitchen",
        noun="blender",
        price=39,
        volume=1.0,
        mentions={"price": 1.0, "value_for_money": 1.1},
        merit={"price": 0.6, "value_for_money": 0.6, "durability": 0.3},
    ),
    _product(
        "headphones",
        "Tonquell over-ear headphones",
        "Audio",
        price=89,
        volume=1.4,
        is_plural=True,
        mentions={"functionality": 2.0},
        merit={"functionality": 0.6, "durability": 0.6, "quality": 0.5},
    ),
    _product(
        "speaker",
        "Humbrook shower speaker",
        "Audio",
        price=29,
        volume=0.9,
        mentions={"ease_of_use": 1.8, "appearance": 0.6},
        merit={"ease_of_use": -0.9, "value_for_money": 0.4, "functionality": 0.2},
    ),
    _product(
        "daypack",
        "Wendlark daypack",
        "Travel",
        noun="backpack",
        price=75,
        volume=1.2,
        mentions={"shipping": 1.0, "quality": 1.5},
        merit={"quality": 0.6, "durability": 0.4, "price": -0.2, "shipping": 0.7},
    ),
    _product(
        "umbrella",
        "Fennowick folding umbrella",
        "Travel",
        price=24,
        volume=0.9,
        mentions={"durability": 1.3},
        merit={"durability": -0.25, "appearance": 0.6, "price": 0.3},
    ),
)


def volume(product: Product, moment: Moment) -> float:
    """Weigh how many reviews of a product fall on a day."""
    if product.key == "umbrella":
        if moment.share < UMBRELLA_LAUNCH:
            return 0.0
        return product.volume * (2.2 if moment.is_rainy_season else 0.9)
    return product.volume


def price_at(product: Product, moment: Moment) -> int:
    """Return the price in euros on a day."""
    if product.key != "blender":
        return product.price
    return product.price + sum(8 for share in PRICE_RISES_FROM if moment.share >= share)


def event(product: Product, aspect: str, moment: Moment) -> Event:
    """Return what the story does to an aspect of a product at a moment."""
    if aspect == "shipping" and moment.is_winter_rush:
        slow = product.key == "daypack"
        return Event(3.6, -2.2, "winter") if slow else Event(1.6, -0.8, "winter")
    if aspect == "customer_service" and moment.share >= SUPPORT_TEAM_FROM:
        return Event(1.0, 0.6)
    return _product_event(product.key, aspect, moment.share)


def _product_event(key: str, aspect: str, share: float) -> Event:
    turning_points = {
        ("headphones", "durability"): (NEW_BATCH_FROM, Event(3.4, -2.0, "batch")),
        ("headphones", "quality"): (NEW_BATCH_FROM, Event(1.0, -0.4)),
        ("blender", "price"): (PRICE_RISES_FROM[0], Event(2.2, -2.0, "dearer")),
        ("blender", "value_for_money"): (PRICE_RISES_FROM[0], Event(1.4, -1.2)),
        ("kettle", "packaging"): (NEW_BOX_FROM, Event(1.0, 1.8, "box")),
        ("speaker", "ease_of_use"): (PAIRING_FIX_FROM, Event(1.0, 1.9, "pairing")),
    }
    since, change = turning_points.get((key, aspect), (2.0, Event()))
    return change if share >= since else Event()

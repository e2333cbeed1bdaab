"""Where a new project's questions come from: ready-made sets, as pure data."""

from dataclasses import dataclass

from labelling.snapshot import OptionSnapshot, QuestionSnapshot


@dataclass(frozen=True, slots=True)
class PresetSchema:
    """A named set of questions with the line that describes it."""

    key: str
    name: str
    description: str
    questions: tuple[QuestionSnapshot, ...] = ()
    guidelines: str = ""


# Numbers of the palette: blue green for good, vermilion for bad, grey for neither.
_GOOD, _BAD, _NEITHER = 3, 4, 12


def _options(*names: str) -> tuple[OptionSnapshot, ...]:
    """Make options of display names, coloured in turn; the key is the name in snake case."""
    return tuple(
        OptionSnapshot(key=name.lower().replace(" ", "_"), name=name, colour=1 + index % 12)
        for index, name in enumerate(names)
    )


_SENTIMENT = QuestionSnapshot(
    key="sentiment",
    name="Sentiment",
    kind="choice",
    options=(
        OptionSnapshot("negative", "Negative", _BAD),
        OptionSnapshot("neutral", "Neutral", _NEITHER),
        OptionSnapshot("positive", "Positive", _GOOD),
    ),
    instructions="How does the writer feel about the product as a whole?",
)

_ASPECTS = _options(
    "Value for money",
    "Quality",
    "Price",
    "Shipping",
    "Packaging",
    "Customer service",
    "Ease of use",
    "Functionality",
    "Durability",
    "Appearance",
)

_PRODUCT_REVIEWS = PresetSchema(
    key="product-reviews",
    name="Product reviews",
    description="Sentiment, rating 1 to 5, ten aspects, and where each aspect is spoken of.",
    questions=(
        _SENTIMENT,
        QuestionSnapshot(
            key="rating",
            name="Rating",
            kind="number",
            minimum=1,
            maximum=5,
            is_integer=True,
            instructions="How many stars would the writer give, judging by the text alone?",
        ),
        QuestionSnapshot(
            key="aspects",
            name="Aspects",
            kind="multichoice",
            options=_ASPECTS,
            instructions="Every aspect that the review speaks of; none if it names no aspect.",
        ),
        QuestionSnapshot(
            key="aspect_spans",
            name="Where aspects are named",
            kind="spans",
            options=_ASPECTS,
            has_polarity=True,
            is_required=False,
            instructions="The shortest words that name an aspect and say what they say about it.",
        ),
    ),
)

_CLOTHING_REVIEWS = PresetSchema(
    key="clothing-reviews",
    name="Clothing reviews",
    description="Rating as five classes, the writer's age, recommended or not, department.",
    questions=(
        QuestionSnapshot(
            key="rating",
            name="Rating",
            kind="choice",
            options=tuple(
                OptionSnapshot(str(stars), str(stars), colour)
                for stars, colour in zip(range(1, 6), (4, 2, 12, 6, 3), strict=True)
            ),
        ),
        QuestionSnapshot(
            key="age",
            name="Age of the writer",
            kind="number",
            minimum=10,
            maximum=100,
            is_integer=True,
            is_required=False,
        ),
        QuestionSnapshot(
            key="recommended",
            name="Recommended",
            kind="choice",
            options=(OptionSnapshot("no", "No", _BAD), OptionSnapshot("yes", "Yes", _GOOD)),
        ),
        QuestionSnapshot(
            key="department",
            name="Department",
            kind="choice",
            options=tuple(
                OptionSnapshot(name, name, 1 + index)
                for index, name in enumerate(
                    ("Tops", "Dresses", "Bottoms", "Intimate", "Jackets", "Trend")
                )
            ),
        ),
    ),
)

_NAMED_ENTITIES = PresetSchema(
    key="named-entities",
    name="Named entities",
    description="Persons, organisations, places and other names, marked in the text.",
    questions=(
        QuestionSnapshot(
            key="entities",
            name="Named entities",
            kind="spans",
            options=(
                OptionSnapshot("PER", "Person", 1),
                OptionSnapshot("ORG", "Organisation", 2),
                OptionSnapshot("LOC", "Place", 3),
                OptionSnapshot("MISC", "Other name", 5),
            ),
        ),
    ),
)

_SENTIMENT_ONLY = PresetSchema(
    key="sentiment",
    name="Sentiment",
    description="One question: negative, neutral or positive.",
    questions=(_SENTIMENT,),
)

_PRODUCT_CATEGORY = PresetSchema(
    key="product-category",
    name="Product category",
    description="One question: which of twelve shop categories the review is about.",
    questions=(
        QuestionSnapshot(
            key="category",
            name="Product category",
            kind="choice",
            options=_options(
                "Electronics",
                "Computers",
                "Home and kitchen",
                "Clothing and shoes",
                "Beauty and care",
                "Toys and games",
                "Books",
                "Films and music",
                "Sports and outdoors",
                "Food and drink",
                "Garden and tools",
                "Something else",
            ),
        ),
    ),
)

_TOPICS = PresetSchema(
    key="topics",
    name="Topics",
    description="What a review talks about: any number of general topics.",
    questions=(
        QuestionSnapshot(
            key="topics",
            name="Topics",
            kind="multichoice",
            options=_options(
                "Product",
                "Price",
                "Delivery",
                "Returns",
                "Customer service",
                "Website and app",
                "Comparison",
                "Suggestion",
            ),
        ),
    ),
)

_BLANK = PresetSchema(
    key="blank",
    name="Blank",
    description="No question yet; add your own under Label, Questions before labelling begins.",
)

PRESETS: dict[str, PresetSchema] = {
    preset.key: preset
    for preset in (
        _PRODUCT_REVIEWS,
        _CLOTHING_REVIEWS,
        _NAMED_ENTITIES,
        _SENTIMENT_ONLY,
        _PRODUCT_CATEGORY,
        _TOPICS,
        _BLANK,
    )
}

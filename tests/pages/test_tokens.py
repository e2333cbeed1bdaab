"""Every pair of tokens that carries text, or a control's edge, can be told apart in both themes."""

import re
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[2] / "platform" / "static" / "css"
TEXT, EDGE = 4.5, 3.0


def _block(selector: str) -> dict[str, str]:
    """Return the colours of the first rule whose last selector is `selector`."""
    css = (CSS / "tokens.css").read_text()
    body = css.split(f"{selector} {{", 1)[1].split("\n}", 1)[0]
    return dict(re.findall(r"--([a-z0-9-]+):\s*([^;]+);", body))


THEMES = {name: _block(f'[data-bs-theme="{name}"]') for name in ("light", "dark")}


def _colour(theme: dict[str, str], name: str) -> str:
    value = theme[name]
    if value == "transparent":
        return theme["paper"]
    alias = re.fullmatch(r"var\(--([a-z0-9-]+)\)", value)
    return _colour(theme, alias[1]) if alias else value


def _luminance(colour: str) -> float:
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return WCAG's contrast ratio of two #rrggbb colours."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


PAIRS = [
    *[
        (ink, paper, TEXT)
        for ink in ("ink", "ink-2", "ink-3", "accent")
        for paper in ("paper", "paper-2", "paper-3")
    ],
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-hover", TEXT),
    ("accent", "accent-tint", TEXT),
    *[(state, f"{state}-tint", TEXT) for state in ("good", "warn", "bad")],
    *[("ink", f"{state}-tint", TEXT) for state in ("good", "warn", "bad")],
    *[(state, "paper", TEXT) for state in ("good", "warn", "bad")],
    ("line-strong", "paper", EDGE),
    *[
        pair
        for number in range(1, 13)
        for pair in (
            (f"option-{number}-text", f"option-{number}-tint", TEXT),
            (f"option-{number}-text", "paper", TEXT),
            ("ink", f"option-{number}-tint", TEXT),
        )
    ],
    ("ink-3", "heat-0", TEXT),
    *[("heat-low-text", f"heat-{step}", TEXT) for step in (1, 2)],
    *[("heat-mid-text", f"heat-{step}", TEXT) for step in (3, 4)],
    *[("heat-high-text", f"heat-{step}", TEXT) for step in (5, 6)],
    *[("ink", f"diverge-{step}", TEXT) for step in ("n1", "p1")],
    *[("diverge-mid-text", f"diverge-{step}", TEXT) for step in ("n2", "p2")],
    *[("diverge-high-text", f"diverge-{step}", TEXT) for step in ("n3", "p3")],
]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_colours_that_meet_have_contrast(theme: str, front: str, back: str, least: float) -> None:
    colours = THEMES[theme]

    assert contrast(_colour(colours, front), _colour(colours, back)) >= least


def test_black_on_white_has_the_contrast_that_the_standard_gives() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("name", ["base.css", "components.css"])
def test_only_the_token_file_names_colours(name: str) -> None:
    without_backdrop = (CSS / name).read_text().replace("rgb(0 0 0 / 35%)", "")

    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb\(|hsl\(", without_backdrop)


def test_every_property_that_a_rule_reads_is_defined_somewhere() -> None:
    css = "\n".join(each.read_text() for each in CSS.glob("*.css"))
    defined = set(re.findall(r"(--[\w-]+)\s*:", css))

    read = {name for name in re.findall(r"var\((--[\w-]+)", css) if not name.startswith("--bs-")}

    assert read - defined == set()


def test_both_themes_define_the_same_colours() -> None:
    assert set(THEMES["light"]) - set(THEMES["dark"]) <= {
        "heat-low-text",
        "heat-mid-text",
        "heat-high-text",
        "diverge-mid-text",
        "diverge-high-text",
    }
    assert set(THEMES["dark"]) <= set(THEMES["light"])

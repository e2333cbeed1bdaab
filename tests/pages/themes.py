"""Show a page in one of its themes, and wait until it has its colours."""

from typing import Final, Literal

from playwright.sync_api import Page

Theme = Literal["light", "dark"]
THEMES: Final[tuple[Theme, ...]] = ("light", "dark")

#: Two frames, and more while a colour is still on its way: on a busy machine no fixed time is
#: enough, and a tool that reads colours half way finds contrasts that nobody sees.
_PAINTED = """async () => {
  do {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  } while (document.getAnimations().some((each) => each instanceof CSSTransition));
}"""


def show(page: Page, theme: Theme) -> None:
    """Switch the theme as the system's setting does."""
    page.emulate_media(color_scheme=theme)
    page.wait_for_selector(f"html[data-bs-theme={theme}]", state="attached")
    page.evaluate(_PAINTED)

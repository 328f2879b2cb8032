"""Find what keeps people from reading or operating a page, by axe-core."""

from importlib.resources import files

from playwright.sync_api import Page

_AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
# Colours change in transitions, after the scripts that learn of the scheme in the next frame.
_PAINTED = """new Promise(requestAnimationFrame)
  .then(() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished)))
  .then(() => null)"""


def obstacles(page: Page) -> list[str]:
    """Return axe's findings in both colour schemes, such as a contrast below 4.5:1, and if the page is too wide."""
    found = []
    page.evaluate(_AXE)
    for colours in ("light", "dark"):
        page.emulate_media(color_scheme=colours)
        page.evaluate(_PAINTED)
        for rule in page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]:
            found += [f"{colours}: {rule['id']}: {node['target']}: {node['failureSummary']}" for node in rule["nodes"]]
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*found, *([f"The page is {width} pixels too wide."] if width > 0 else [])]

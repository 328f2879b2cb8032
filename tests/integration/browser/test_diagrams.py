"""The documents' diagrams are drawn, by Mermaid itself, in a real browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from devtools.checkout import CHECKOUT

pytestmark = pytest.mark.browser

MERMAID = CHECKOUT / ".venv" / "mermaid" / "mermaidx" / "assets" / "mermaid.js"
DRAW = """async text => {
    mermaid.initialize({startOnLoad: false});
    return (await mermaid.render('drawing', text)).svg;
}"""


def diagrams() -> dict[str, list[str]]:
    """The sources of each document's diagrams."""
    found = {}
    for document in (*CHECKOUT.glob("*.md"), *sorted((CHECKOUT / "docs").rglob("*.md"))):
        sources = re.findall(r"^```mermaid\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)
        if sources:
            found[str(document.relative_to(CHECKOUT))] = sources
    return found


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A page with Mermaid, whose three megabytes take a second to load."""
    if not MERMAID.exists():
        pytest.skip("no Mermaid here: make .venv/mermaid/ready")
    page = browser.new_page()
    page.add_script_tag(path=MERMAID)
    yield page
    page.close()


@pytest.mark.parametrize("document", diagrams())
def test_a_diagram_is_drawn(document: str, page: Page) -> None:
    for source in diagrams()[document]:
        drawing = page.evaluate(DRAW, source)
        assert drawing.startswith("<svg")
        assert "Syntax error" not in drawing

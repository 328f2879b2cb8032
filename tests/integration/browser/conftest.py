"""A real browser, and the service that it opens."""

import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from devtools.postgres.cluster import Cluster
from tests.support.catalogue_database import CatalogueDatabase, migrated_catalogue
from tests.support.served import Served, serving

# In the order of scripts/setup-browser.
_PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _PROGRAMS)), None)
# A page that waits longer than this for what a test expects will not show it.
PATIENCE_MILLISECONDS = 10_000


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Browser]]:
    """Start Chromium without a window, with more arguments if a test gives any.

    A process can run one Playwright at a time, so every browser comes from here.
    """
    if CHROMIUM is None:
        pytest.skip("no Chromium here; on Debian and Ubuntu: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        # Root is given no sandbox by Chromium; it opens nothing here but the tests' own pages.
        yield lambda *arguments: playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    """The browser that the tests of the status page and the service share."""
    with launch() as browser:
        yield browser


@pytest.fixture(scope="session")
def database(postgres: Cluster) -> Iterator[CatalogueDatabase]:
    """A migrated database."""
    with migrated_catalogue(postgres) as database:
        yield database


@pytest.fixture
def catalogue(database: CatalogueDatabase) -> CatalogueDatabase:
    """The same without any beer."""
    database.empty()
    return database


@pytest.fixture(scope="session")
def served(database: CatalogueDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The service, with writes open to every client."""
    with serving(tmp_path_factory.mktemp("served"), DATABASE_URL=database.url(database.app)) as served:
        yield served


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages in separate windows; at the end, none may have broken its policy or its script."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # That a request was refused is a line in the console too, and what some tests are about.
        if message.type in {"error", "warning"} and not re.match("Failed to load resource: .* status of", message.text):
            complaints.append(message.text)

    def open_page(site: Any, path: str = "/", **options: object) -> Page:
        context = browser.new_context(base_url=f"http://127.0.0.1:{site.port}", **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in browser.contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(catalogue: CatalogueDatabase, served: Served, open_page: Callable[..., Page]) -> Page:
    """The page of an empty catalogue."""
    return open_page(served)

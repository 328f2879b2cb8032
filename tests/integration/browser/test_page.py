"""The catalogue's page in a real browser."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from app.api.beers import SEEDS
from tests.support.accessibility import obstacles
from tests.support.catalogue_database import CatalogueDatabase
from tests.support.served import Served, serving

pytestmark = pytest.mark.browser

STRENGTH = "Enter a number from 0 to 100 with at most two decimal places, such as 5.2."
TOKEN = "a-token-for-tests-and-nothing-else"
OpenPage = Callable[..., Page]


def rows(page: Page) -> Locator:
    return page.locator("#beers tbody tr")


def names(page: Page) -> list[str]:
    return page.locator("#beers tbody th").all_inner_texts()


def add(page: Page, **fields: str) -> None:
    for label, text in fields.items():
        page.get_by_role("region", name="Add a beer").get_by_label(label).fill(text)
    page.get_by_role("button", name="Add beer").click()


def error_of(page: Page, label: str) -> Locator:
    """Return the message that a screen reader announces for a field of the form."""
    field = page.get_by_role("region", name="Add a beer").get_by_label(label)
    expect(field).to_have_attribute("aria-invalid", "true")
    described = (field.get_attribute("aria-describedby") or "").split()
    return page.locator(f"#{described[-1]}")


def seed(served: Served) -> None:
    assert served.request("POST", "/beers/seed").status == 200


def test_an_empty_catalogue_offers_to_seed(page: Page) -> None:
    expect(page.get_by_role("heading", name="Nothing on tap yet")).to_be_visible()
    page.get_by_role("button", name="Add well-known beers").click()
    expect(page.get_by_role("status")).to_have_text(f"{len(SEEDS)} beers were added.")
    expect(rows(page).first).to_contain_text("Pilsner Urquell")
    page.get_by_role("button", name="Add well-known beers").click()
    expect(page.get_by_role("status")).to_have_text("All of them are already in the catalogue.")


def test_the_catalogue_is_paginated(catalogue: CatalogueDatabase, served: Served, open_page: OpenPage) -> None:
    seed(served)
    page = open_page(served)
    expect(rows(page)).to_have_count(20)
    first = names(page)
    page.get_by_role("link", name="Next page").click()
    expect(rows(page)).to_have_count(len(SEEDS) - 20)
    assert sorted(first + names(page)) == sorted(beer.name for beer in SEEDS)
    expect(page.get_by_role("link", name="Next page")).to_have_count(0)
    page.get_by_role("link", name="First page").click()
    expect(rows(page)).to_have_count(20)
    assert names(page) == first


def test_a_filter_shows_matching_beers_and_can_be_cleared(
    catalogue: CatalogueDatabase, served: Served, open_page: OpenPage
) -> None:
    seed(served)
    page = open_page(served)
    form = page.get_by_role("form", name="Filter")
    form.get_by_label("Style").fill("pilsner")
    form.get_by_label("ABV from").fill("4.5")
    form.get_by_role("button", name="Filter").click()
    expect(rows(page)).to_have_count(1)
    assert names(page) == ["Budweiser Budvar"]
    expect(form.get_by_label("Style")).to_have_value("pilsner")
    page.get_by_role("link", name="Show all").click()
    page.get_by_role("link", name="Kölsch").click()
    assert names(page) == ["Früh Kölsch"]


def test_an_invalid_filter_is_explained_next_to_its_field(
    catalogue: CatalogueDatabase, served: Served, open_page: OpenPage
) -> None:
    page = open_page(served, "/?abv_min=strong&abv_max=4")
    field = page.get_by_role("form", name="Filter").get_by_label("ABV from")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("strong")
    expect(page.locator("#filter-abv_min-error")).to_contain_text("Enter a number from 0 to 100")
    expect(page.get_by_role("alert")).to_contain_text("This filter cannot be used")
    page = open_page(served, "/?abv_min=9,5&abv_max=5")
    expect(page.locator("#filter-abv_max-error")).to_have_text("Enter a number that is not lower than the first one.")


def test_a_beer_can_be_added_with_the_keyboard_only(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the catalogue")).to_be_focused()
    page.get_by_role("region", name="Add a beer").get_by_label("Name").focus()
    for text in ("House <b>Stout</b>", "Stout", "", "6,5"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("House <b>Stout</b> is in the catalogue.")
    expect(rows(page)).to_contain_text(["House <b>Stout</b>"])
    expect(rows(page)).to_contain_text(["6.50 %"])
    expect(page.get_by_label("Name")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_value("")


def test_a_new_beer_is_shown_at_once_with_a_link_to_its_place(
    catalogue: CatalogueDatabase, served: Served, open_page: OpenPage
) -> None:
    seed(served)
    page = open_page(served)
    add(page, Name="House Stout", Style="Stout", ABV="6.5")
    expect(rows(page).first).to_contain_text("House Stout")
    page.get_by_role("link", name="House Stout").click()
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_be_in_viewport()
    add(page, Name="Another", Style="Ale", ABV="4")
    expect(rows(page).nth(1)).to_contain_text("Another")
    page.goto("/?style=Nothing")
    add(page, Name="Third", Style="Ale", ABV="4")
    expect(rows(page)).to_contain_text(["Third"])


def test_invalid_input_is_explained_next_to_each_field_and_not_lost(page: Page) -> None:
    add(page, Name="x" * 100, ABV="120.5")
    expect(error_of(page, "Style")).to_have_text("Enter a style, such as Pilsner.")
    expect(error_of(page, "ABV")).to_have_text(STRENGTH)
    expect(page.get_by_role("region", name="Add a beer").get_by_label("Style")).to_be_focused()
    expect(page.get_by_role("region", name="Add a beer").get_by_label("ABV")).to_have_value("120.5")
    for typed in ("strong", "5.123", "-1", "100.01"):
        add(page, Style="Ale", ABV=typed)
        expect(error_of(page, "ABV")).to_have_text(STRENGTH)
    add(page, Name="\x01", ABV="100,0")
    expect(error_of(page, "Name")).to_contain_text("at least one of them visible")
    add(page, Name="x" * 100)
    expect(page.get_by_role("status")).to_contain_text("is in the catalogue")
    expect(page.locator("#add [aria-invalid]")).to_have_count(0)


def test_a_taken_name_is_explained_next_to_the_name(page: Page) -> None:
    for name in ("Twice", "TWICE"):
        add(page, Name=name, Style="Ale", ABV="5")
        expect(page.locator("#add-name-error, #said").get_by_text(re.compile("."))).to_be_visible()
    expect(error_of(page, "Name")).to_contain_text("already taken")
    expect(rows(page)).to_have_count(1)


def test_the_page_reports_an_unavailable_database_and_recovers(
    catalogue: CatalogueDatabase, served: Served, open_page: OpenPage
) -> None:
    page = open_page(served)
    with catalogue.unavailable():
        add(page, Name="Lost", Style="Ale", ABV="5")
        expect(page.get_by_role("status")).to_contain_text("The database is unavailable right now")
        expect(page.get_by_label("Name")).to_have_value("Lost")
        response = page.goto("/?style=Ale")
        assert response is not None
        assert (response.status, response.headers["content-type"]) == (503, "text/html; charset=utf-8")
        expect(page.get_by_role("alert")).to_contain_text("The catalogue cannot be read right now")
    page.get_by_role("link", name="try again").click()
    expect(page.get_by_role("heading", name="No matching beers")).to_be_visible()


@pytest.fixture
def guarded(catalogue: CatalogueDatabase, tmp_path: Path) -> Iterator[Served]:
    """A service that requires a token and has seeding disabled."""
    with serving(tmp_path, DATABASE_URL=catalogue.url(catalogue.app), WRITE_TOKEN=TOKEN, SEEDING="off") as served:
        yield served


def test_the_write_token_is_required_and_stored_only_by_the_tab(guarded: Served, open_page: OpenPage) -> None:
    page = open_page(guarded)
    expect(page.get_by_role("button", name="Add well-known beers")).to_have_count(0)
    add(page, Name="Guarded", Style="Ale")
    expect(error_of(page, "Write token")).to_have_text("Enter the write token.")
    expect(error_of(page, "ABV")).to_have_text("Enter the alcohol by volume, such as 5.2.")
    add(page, **{"ABV": "5", "Write token": "wröng"})
    expect(error_of(page, "Write token")).to_have_text("This is not the write token of this service.")
    add(page, **{"Write token": TOKEN})
    expect(page.get_by_role("status")).to_have_text("Guarded is in the catalogue.")
    page.reload()
    expect(page.get_by_label("Write token")).to_have_value(TOKEN)
    assert page.evaluate("localStorage.length + document.cookie.length") == 0
    expect(open_page(guarded).get_by_label("Write token")).to_have_value("")
    assert TOKEN not in guarded.log_text()


def test_the_catalogue_can_be_read_and_filtered_without_javascript(
    catalogue: CatalogueDatabase, served: Served, open_page: OpenPage
) -> None:
    seed(served)
    page = open_page(served, java_script_enabled=False)
    form = page.get_by_role("form", name="Filter")
    form.get_by_label("Style").fill("Tripel")
    form.get_by_role("button", name="Filter").click()
    assert names(page) == ["Westmalle Tripel"]
    expect(page.get_by_role("button", name="Add beer")).to_have_count(0)
    expect(page.get_by_text("Adding beers needs JavaScript")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_is_accessible_in_both_colour_schemes_and_fits(
    catalogue: CatalogueDatabase, served: Served, open_page: OpenPage, width: int
) -> None:
    seed(served)
    served.request(
        "POST",
        "/beers",
        '{"name": "' + "W" * 100 + '", "style": "Ale", "abv": 1}',
        **{"Content-Type": "application/json"},
    )
    page = open_page(served, "/?after=5", viewport={"width": width, "height": 800})
    page.get_by_role("button", name="Add beer").click()
    expect(error_of(page, "Name")).to_be_visible()
    assert obstacles(page) == []


def test_the_form_is_one_step_away_on_a_phone(
    catalogue: CatalogueDatabase, served: Served, open_page: OpenPage
) -> None:
    seed(served)
    page = open_page(served, viewport={"width": 390, "height": 800})
    rows(page).last.scroll_into_view_if_needed()
    page.get_by_role("link", name="Add a beer").click()
    expect(page.get_by_role("heading", name="Add a beer")).to_be_in_viewport()


def test_an_unknown_page_is_explained_to_people(served: Served, open_page: OpenPage) -> None:
    page = open_page(served, "/nope")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    assert obstacles(page) == []
    page.get_by_role("link", name="the catalogue").click()
    expect(page.get_by_role("heading", name="Catalogue")).to_be_visible()


def test_swagger_ui_shows_every_operation_accessibly_under_the_same_content_security_policy(
    served: Served, open_page: OpenPage
) -> None:
    page = open_page(served, "/docs", viewport={"width": 390, "height": 800})
    expect(page.locator(".opblock")).to_have_count(7)
    page.locator("#operations-Beers-listBeers").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response-col_status").last).to_have_text("200")
    page.locator("#operations-Beers-addBeer .opblock-summary-control").click()
    page.locator("#operations-Beers-addBeer").get_by_role("button", name="Try it out").click()
    expect(page.get_by_label("Request body")).to_be_visible()
    assert obstacles(page) == []

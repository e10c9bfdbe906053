"""What a newcomer sees in a real browser, with the whole program behind it."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.running import DESKTOP, PHONE, PICTURES, Running, open_held_game, open_traded_game, signed_in

pytestmark = pytest.mark.browser
PATIENCE_MS = 120_000
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PATHS = (
    "/",
    "/games/",
    "/games/?show=all",
    "/positions/",
    "/reconciliation/",
    "/orders/",
    "/fills/",
    "/decisions/?show=all",
    "/alerts/",
    "/settings/sports/",
    "/settings/sports/nba/",
    "/risk/",
    "/no-such-page/",
)
PICTURE = PICTURES / "running-game.png"
PRICE, SCORE, FILL = "#board-home .price", ".score-points b", "#last-fills tbody tr"
CHANGES = """([selector, before]) => {
    const now = [...document.querySelectorAll(selector)].map((one) => one.textContent).join(" ");
    return now !== "" && now !== before;
}"""

MORE = "([selector, before]) => document.querySelectorAll(selector).length > before"


def text_of(page: Page, selector: str) -> str:
    return " ".join(page.locator(selector).all_text_contents())


def changes(page: Page, selector: str) -> None:
    """Wait until what is selected says something else than now."""
    page.wait_for_function(CHANGES, arg=[selector, text_of(page, selector)], timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def traded(browser: Browser, running: Running) -> Page:
    """The page of a game that was traded."""
    page = signed_in(browser, running)
    open_traded_game(page, running)
    return page


def test_a_running_game_changes_by_itself(traded):
    traded.evaluate("window.neverReloaded = true")
    for part in (".score-line, .score-top", "#board-home .price", "#beat", "#desk"):
        changes(traded, part)
    assert traded.evaluate("window.neverReloaded") is True


def test_on_the_page_of_a_running_game_price_score_and_a_fill_change_without_reload(browser, running):
    page = signed_in(browser, running)
    open_held_game(page, running)
    page.evaluate("window.neverReloaded = true")
    price, score = text_of(page, PRICE), text_of(page, SCORE)
    fills = page.locator(FILL).count()
    assert "–" not in score and fills
    page.wait_for_function(CHANGES, arg=[PRICE, price], timeout=PATIENCE_MS)
    page.wait_for_function(CHANGES, arg=[SCORE, score], timeout=PATIENCE_MS)
    page.wait_for_function(MORE, arg=[FILL, fills], timeout=PATIENCE_MS)
    assert page.evaluate("window.neverReloaded") is True
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    page.screenshot(path=PICTURE, full_page=True)
    assert PICTURE.read_bytes().startswith(b"\x89PNG") and PICTURE.stat().st_size > 20_000


def test_on_the_dashboard_price_score_and_a_fill_change_without_reload(browser, running):
    page = signed_in(browser, running)
    page.evaluate("window.neverReloaded = true")
    changes(page, "#live-games .quote")
    changes(page, "#live-games .points")
    changes(page, "#last-fills")
    assert page.evaluate("window.neverReloaded") is True


def test_the_chart_shows_prices_and_our_fills(traded):
    expect(traded.locator("#chart-state")).to_be_hidden()
    drawn = traded.evaluate(
        "Chart.getChart('chart').data.datasets.filter((set) => set.data.length).map((set) => set.key)"
    )
    assert {"kalshi", "polymarket"} <= set(drawn)
    assert {"buy", "sell"} & set(drawn)


def test_the_reasons_are_sentences_with_their_numbers(traded):
    sentence = traded.locator("#why .why-text").first
    expect(sentence).to_contain_text(": ")
    traded.locator("#why summary").first.click()
    expect(traded.locator("#why .gates").first).to_be_visible()


def test_an_opened_reason_stays_open_when_the_list_is_renewed(traded):
    details = traded.locator("#why details").first
    details.evaluate("(one) => { one.open = true; }")
    changes(traded, "#why time")
    assert traded.locator("#why details[open]").count() >= 1


def test_the_books_side_is_chosen_by_keyboard(traded):
    traded.locator("#side-home").focus()
    expect(traded.locator("#board-home")).to_be_visible()
    traded.keyboard.press("ArrowRight")
    expect(traded.locator("#board-away")).to_be_visible()
    expect(traded.locator("#board-home")).to_be_hidden()
    traded.keyboard.press("ArrowLeft")


def test_the_first_tab_leads_past_the_navigation(browser, running):
    page = signed_in(browser, running)
    page.goto(f"{running.url}/games/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


@pytest.mark.parametrize(("size", "dark"), [(DESKTOP, False), (PHONE, True)], ids=["light-desktop", "dark-phone"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(browser, running, traded, size, dark):
    page = signed_in(browser, running, size=size, dark=dark)
    found: list[str] = []
    for path in (*PATHS, traded.url.removeprefix(running.url)):
        page.goto(running.url + path)
        page.locator("main").wait_for()
        result = Axe().run(page, options=RULES)
        found += [f"{path} {one['id']}: {one['nodes'][0]['html'][:120]}" for one in result.response["violations"]]
        if page.evaluate("document.documentElement.scrollWidth") > size[0]:
            found.append(f"{path} is wider than {size[0]} px")
    assert found == []


def test_the_browser_obeys_the_policy_on_every_page(browser, running, traded):
    page = signed_in(browser, running)
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url} {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda problem: said.append(f"{page.url} {problem}"))
    for path in (*PATHS[:-1], traded.url.removeprefix(running.url)):
        page.goto(running.url + path)
        page.wait_for_load_state("networkidle" if "settings" in path or "risk" in path else "load")
    assert said == []


def test_a_page_says_that_it_is_cut_off_and_comes_back_by_itself(browser, restartable):
    page = signed_in(browser, restartable)
    live = page.locator("#connection[data-state=live]")
    live.wait_for(timeout=30_000)
    restartable.stop()
    expect(page.locator("#connection-text")).to_contain_text("reconnecting", timeout=15_000)
    restartable.start()
    live.wait_for(timeout=60_000)

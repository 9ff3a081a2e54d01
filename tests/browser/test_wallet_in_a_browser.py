"""The wallet as a person with a browser meets it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Pages

PASSWORD = "a long test phrase"
# All tests of a process share one wallet, so each has a Bob of its own.
NUMBERS = count(1)


def register(page: Page, name: str) -> str:
    """Returns the username: the name and a number of its own."""
    username = f"{name.lower()}-{next(NUMBERS)}"
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Create account").click()
    page.get_by_label("Username").fill(username)
    page.get_by_label("Name to show").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your wallet")
    return username


def balance_of(page: Page) -> str:
    page.goto("/wallet")
    return page.locator(".balance").inner_text()


@pytest.mark.parametrize("with_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_two_people_register_and_one_pays_the_other_by_tapping_a_tile(chromium_page: Pages, with_scripts: Any) -> None:
    alice, bob = (chromium_page(java_script_enabled=with_scripts) for _ in range(2))
    register(alice, "Alice")
    username = register(bob, "Bob")

    alice.goto("/")
    alice.get_by_role("link", name=f"Bob @{username}").click()
    alice.get_by_label("Amount in GBP").fill("12.50")
    alice.get_by_label("What is it for?").fill("Lunch")
    if with_scripts:
        expect(alice.get_by_text("Leaves you £987.50.")).to_be_visible()
        expect(alice.get_by_text(f"To Bob, @{username}")).to_be_visible()
    alice.get_by_role("button", name="Continue").click()
    expect(alice.get_by_role("main")).to_contain_text("Your balance after")
    alice.get_by_role("button", name="Pay £12.50").click()

    expect(alice.get_by_role("heading", level=1)).to_have_text("You paid")
    alice.reload()
    expect(alice.get_by_role("heading", level=1)).to_have_text("You paid")
    assert (balance_of(alice), balance_of(bob)) == ("£987.50", "£1,012.50")
    expect(bob.locator(".payment").first).to_contain_text("+£12.50")
    expect(alice.locator(".payment").first).to_contain_text("\N{MINUS SIGN}£12.50")


def test_a_double_click_pays_once(chromium_page: Pages) -> None:
    page, bob = signed_in_with_someone_to_pay(chromium_page)
    page.goto(f"/pay?to={bob}&amount=1.00")
    page.get_by_role("button", name="Continue").click()

    page.get_by_role("button", name="Pay £1.00").dblclick()

    expect(page.get_by_role("heading", level=1)).to_have_text("You paid")
    assert balance_of(page) == "£999.00"


def test_a_payment_needs_no_mouse(chromium_page: Pages) -> None:
    page, bob = signed_in_with_someone_to_pay(chromium_page)
    page.goto("/pay")

    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "to")
    page.keyboard.type(bob)
    page.keyboard.press("Tab")
    page.keyboard.type("2.00")
    page.keyboard.press("Tab")
    page.keyboard.type("Tea")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this right?")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == "Pay £2.00":
            break
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("You paid")


def test_a_refusal_leads_to_its_input(chromium_page: Pages) -> None:
    page, bob = signed_in_with_someone_to_pay(chromium_page)
    page.goto(f"/pay?to={bob}&amount=1000.01")
    expect(page.get_by_text("You need £0.01 more.")).to_be_visible()
    page.get_by_role("button", name="Continue").click()

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("You need £0.01 more.")
    expect(alert).to_be_focused()
    alert.get_by_role("link").click()

    expect(page.get_by_label("Amount in GBP")).to_be_focused()


def test_no_page_scrolls_sideways_on_a_small_phone(chromium_page: Pages) -> None:
    page, bob = signed_in_with_someone_to_pay(chromium_page, viewport={"width": 360, "height": 640})
    page.goto("/account")
    page.get_by_label("Name to show").fill("Averyveryveryverylongnamewithoutanyspaceatallfromendtoend")
    page.get_by_role("button", name="Save name").click()
    page.goto(f"/pay?to={bob}&amount=999.99&memo={'x' * 200}")
    page.get_by_role("button", name="Continue").click()
    assert_nothing_sticks_out(page)
    page.get_by_role("main").get_by_role("button").click()
    assert_nothing_sticks_out(page)

    for path in ("/", "/wallet", "/wallet?text=x", "/pay", "/account", f"/users/{bob}", "/nowhere"):
        page.goto(path)
        assert_nothing_sticks_out(page)


def test_the_pages_follow_the_dark_mode(chromium_page: Pages) -> None:
    def lightness(mode: Any) -> float:
        page = chromium_page(color_scheme=mode)
        page.goto("/")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in ground[4:-1].split(",")) / 3

    assert lightness("light") > 200
    assert lightness("dark") < 50


def test_a_password_can_be_looked_at_and_is_hidden_again_when_sent(chromium_page: Pages) -> None:
    page = chromium_page()
    page.goto("/login")
    page.get_by_label("Password", exact=True).fill("something")

    page.get_by_role("button", name="Show the password").click()

    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    page.get_by_role("button", name="Show the password").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "password")


def signed_in_with_someone_to_pay(chromium_page: Pages, **options: Any) -> tuple[Page, str]:
    """A page of Alice's, and Bob's username."""
    bob = f"bob-{next(NUMBERS)}"
    chromium_page(bob)
    return chromium_page(f"alice-{next(NUMBERS)}", **options), bob


def tab_to(page: Page, name: str) -> None:
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == name:
            return
    raise AssertionError(f"no Tab leads to {name}")


def assert_nothing_sticks_out(page: Page) -> None:
    page.wait_for_load_state()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.evaluate("window.innerWidth"), f"{page.url} is {width} wide"

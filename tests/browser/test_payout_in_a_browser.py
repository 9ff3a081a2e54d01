"""Paying many from a file as a person with a browser does it, with scripts and without."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    from tests.browser.conftest import Pages

NUMBERS = count(1)


def choose(page: Page, file: str) -> None:
    page.goto("/wallet")
    page.get_by_role("link", name="Pay many from a file").click()
    page.get_by_label("CSV file").set_input_files({"name": "payout.csv", "mimeType": "text/csv", "buffer": file.encode()})
    page.get_by_role("button", name="Check the file").click()


def payer_and_payee(chromium_page: Pages, **options: Any) -> tuple[Page, str]:
    number = next(NUMBERS)
    bob = f"payee-{number}"
    chromium_page(bob)
    return chromium_page(f"payer-{number}", **options), bob


@pytest.mark.parametrize("with_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_file_is_checked_paid_and_its_result_downloaded(chromium_page: Pages, with_scripts: Any) -> None:
    page, bob = payer_and_payee(chromium_page, java_script_enabled=with_scripts)
    choose(page, f'{bob},10.00,Wages\n{bob},5.50,"Coffee, and cake"\n')
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this right?")
    expect(page.get_by_label("pay nobody: all or nothing")).to_be_checked()
    page.get_by_role("button", name="Pay £15.50").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("All 2 are paid")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the result as CSV").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert [line.split(",")[0] for line in text.splitlines()] == ["line", "1", "2"]
    page.goto("/wallet")
    expect(page.locator(".balance")).to_have_text("£984.50")


@pytest.mark.parametrize("with_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_bad_lines_are_marked_and_nothing_can_be_paid_until_they_are_corrected(chromium_page: Pages, with_scripts: Any) -> None:
    page, bob = payer_and_payee(chromium_page, java_script_enabled=with_scripts, viewport={"width": 360, "height": 640})
    choose(page, f"{bob},1\nnobody-here,1\n{bob},1,000.00\n")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 lines cannot be paid")
    expect(page.get_by_text("There is nobody by that username.")).to_be_visible()
    expect(page.get_by_text("This line could mean £1.00 with the memo “000.00”, or £1,000.00.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    expect(page.get_by_role("button", name="Pay")).to_have_count(0)
    page.get_by_role("link", name="Choose the file again").click()
    expect(page.get_by_label("CSV file")).to_be_visible()


@pytest.mark.parametrize("with_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_same_line_twice_and_a_file_paid_before_have_to_be_confirmed(chromium_page: Pages, with_scripts: Any) -> None:
    page, bob = payer_and_payee(chromium_page, java_script_enabled=with_scripts)
    file = f"{bob};1,50;Tea\n{bob};1,50;Tea\n"
    choose(page, file)
    expect(page.get_by_text(f"£1.50 to {bob}, “Tea”: lines 1, 2")).to_be_visible()
    page.get_by_role("button", name="Pay £3.00").click()  # the browser asks for the box
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this right?")
    page.get_by_label("They are meant: pay each line").check()
    page.get_by_role("button", name="Pay £3.00").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("All 2 are paid")

    choose(page, file)
    expect(page.get_by_role("heading", level=1)).to_have_text("This file is paid already")
    page.get_by_label("They are meant: pay each line").check()
    page.get_by_label("I mean it: pay all 2 once more").check()
    page.get_by_role("button", name="Pay £3.00 again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("All 2 are paid")
    page.goto("/wallet")
    expect(page.locator(".balance")).to_have_text("£994.00")


def test_a_connection_that_is_lost_half_way_pays_nothing_twice(chromium_page: Pages) -> None:
    page, bob = payer_and_payee(chromium_page)
    parts = count(1)

    def lose_the_second(route: Route) -> None:
        route.abort() if next(parts) == 2 else route.continue_()

    page.route("**/payout/part", lose_the_second)
    choose(page, "".join(f"{bob},0.10,Line {number}\n" for number in range(600)))
    page.get_by_label("pay the others all the same").check()
    page.get_by_role("button", name="Pay £60.00").click()
    expect(page.get_by_text("The connection was lost. Press the button again")).to_be_visible()
    page.get_by_role("button", name="Pay £60.00").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("All 600 are paid")
    page.goto("/wallet")
    expect(page.locator(".balance")).to_have_text("£940.00")

"""Owns the picture in README.md: the demo's wallet, taken from the running program. `make screenshot` takes it again."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from app import demo, migrations
from app.devdb import find_programs, temporary_cluster
from app.settings import load_settings
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.gunicorn import serving

PICTURE = Path(__file__).parent.parent.parent / "docs" / "wallet.jpg"
# Text stays sharp, and the picture small.
JPEG_QUALITY = 80
SIZE: ViewportSize = {"width": 1000, "height": 820}


def take(address: str, login: demo.DemoLogin, picture: Path) -> None:
    """Log in as a demo person and take a picture of what they see first."""
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS).new_page(viewport=SIZE)
        page.goto(f"{address}/login")
        page.fill("[name=username]", login.username)
        page.fill("[name=password]", login.password)
        page.press("[name=password]", "Enter")
        page.wait_for_url("**/wallet")
        page.screenshot(path=picture, type="jpeg", quality=JPEG_QUALITY)


def main() -> None:
    """Start a wallet with the demo's people, take the picture, stop it."""
    PICTURE.parent.mkdir(exist_ok=True)
    with temporary_cluster(find_programs()) as cluster:
        owner_url = cluster.url(role="payment_system_owner")
        migrations.upgrade(owner_url)
        login = demo.seed(owner_url, currency_code=load_settings({"DATABASE_URL": cluster.url()}).currency.code)
        if login is None:
            sys.exit("The demo people could not be made.")
        with serving(cluster.url()) as served:
            take(served.address, login, PICTURE)


if __name__ == "__main__":
    main()

"""Owns the pages: what a person in a browser sees and sends. Calls the core, never the API. Has no rules about money."""

from app.web.failures import failure_response
from app.web.pages import account, entrance, home, paying, payouts, people, receipts, wallet
from app.web.routes import PUBLIC_ENDPOINTS, blueprint
from app.web.templating import FILTERS

# Importing a module of pages adds its routes to the blueprint, and `templating` adds what their templates use.
PAGES = (account, entrance, home, paying, payouts, people, receipts, wallet)

__all__ = ["FILTERS", "PAGES", "PUBLIC_ENDPOINTS", "blueprint", "failure_response"]

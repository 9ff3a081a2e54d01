"""Owns the pages: what a person at a browser sees and sends. Calls the core, never the API, and holds no rule on money."""

from app.web.failures import failure_response
from app.web.pages import account, entrance, home, paying, payouts, people, receipts, wallet
from app.web.routes import PUBLIC_ENDPOINTS, blueprint

# Importing a module of pages adds its routes to the blueprint.
PAGES = (account, entrance, home, paying, payouts, people, receipts, wallet)

__all__ = ["PAGES", "PUBLIC_ENDPOINTS", "blueprint", "failure_response"]

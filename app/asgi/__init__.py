"""Owns what gunicorn serves: /graphql on an event loop, the pages through Flask."""

from app.asgi.entry import STOP_SIGNALS, Entry, create_entry

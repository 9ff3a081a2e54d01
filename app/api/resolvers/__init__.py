"""Owns what the fields of the API do: plain typed functions that call the core, and know nothing of Graphene."""

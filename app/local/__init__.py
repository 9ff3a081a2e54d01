"""Owns `make run` and `make reset`: a database, its migrations, demo people and gunicorn, started together and stopped together.

It holds no rule of the wallet and opens no connection of its own; it starts what does.
"""

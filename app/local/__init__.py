"""Owns `make run` and `make reset`: starts and stops a database, migrations, demo people and gunicorn. Holds no rule of the wallet."""

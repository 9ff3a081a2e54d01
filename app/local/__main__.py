"""Owns `python -m app.local`, which `make run` and `make reset` call."""

import sys

from app.local.run import main

sys.exit(main())

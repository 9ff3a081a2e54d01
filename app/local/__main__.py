"""Owns `python -m app.local`, which is what `make run` and `make reset` type."""

import sys

from app.local.run import main

sys.exit(main())

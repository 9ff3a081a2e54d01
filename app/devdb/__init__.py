"""Owns the PostgreSQL behind `make run` and the tests: finding its programs, making a cluster, starting and stopping it.

Development only: it listens on a socket in a folder that nobody else may enter, and trusts whoever can open that socket.
It knows nothing of the wallet but the names of its two roles and of its database.
"""

from app.devdb.account import MACHINE_FOLDER, can_enter, server_account
from app.devdb.cluster import Cluster, forget, temporary_cluster
from app.devdb.errors import DevDatabaseError
from app.devdb.folder import made_by
from app.devdb.owner import tethered
from app.devdb.programs import Programs, find_programs

__all__ = [
    "MACHINE_FOLDER",
    "Cluster",
    "DevDatabaseError",
    "Programs",
    "can_enter",
    "find_programs",
    "forget",
    "made_by",
    "server_account",
    "temporary_cluster",
    "tethered",
]

"""Owns the PostgreSQL of `make run` and the tests: finds its programs, makes a cluster, starts and stops it.

For development only: it listens on a socket in a private folder, and trusts everybody who can open that socket.
"""

from app.devdb.account import MACHINE_FOLDER, can_enter, server_account
from app.devdb.cluster import Cluster, delete_data, temporary_cluster
from app.devdb.errors import DevDatabaseError
from app.devdb.folder import data_major_version
from app.devdb.programs import Programs, find_programs
from app.devdb.server_process import child_command

"""Owns which tests share a worker, and so the servers that are started for them. Any other test runs on any free worker."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

HOSTS_FOLDER = "tests/infra/"
# Tests with hosts wait half of their time for the hosts, so they run in parallel. Each group has one worker and its own hosts or
# containers. Modules of the folder that are in no group belong to the first one.
HOST_GROUPS = {
    "releases": ("test_hosts", "test_first_deploy", "test_collection", "test_release", "test_security", "test_services"),
    "refusals": ("test_drift", "test_operator", "test_refusals", "test_refused_release"),
    "takeover": ("test_takeover",),
    "containers": ("test_containers",),
    "a domain": ("test_tls",),
}
# Modules whose tests share servers or clusters: on several workers, each worker would make its own.
MADE_ONCE = {"tests/http/test_every_answer.py", "tests/devdb/test_cluster.py"}


class TestsByGroup(LoadScopeScheduling):  # type: ignore[misc] # xdist ships no types
    """Gives the tests of a group to one worker, so that its hosts are started and deployed to once.

    Not xdist's groups: its 3.8 writes them into an attribute that pytest 9.2 does not read any more, and each worker deploys.
    """

    def _split_scope(self, nodeid: str) -> str:
        if not nodeid.startswith(HOSTS_FOLDER):
            module = nodeid.partition("::")[0]
            return module if module in MADE_ONCE else nodeid
        module = nodeid.removeprefix(HOSTS_FOLDER).partition(".py")[0]
        return next((group for group, modules in HOST_GROUPS.items() if module in modules), next(iter(HOST_GROUPS)))

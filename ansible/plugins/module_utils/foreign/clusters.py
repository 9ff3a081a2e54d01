"""Owns finding what PostgreSQL holds or does for somebody else, by asking Debian's programs and, read-only, the cluster itself.

A cluster is taken over only when nobody else is in it: other databases and roles would go on existing, but nobody could come in.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .findings import Finding, found
from .host import is_from_a_deploy, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .host import Listener

PORT: Final = 5432
SETTINGS_MARK: Final = r"^# Nobody comes by the network"
# Debian's own, and ours.
LOCAL_ADDRESSES: Final = ("localhost", "127.0.0.1", "::1", "127.0.0.1,::1", "")
DEBIAN_RULES: Final = (
    "local all postgres peer", "local all all peer", "local replication all peer",
    "host all all 127.0.0.1 255.255.255.255 scram-sha-256", "host replication all 127.0.0.1 255.255.255.255 scram-sha-256",
    "host all all ::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff scram-sha-256",
    "host replication all ::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff scram-sha-256",
)
QUESTION: Final = """
    SET default_transaction_read_only = on;
    SELECT json_build_object(
        'databases', (SELECT json_agg(datname ORDER BY datname) FROM pg_database
                      WHERE datname NOT IN ('postgres', 'template0', 'template1', 'payment_system')),
        'owner', (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'payment_system'),
        'roles', (SELECT json_agg(rolname ORDER BY rolname) FROM pg_roles
                  WHERE rolname !~ '^pg_' AND rolname NOT IN ('postgres', 'payment_system', 'payment_system_owner')),
        'rights', (SELECT json_object_agg(rolname, concat_ws(', ', CASE WHEN rolsuper THEN 'SUPERUSER' END,
                       CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
                       CASE WHEN rolreplication THEN 'REPLICATION' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END))
                   FROM pg_roles WHERE rolname IN ('payment_system', 'payment_system_owner')),
        'clients', (SELECT json_agg(DISTINCT format('%s (database %s, from %s)', usename, datname, host(client_addr)))
                    FROM pg_stat_activity WHERE client_addr IS NOT NULL),
        'replication', (SELECT json_agg(name) FROM (
                           SELECT 'the slot ' || slot_name FROM pg_replication_slots UNION ALL
                           SELECT 'the copy ' || application_name FROM pg_stat_replication UNION ALL
                           SELECT 'the subscription ' || subname FROM pg_subscription UNION ALL
                           SELECT 'this one is a copy itself' WHERE pg_is_in_recovery()) AS each(name)),
        'addresses', current_setting('listen_addresses'),
        'hba_file', current_setting('hba_file'), 'ident_file', current_setting('ident_file'),
        'hba', (SELECT json_agg(concat_ws(' ', type, array_to_string(database, ','), array_to_string(user_name, ','),
                                          address, netmask, auth_method, array_to_string(options, ' ')) ORDER BY line_number)
                FROM pg_hba_file_rules),
        'ident', (SELECT json_agg(concat_ws(' ', map_name, sys_name, pg_username)) FROM pg_ident_file_mappings))
"""


class Cluster(NamedTuple):
    """A cluster of Debian's, as `pg_lsclusters` lists it."""

    version: str
    name: str
    port: str
    status: str
    owner: str
    folder: str

    def __str__(self) -> str:
        return f"{self.version} {self.name}"


def foreign_clusters(wanted_version: str, listeners: list[Listener]) -> list[Finding]:
    """What is in the clusters of the host.

    Args:
        wanted_version: the one that a deploy installs on this system.
    """
    clusters = [Cluster(*line.split()[:6]) for line in said("pg_lsclusters", "--no-header").splitlines()]
    findings: list[Finding] = []
    for each in clusters:
        if (each.version, each.name) == (wanted_version, "main"):
            findings += _wanted(each)
        else:
            findings.append(found("cluster", cluster=str(each), folder=each.folder))
    if not any(each.port == str(PORT) for each in clusters):
        findings += [found("database_port", program=each.program or "the kernel") for each in listeners if each.port == PORT][:1]
    return findings


def _wanted(cluster: Cluster) -> Iterator[Finding]:
    if is_from_a_deploy(Path("/etc/postgresql", cluster.version, cluster.name, "conf.d/payment-system.conf"), SETTINGS_MARK):
        # A deploy changes nothing more for those who are in it.
        return
    if cluster.port != str(PORT):
        yield found("cluster_port", cluster=str(cluster), port=cluster.port)
        return
    if not cluster.status.startswith("online"):
        yield found("stopped", cluster=str(cluster), folder=cluster.folder)
        return
    program = ["runuser", "-u", "postgres", "--", "psql", "--no-psqlrc", "--no-align", "--tuples-only", "--quiet", "--no-password",
               f"--port={cluster.port}", "--dbname=postgres"]
    done = subprocess.run([*program, "--command", QUESTION], capture_output=True, text=True, check=False, cwd="/", timeout=30)
    if done.returncode:
        yield found("silent", cluster=str(cluster), words=" ".join(done.stderr.split()))
        return
    told = json.loads(done.stdout)
    yield from _in_use(told)
    yield from _settings(told)


def _in_use(told: dict[str, Any]) -> Iterator[Finding]:
    """What others have there. None of it is taken over."""
    for kind, name in (("databases", "the database"), ("roles", "the role")):
        if told[kind]:
            yield found(kind, names=f"{name}{'s' if len(told[kind]) > 1 else ''} {', '.join(told[kind])}")
    if told["owner"] not in (None, "payment_system_owner"):
        yield found("owner", role=told["owner"])
    if told["clients"]:
        yield found("clients", names=" and ".join(told["clients"]))
    if told["replication"]:
        yield found("replication", names=", ".join(told["replication"]))


def _settings(told: dict[str, Any]) -> Iterator[Finding]:
    """What is set differently."""
    for rules, debian, path in ((told["hba"], DEBIAN_RULES, told["hba_file"]), (told["ident"], (), told["ident_file"])):
        own = [rule for rule in rules or [] if rule not in debian]
        if own or len(rules or []) != len(debian):
            yield found("settings", files=(path,), path=path, rules="; ".join(own) or "some of Debian's are gone")
    if told["addresses"] not in LOCAL_ADDRESSES:
        # Not taken over: what ALTER SYSTEM has set is above every file of ours.
        yield found("listens", addresses=told["addresses"])
    for role, rights in (told["rights"] or {}).items():
        if rights:
            yield found("rights", role=role, rights=rights)

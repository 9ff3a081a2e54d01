"""Owns looking for secrets on a host: in what any account may read there, in its log, and in the processes that run meanwhile."""

from __future__ import annotations

import json
import shlex
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.infra.hosts import Host

# They come as a line of JSON on standard input: what a command line has would be found there.
FILES: Final = """
import json, os, stat, sys
secrets = [each.encode() for each in json.loads(sys.stdin.readline())]
looked, found = 0, []
for folder, folders, names in os.walk("/"):
    if folder == "/":
        folders[:] = [name for name in folders if name not in ("proc", "sys", "dev")]
    for path in (os.path.join(folder, name) for name in names):
        try:
            about = os.lstat(path)
            if not (stat.S_ISREG(about.st_mode) and about.st_mode & stat.S_IROTH):
                continue
            with open(path, "rb") as file:
                content = file.read()
        except OSError:
            continue
        looked += 1
        if any(secret in content for secret in secrets):
            found.append(path)
print(json.dumps([looked, found]))
"""
PROCESSES: Final = """
import glob, json, select, sys
secrets = [each.encode() for each in json.loads(sys.stdin.readline())]
seen, found = set(), set()
print("watching", flush=True)
while not select.select([sys.stdin], [], [], 0.01)[0]:
    for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as file:
                content = file.read()
        except OSError:
            continue
        seen.add(path)
        if any(secret in content for secret in secrets):
            found.add(path + ": " + content.decode(errors="replace")[:300])
print(json.dumps([len(seen), sorted(found)]))
"""


def readable_files_with(host: Host, secrets: Sequence[str]) -> list[str]:
    """The files that any account may read and that have one of these in them."""
    looked, found = json.loads(host.run(f"python3 -c {shlex.quote(FILES)}", given=json.dumps(secrets) + "\n", timeout_seconds=300).stdout)
    assert looked > 1000
    return list(found)


def logged(host: Host, secrets: Sequence[str]) -> list[str]:
    """Those of these that the journal or a log file has."""
    log = host.run("journalctl --no-pager --output=cat && cat /var/log/*.jsonl /var/log/postgresql/*.log /var/log/apt/*.log").stdout
    assert len(log) > 1000
    return [secret for secret in secrets if secret in log]


@contextmanager
def processes_watched(host: Host, secrets: Sequence[str]) -> Iterator[list[str]]:
    """Look at every command line and environment on the host over and over while the block runs. The list says in the end where one was."""
    found: list[str] = []
    watch = subprocess.Popen(host.ssh(f"python3 -c {shlex.quote(PROCESSES)}"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with watch:
        assert watch.stdin
        assert watch.stdout
        watch.stdin.write(json.dumps(secrets) + "\n")
        watch.stdin.flush()
        assert watch.stdout.readline() == "watching\n"
        try:
            yield found
        finally:
            watch.stdin.close()
        seen, where = json.loads(watch.stdout.readline())
        assert seen > 20
        found += where

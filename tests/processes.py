"""Owns what tests of real processes share: the privileges on this machine, and waiting for the end of a process."""

from __future__ import annotations

import os
import select
import subprocess

import pytest

AS_ROOT = os.geteuid() == 0
CAN_MOUNT = AS_ROOT and subprocess.run(["/usr/bin/unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0
LIMIT_SECONDS = 60
root_only = pytest.mark.skipif(not AS_ROOT, reason="only root lends PostgreSQL another account")
mount_only = pytest.mark.skipif(
    not CAN_MOUNT, reason="only root with mount namespaces can make a disk that fills up, or hide programs"
)


def await_end(process_id: int) -> None:
    try:
        handle = os.pidfd_open(process_id)
    except ProcessLookupError:
        return
    try:
        ended, _, _ = select.select([handle], [], [], LIMIT_SECONDS)
        assert ended, f"process {process_id} is still running"
    finally:
        os.close(handle)

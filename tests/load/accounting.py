"""Owns what the kernel knows of running processes: the processor time they took and the memory they hold. Linux only, like /proc."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

PROCESSES: Final = Path("/proc")
TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat after the name in brackets, which may itself hold spaces and brackets. Source: proc_pid_stat(5).
PARENT, FIRST_TIME, AFTER_TIMES = 1, 11, 15


def cpu_seconds(process_id: int) -> float:
    """The processor time that this process, all below it, and the ended ones that they have waited for, took since their start."""
    family = [process_id, *descendants(process_id)]
    return sum(sum(map(int, _stat(each)[FIRST_TIME:AFTER_TIMES])) for each in family) / TICKS_PER_SECOND


def children(process_id: int) -> list[int]:
    """The processes that this one has started and that still run, in the order of their ids."""
    return sorted(child for child, parent in _parents().items() if parent == process_id)


def descendants(process_id: int) -> list[int]:
    """Its children, and theirs, and so on."""
    parents = _parents()
    found = [process_id]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def proportional_megabytes(process_id: int) -> float:
    """The memory it holds, with what it shares counted in parts (PSS): the only figure that adds up over forked workers."""
    found = re.search(r"^Pss: +(\d+) kB$", (PROCESSES / str(process_id) / "smaps_rollup").read_text(), re.MULTILINE)
    assert found, "smaps_rollup has a line Pss"
    return int(found[1]) / 1024


def _parents() -> dict[int, int]:
    processes = [int(each.name) for each in PROCESSES.glob("[0-9]*")]
    return {each: int(fields[PARENT]) for each in processes if (fields := _stat(each))}


def _stat(process_id: int) -> list[str]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return (PROCESSES / str(process_id) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return []

"""Owns asking a host by a command that changes nothing: it runs in a rehearsal, too, and its task is never `changed`.

`ansible.builtin.command` does the same with a Python on the host that reads its libraries anew: ten times the work of most questions.
"""

from __future__ import annotations

import shlex
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc] # ansible ships no types
    """The action `ask_host: {argv: [PROGRAM, ARGUMENT…]}`. Fails when the program ends with anything but 0."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """What came of it: `rc`, `stdout`, `stderr` and the lines of both."""
        super().run(tmp, task_vars)
        _, given = self.validate_argument_spec({"argv": {"type": "list", "elements": "str", "required": True}})
        command = shlex.join(given["argv"])
        # With something to read, it gets no terminal, and opens no pager. Source: ansible.plugins.connection.ssh, use_tty.
        found = self._low_level_execute_command(command, in_data=b"\n")
        answer = {**found, "stdout": found["stdout"].rstrip("\r\n"), "changed": False, "failed": found["rc"] != 0}
        return {**answer, "msg": f"`{command}` ended with {found['rc']}: {found['stderr'].strip()}"} if answer["failed"] else answer

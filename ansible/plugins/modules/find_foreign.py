"""Owns the one question to a host of what belongs to somebody else there. It changes nothing."""

from __future__ import annotations

from typing import Final

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.foreign.clusters import foreign_clusters
from ..module_utils.foreign.host import listeners
from ..module_utils.foreign.network import foreign_sites, open_ports, web_servers
from ..module_utils.foreign.places import taken_account, taken_files, taken_units

DOCUMENTATION: Final = """
module: find_foreign
short_description: What belongs to somebody else on a host, and a deploy would replace, end or cut off
description: It only reads, and asks all of it in one round trip.
options:
  postgresql_version:
    description: The version of PostgreSQL that a deploy installs on this system.
    type: str
    required: true
  ssh_port:
    description: The port by which we came, which stays open.
    type: int
    required: true
"""
RETURN: Final = """
findings:
  description: >-
    Each with its kind, its sentence, the item of payment_system_adopt that takes it over (empty when nothing does), what can be done
    instead, and the files that are kept then.
  returned: always
  type: list
  elements: dict
"""


def main() -> None:
    """Ask, also in check mode."""
    module = AnsibleModule(
        argument_spec={"postgresql_version": {"type": "str", "required": True}, "ssh_port": {"type": "int", "required": True}},
        supports_check_mode=True,
    )
    listening = listeners()
    findings = [
        *taken_units(listening), *taken_files(), *taken_account(), *foreign_clusters(module.params["postgresql_version"], listening),
        *foreign_sites(), *web_servers(listening), *open_ports(listening, module.params["ssh_port"]),
    ]
    module.exit_json(changed=False, findings=[each.told() for each in findings])


if __name__ == "__main__":
    main()

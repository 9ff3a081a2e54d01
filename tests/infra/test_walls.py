"""The wall of the service by systemd's own count, without a host: `systemd-analyze security` on the unit as a deploy writes it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

ANSIBLE = Path(__file__).parents[2] / "ansible"
ROLE = ANSIBLE / "roles/app"
# In tenths, as systemd-analyze takes it.
THRESHOLD = 5


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine lacks systemd-analyze, which counts")
@pytest.mark.parametrize("unit", ["app_service", "app_standby"])
def test_the_service_is_exposed_by_half_a_point_at_most(unit: str, tmp_path: Path) -> None:
    given = {"app_memory_percent": 50}
    given |= {**yaml.safe_load((ANSIBLE / "group_vars/all.yml").read_text()), **yaml.safe_load((ROLE / "vars/main.yml").read_text())[unit]}
    # As Ansible's template lookup sets it up.
    template = Environment(trim_blocks=True, undefined=StrictUndefined, autoescape=False).from_string(  # noqa: S701 - a unit is not HTML
        (ROLE / "templates/service.j2").read_text())
    written = tmp_path / "payment-system.service"
    written.write_text(template.render(given))
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={THRESHOLD}", written],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Overall exposure level" in done.stdout

"""A variable that looks like one of ours and is none is told with the nearest right name; the roles' own files say which there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from plugins.action.check_variables import misspelt, public_variables, unusable

ANSIBLE = Path(__file__).parents[2] / "ansible"


@pytest.mark.parametrize(("given", "nearest"), [
    ("payment_system_curency", "payment_system_currency"),
    ("proxy_conections", "proxy_connections"),
    ("ssh_further_setting", "ssh_further_settings"),
    ("base_journal_sise", "base_journal_size"),
    ("postgresql_conections", "postgresql_connections"),
    ("preflight_free_megabyte", "preflight_free_megabytes"),
    ("firewall_port_of_ours", ""),
    ("app_zzz", ""),
    ("prox_connections", "proxy_connections"),
    ("paymentsystem_domain", "payment_system_domain"),
])
def test_a_name_that_looks_like_one_of_ours_and_is_none_is_told_with_the_nearest(given: str, nearest: str) -> None:
    assert misspelt([given, "ansible_host"], str(ANSIBLE)) == [{"name": given, "nearest": nearest}]


@pytest.mark.parametrize("given", ["ansible_user", "wallet_owner", "domain", "inventory_hostname", "groups", "currency"])
def test_a_name_of_somebody_elses_is_none_of_our_business(given: str) -> None:
    assert misspelt([given], str(ANSIBLE)) == []


def test_what_a_role_describes_or_sets_itself_is_known(tmp_path: Path) -> None:
    assert {"payment_system_domain", "proxy_connections", "ssh_further_settings"} <= public_variables(ANSIBLE)
    assert "payment_system_socket" not in public_variables(ANSIBLE)
    assert misspelt([*public_variables(ANSIBLE), "payment_system_socket", "app_sockets", "app_workers"], str(ANSIBLE)) == []
    # A role that comes later needs no other list.
    described = tmp_path / "roles/backup/meta/argument_specs.yml"
    described.parent.mkdir(parents=True)
    described.write_text("argument_specs: {main: {options: {backup_days: {type: int}}}}\n")
    assert misspelt(["backup_days", "backup_dais"], str(tmp_path)) == [{"name": "backup_dais", "nearest": "backup_days"}]


@pytest.mark.parametrize(("value", "broken"), [("1", False), ("64", False), (64, False), ("", False), ("0", True), ("65", True)])
def test_the_whole_value_has_to_be_one_that_can_be_used(value: object, broken: bool) -> None:  # noqa: FBT001 - a parameter of the test
    rule = {"name": "payment_system_workers", "pattern": "|[1-9]|[1-5][0-9]|6[0-4]", "cure": "write a whole number from 1 to 64."}
    expected = [{"name": rule["name"], "value": str(value), "cure": rule["cure"]}] if broken else []
    assert unusable([rule], [value]) == expected

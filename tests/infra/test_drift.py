"""What is in force on a host counts, not what is written: each deviation is shown, named by a rehearsal, and mended or said why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.infra.customers import check_nothing_lost, paying
from tests.infra.deploying import inventory_of, make, status

if TYPE_CHECKING:
    from tests.infra.conftest import Tokens
    from tests.infra.deploying import Played
    from tests.infra.hosts import Host, Hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(1800)]

CURRENT: Final = "/opt/payment-system/current"
PSQL: Final = "runuser -u postgres -- psql --quiet --dbname=postgres --command"
UNIT: Final = "/etc/systemd/system/payment-system.service.d/nice.conf"
WALL: Final = "/etc/systemd/system/nginx.service.d/payment-system.conf"
# What is done by hand, and what is told of it. None of these may cost a payment to mend.
HAND: Final = {
    f"sed -i 's/RestartSec=.*/RestartSec=7s/' {CURRENT}/host/units/payment-system.service && systemctl daemon-reload":
        "The file host/units/payment-system.service of the release is changed.",
    f"mkdir -p $(dirname {UNIT}) && printf '[Service]\\nNice=5\\n' > {UNIT} && systemctl daemon-reload && systemctl restart payment-system":
        f"{UNIT} changes payment-system.service beside what the release says.",
    f"echo '# by hand' >> {CURRENT}/app/money.py": "The file app/money.py of the release is changed.",
    f"touch {CURRENT}/app/added.py": "The file app/added.py of the release is added.",
    f"rm {CURRENT}/app/web/static/icon.svg": "The file app/web/static/icon.svg of the release is missing.",
    f"echo '# by hand' >> $(ls -d {CURRENT}/venv/lib/python3*/site-packages)/flask/app.py":
        "site-packages/flask/app.py of the release is changed.",
    f"cd {CURRENT} && sed -i s/BALANCE=.*/BALANCE=7.00/ .env && systemctl restart payment-system && sed -i s/BALANCE=.*/BALANCE=8.00/ .env":
        "The service runs with another PAYMENT_SYSTEM_OPENING_BALANCE than its settings say.",
    "nft add rule inet payment_system incoming tcp dport 9999 accept": "The firewall's rules in force are not those",
    f"{PSQL} \"ALTER SYSTEM SET log_statement = 'all'\" && {PSQL} 'SELECT pg_reload_conf()'":
        "PostgreSQL goes by log_statement from `ALTER SYSTEM`, not from the release.",
    f"{PSQL} \"ALTER ROLE payment_system SET statement_timeout = '1h'\"":
        "PostgreSQL goes by a statement_timeout of its own for the role payment_system, not by the release.",
    f"{PSQL} \"ALTER DATABASE payment_system SET lock_timeout = '1h'\"":
        "PostgreSQL goes by a lock_timeout of its own for all roles in the database payment_system, not by the release.",
    "touch /etc/ssh/sshd_config.d/00-payment-system.conf": "sshd has not read its settings since they were written.",
}
# A proxy that starts anew, or reads its settings, ends the connections that it has.
PROXY: Final = {
    f"touch {CURRENT}/host/nginx.conf": "nginx has not read its settings since they were written.",
    "printf '[Service]\\nRestartSec=9s\\n' > /etc/systemd/system/nginx.service.d/zz.conf":
        "systemd goes by an older file of nginx.service than the one that is there.",
    f"cat {WALL} > /root/kept.conf && mv /root/kept.conf {WALL}": f"{WALL} is not the link to",
}
MATCH: Final = "/etc/ssh/sshd_config.d/zz.conf"
STRANGER: Final = "table inet stranger { chain incoming { type filter hook input priority 10; tcp dport 9998 drop; }; }"

# What is named, and is not ours to mend.
LEFT: Final = (
    "The rules of inet stranger filter what comes in beside ours",
    f"{MATCH} has sshd go by another passwordauthentication for those of whom a `Match` block speaks.",
)


def test_each_deviation_is_shown_named_and_mended(network: Hosts, host: Host, tokens: Tokens) -> None:
    # People join before, with the opening balance that is meant.
    people = tokens(host)
    inventory, release = inventory_of(network), status(host)["release"]
    assert status(host)["drift"] == []
    for by_hand in HAND:
        host.run(by_hand)
    host.run("nft -f -", given=STRANGER)
    host.run(f"printf 'Match User nobody\\n  PasswordAuthentication yes\\n' > {MATCH}")
    shown = status(host)["drift"]
    for by_hand, told in HAND.items():
        assert any(told in sentence for sentence in shown), (by_hand, shown)
    for left in LEFT:
        assert any(left in sentence for sentence in shown), (left, shown)
    lines = host.run("payment-system-release status").stdout
    assert [sentence for sentence in shown if f"Drift        {sentence}" not in lines] == []
    rehearsed = make("check", inventory, "--limit", host.name)
    assert [told for told in HAND.values() if told not in words(rehearsed)] == []
    with paying(host.address, people, 4) as load:
        mended = make("deploy", inventory, "--limit", host.name)
    assert mended.exit_status == 0, mended.output[-5000:]
    assert mended.changed[host.name] > 0
    assert [told for told in HAND.values() if told not in words(mended)] == []
    assert [left for left in LEFT if f"Left: {left}" not in words(mended)] == []
    host.run(f"nft delete table inet stranger && rm {MATCH} && systemctl reload ssh")
    after = status(host)
    assert (after["release"], after["ready"], after["reached"], after["drift"]) == (release, True, True, [])
    assert "Drift        none" in host.run("payment-system-release status").stdout
    in_force(host)
    assert load.failed == []
    check_nothing_lost(host, load)
    again = make("deploy", inventory, "--limit", host.name)
    assert (again.exit_status, again.changed) == (0, {host.name: 0}), again.output[-5000:]


def words(done: Played) -> str:
    """What was said, without what YAML adds to it."""
    return done.told.replace("''", "'")


def in_force(host: Host) -> None:
    """The right things are in force, as systemd, the kernel and PostgreSQL say themselves; what was set aside is kept."""
    shown = host.run("systemctl show --property=RestartUSec,Nice,NeedDaemonReload payment-system").stdout.split()
    assert sorted(shown) == ["NeedDaemonReload=no", "Nice=0", "RestartUSec=500ms"]
    assert "9999" not in host.run("nft list table inet payment_system").stdout
    assert host.run(f"{PSQL} 'SHOW log_statement' --tuples-only --no-align").stdout.strip() == "none"
    assert host.run("find /opt/payment-system/replaced -name nice.conf").stdout.count("\n") == 1
    assert host.run("ls /etc/systemd/system/payment-system.service.d", check=False).stdout == ""


def test_what_the_proxy_goes_by_is_mended_and_a_setting_of_somebody_elses_is_said_and_left(network: Hosts, host: Host) -> None:
    for by_hand in PROXY:
        host.run(by_hand)
    folder = host.run("ls -d /etc/postgresql/*/main/conf.d").stdout.strip()
    host.run(f"echo 'jit = on' > {folder}/zz.conf && {PSQL} 'SELECT pg_reload_conf()'")
    shown = status(host)["drift"]
    assert [told for told in PROXY.values() if not any(told in sentence for sentence in shown)] == []
    mended = make("deploy", inventory_of(network), "--limit", host.name)
    assert (mended.exit_status, mended.changed) == (0, {host.name: 1}), mended.output[-5000:]
    assert f"Left: PostgreSQL goes by jit from {folder}/zz.conf, not from the release. That file is not ours to change" in words(mended)
    host.run(f"rm {folder}/zz.conf && {PSQL} 'SELECT pg_reload_conf()'")
    after = status(host)
    assert (after["ready"], after["reached"], after["drift"]) == (True, True, [])
    assert sorted(host.run("systemctl show --property=NeedDaemonReload,RestartUSec nginx").stdout.split()) == [
        "NeedDaemonReload=no", "RestartUSec=1s"]

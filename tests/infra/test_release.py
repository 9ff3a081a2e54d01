"""A deployed wallet goes from release to release and back on both Debians, and serves on when one is broken or the operator is cut off."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.infra.customers import PAY, PENNY, Wallet, check_nothing_lost, paying
from tests.infra.deploying import (
    INCOMING,
    INSTALL,
    LOCK,
    ROOT,
    Played,
    archives,
    changed_checkout,
    configuration,
    install_broken,
    install_other,
    inventory_of,
    make,
    make_command,
    operator_environment,
    send,
    status,
)
from tests.infra.hosts import RELEASES
from tests.infra.serving import served, still_serves

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Figure
    from tests.infra.conftest import Tokens
    from tests.infra.hosts import Host, Hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(1800)]

CONNECTIONS = 16
# Of customers that keep the host busy: how long a payment takes in a move is compared with how long it takes without.
BUSY_PAUSE_SECONDS = 0.05
CURRENT, PREVIOUS, ENVIRONMENTS = (f"/opt/payment-system/{name}" for name in ("current", "previous", "environments"))
MOVES = 4
"""Of each of the two hosts, in `make test`."""
STEADY_PAYMENTS = 500
"""Between two moves."""
LAST_MIGRATION = max(path.name for path in (ROOT / "schema/migrations").glob("0*.py")).partition("_")[0]
BROKEN_MIGRATION = f"""printf '%s\\n' 'revision, down_revision = "broken", "{LAST_MIGRATION}"' 'def upgrade():' \
    '    raise ValueError("no such table")' > schema/migrations/{int(LAST_MIGRATION) + 1:04}_broken.py"""
# systemd's own words alone, and from a moment on: from the end on, journalctl may pass over the first line that fits.
STANDBY_STARTS = "journalctl --follow --since=now --output=cat _PID=1 UNIT=payment-system-standby.service"


def test_a_change_of_the_code_is_deployed_and_no_request_fails(
    network: Hosts, host: Host, tokens: Tokens, tmp_path: Path, figure: Figure
) -> None:
    before = status(host)["release"]
    host.run(f"mkdir {ENVIRONMENTS}/of-no-release")
    with paying(host.address, tokens(host), 4) as load:
        done = make("deploy", inventory_of(network), "--limit", host.name, checkout=changed_checkout(tmp_path))
    figure(f"{host.name}: make deploy of a change of the code, under load: {done.seconds:.0f} s (bar 60)")
    assert done.exit_status == 0, done.output[-5000:]
    after = status(host)
    assert (after["release"] != before, after["previous"], after["ready"]) == (True, before, True)
    assert load.failed == []
    # Both run on the same wheels, and so in the same environment; one that no release runs in is gone.
    assert len(set(host.run(f"readlink --canonicalize {CURRENT}/venv {PREVIOUS}/venv").stdout.split())) == 1
    assert host.run(f"ls {ENVIRONMENTS}").stdout.count("\n") == 1
    # Of what deploys have sent, only the last is left.
    assert sorted(name.rpartition(".")[2] for name in host.run(f"ls {INCOMING}").stdout.split()) == ["gz", "json", "tar"]


def test_a_deploy_whose_files_another_one_removed_is_told_to_try_again(one_host: Host) -> None:
    before = status(one_host)["last"]
    done = one_host.run(f"{INSTALL} {archives(one_host)} --configuration={INCOMING}/gone.json", check=False)
    assert (done.returncode, done.stderr) == (1, "What this deploy sent is gone: another one has ended meanwhile. Deploy again.\n")
    assert status(one_host)["last"] == before


def test_people_register_log_in_and_pay_over_https(host: Host, tokens: Tokens) -> None:
    person, *_ = tokens(host).items()
    wallet = Wallet(host.address)
    answer = wallet.ask(PAY, {"idempotencyKey": "5d3c9a71-e84b-4f26-9b0d-000000000001", "to": "person-1", "amount": PENNY}, token=person[1])
    wallet.close()
    assert (answer["replayed"], answer["errors"]) == (False, [])


def test_releases_go_back_and_forth_under_load_and_no_request_fails(host: Host, tokens: Tokens, times: int, figure: Figure) -> None:
    people, first = tokens(host), status(host)["release"]
    other = install_other(host, "900.00")
    assert other != first
    with paying(host.address, people, CONNECTIONS, BUSY_PAUSE_SECONDS) as load:
        load.wait_for(200)
        moves, rests = [], []
        # In turns, for what else this machine does changes from minute to minute.
        for place in range(MOVES * times):
            began = time.monotonic()
            load.wait_for(STEADY_PAYMENTS)
            rests.append((began, time.monotonic()))
            host.run("payment-system-release rollback")
            moves.append((rests[-1][1], time.monotonic()))
            assert host.run("readlink /opt/payment-system/current").stdout.strip().endswith((first, other)[place % 2])
    steady, moving = load.p99_seconds(*rests), load.p99_seconds(*moves)
    figure(f"{host.name}: {len(moves)} releases in {sum(end - begin for begin, end in moves):.0f} s under {len(load.paid):,} payments, "
           f"{len(load.failed)} failed; p99 {moving:.3f} s during the cut-overs, {steady:.3f} s between them, "
           f"ratio {moving / steady:.1f} (bar 3)")
    assert load.failed == []
    check_nothing_lost(host, load)
    assert status(host)["last"]["requests_failed"] == 0


def test_make_rollback_needs_no_argument_and_fails_no_request(
    network: Hosts, first_run: Played, debian_12: Host, debian_13: Host, tokens: Tokens, figure: Figure
) -> None:
    assert first_run.changed
    both = (debian_12, debian_13)
    before = [status(host)["previous"] or install_other(host, "900.00") for host in both]
    with paying(debian_12.address, tokens(debian_12), 4) as load_12, paying(debian_13.address, tokens(debian_13), 4) as load_13:
        done = make("rollback", inventory_of(network))
    figure(f"make rollback of two hosts at once, under load: {done.seconds:.0f} s (bar 20)")
    assert done.exit_status == 0, done.output
    assert [status(host)["release"] for host in both] == before
    assert (load_12.failed, load_13.failed) == ([], [])


@pytest.mark.parametrize(("host", "breaking", "setting", "cause"), [
    (RELEASES[0], "echo 'import nothing_by_this_name' >> app/asgi/__init__.py", "", "nothing_by_this_name"),
    (RELEASES[1], "echo 'import nothing_by_this_name' >> app/ledger/__init__.py", "", "nothing_by_this_name"),
    (RELEASES[0], "printf '\\n\\ndef is_compatible(found):\\n    return False\\n' >> app/schema_version.py", "",
     "is not ready: the database is at migration"),
    (RELEASES[1], BROKEN_MIGRATION, "", "no such table"),
    (RELEASES[0], "true", "PAYMENT_SYSTEM_CURRENCY=XYZ", "'XYZ' is not a currency. Set PAYMENT_SYSTEM_CURRENCY"),
], indirect=["host"], ids=[
    "the entry does not import", "the core does not import", "it is never ready", "its migration fails", "a setting is wrong",
])
def test_a_broken_release_is_refused_with_its_cause_and_nobody_notices(
    host: Host, tokens: Tokens, breaking: str, setting: str, cause: str
) -> None:
    before = served(host)
    with paying(host.address, tokens(host), 4) as load:
        exit_status, said = install_broken(host, breaking, setting)
    paid = served(host)
    assert paid == replace(before, books=paid.books)
    assert exit_status != 0
    assert cause in said
    assert said.endswith(f"The release {before.release} goes on serving.")
    assert load.failed == []
    check_nothing_lost(host, load)
    still_serves(host, paid)


def test_a_program_that_is_not_python_is_refused_and_leaves_nothing_behind(one_host: Host) -> None:
    before, there = served(one_host), one_host.run(f"ls -A {ENVIRONMENTS} /opt/payment-system/releases").stdout
    exit_status, said = install_broken(one_host, "echo 'def (' >> app/money.py")
    assert (exit_status, said) == (1, "The program is not Python: SyntaxError: invalid syntax")
    assert one_host.run(f"ls -A {ENVIRONMENTS} /opt/payment-system/releases").stdout == there
    still_serves(one_host, before)


def test_two_deploys_at_once_are_told_apart(network: Hosts, one_host: Host) -> None:
    first = subprocess.Popen(one_host.ssh(f"flock {LOCK} --command 'echo held; read over'"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with first:
        assert first.stdout
        assert first.stdin
        assert first.stdout.readline() == b"held\n"
        told_there = one_host.run(f"{INSTALL} {archives(one_host)} {send(one_host, configuration(one_host))}", check=False)
        told_here = make("deploy", inventory_of(network), "--limit", one_host.name)
        before = served(one_host)
        first.stdin.write(b"\n")
    assert told_there.returncode != 0
    assert told_here.exit_status != 0
    for told in (told_there.stderr, told_here.told):
        assert "Another deploy or rollback is under way on this host" in told
        assert "Wait for its end, then try again." in told
    still_serves(one_host, before)


@pytest.mark.parametrize(
    ("host", "also_the_host"), [(RELEASES[0], False), (RELEASES[1], True)], indirect=["host"],
    ids=["the connection", "the connection and the program on the host"],
)
def test_a_deploy_that_is_cut_off_is_finished_by_the_next(
    network: Hosts, host: Host, tokens: Tokens, *, also_the_host: bool
) -> None:
    options = (f"--extra-vars=payment_system_opening_balance={'70' if also_the_host else '80'}.00", "--limit", host.name)
    before, reloads = status(host)["release"], _reloads_of_the_proxy(host)
    with paying(host.address, tokens(host), CONNECTIONS) as load:
        _cut_off_when_the_standby_starts(host, make_command("deploy", inventory_of(network), *options))
        if also_the_host:
            host.run("systemctl kill --signal=KILL 'run-*.service'")
        # Without us it goes on by itself; the next would be told that it does.
        host.run(f"flock {LOCK} true")
        done = make("deploy", inventory_of(network), *options)
    assert done.exit_status == 0, done.output[-5000:]
    assert _reloads_of_the_proxy(host) == reloads
    after = status(host)
    assert (after["ready"], after["previous"]) == (True, before)
    assert host.run("systemctl is-active payment-system-standby", check=False).stdout == "inactive\n"
    assert load.failed == []
    check_nothing_lost(host, load)


def _reloads_of_the_proxy(host: Host) -> int:
    return host.run("journalctl --output=cat _PID=1 UNIT=nginx.service").stdout.count("Reloaded ")


def _cut_off_when_the_standby_starts(host: Host, deploying: list[str]) -> None:
    """Run a deploy, and end all of it here, at once, as soon as the host says that the new release's standby is starting."""
    # The end of the first process of a namespace is the end of all in it, those that Ansible takes out of its own group, too.
    alone = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *deploying]
    with subprocess.Popen(host.ssh(STANDBY_STARTS), stdout=subprocess.PIPE) as told, \
            subprocess.Popen(alone, env=operator_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, cwd=ROOT) as operator:
        assert told.stdout
        assert "tarting" in told.stdout.readline().decode()
        operator.kill()
        told.kill()

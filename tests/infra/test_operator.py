"""What the operator gives and gets: inventories, keys and clocks that are wrong are told as what they are, and the last line is true."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.infra.deploying import LOCK, ROOT, Played, inventory_of, make, make_command, operator_environment, status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.hosts import Host, Hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

CLOCK = Path(__file__).parents[1] / "faults/clock.c"
# Refused at once, before the host is asked anything.
REFUSED = "--extra-vars=payment_system_workers=0"


def refused(done: Played) -> str:
    assert done.exit_status != 0, done.output[-5000:]
    assert set(done.changed.values()) <= {0}, done.output[-5000:]
    assert "Traceback" not in done.output
    return done.told


def yaml_inventory(folder: Path, host: Host) -> Path:
    facts = {"ansible_host": host.address, "ansible_user": host.user, "ansible_ssh_private_key_file": str(host.key),
             "ansible_ssh_common_args": " ".join(host.ssh_options)}
    path = folder / "hosts.yml"
    path.write_text(yaml.safe_dump({"wallet": {"hosts": {host.name: facts}}}))
    return path


def test_an_inventory_in_yaml_is_read_as_any_other(one_host: Host, tmp_path: Path) -> None:
    told = refused(make("deploy", yaml_inventory(tmp_path, one_host), REFUSED))
    assert f"Deploying this checkout to {one_host.name}. Each host goes on" in told


@pytest.mark.parametrize(("name", "content", "cause"), [
    ("empty.ini", "[wallet]\n", "empty.ini names no host: write one into it, as inventory.example.ini does."),
    ("broken.yml", "wallet: [hosts\n", "broken.yml cannot be read: "),
])
def test_an_inventory_without_a_host_is_refused(tmp_path: Path, name: str, content: str, cause: str) -> None:
    (tmp_path / name).write_text(content)
    for target in ("deploy", "check", "rollback"):
        told = refused(make(target, tmp_path / name))
        assert told.startswith(cause)
        assert "PLAY" not in told


@pytest.mark.parametrize(("given", "nearest"), [
    ("proxy_conections=5", "proxy_connections"), ("ssh_further_setting=x", "ssh_further_settings"),
    ("payment_system_curency=GBP", "payment_system_currency"),
])
def test_a_misspelt_variable_is_refused_with_the_nearest_right_one(tmp_path: Path, given: str, nearest: str) -> None:
    local = f"ansible_python_interpreter={sys.executable}"
    (tmp_path / "here.ini").write_text(f"[wallet]\nhere {local} ansible_connection=local ansible_become=false\n")
    told = refused(make("deploy", tmp_path / "here.ini", f"--extra-vars={given}"))
    assert f"There is no variable {given.partition('=')[0]}: correct its name in inventory.ini to {nearest}." in told
    assert "here has never had a wallet of ours, and has none now. Mend it, then `make deploy` again." in told


def test_the_last_lines_of_a_refused_deploy_say_what_each_host_serves_now(network: Hosts, debian_12: Host, one_host: Host) -> None:
    gone = debian_12.inventory_line.replace(debian_12.address, str(list(network.subnet.hosts())[-1])).replace("debian-12 ", "gone ")
    inventory = inventory_of(network, one_host.inventory_line, gone)
    serves = f"{one_host.name} was asked just now, and serves the release {status(one_host)['release']}."
    told = refused(make("deploy", inventory, REFUSED))
    assert serves in told
    assert "gone cannot be reached by SSH, so what it serves is not known: `make status` asks again." in told
    assert told.partition("Not deployed: the cause stands above. ")[2].endswith("Error 1")
    one_host.run("systemctl stop nginx")
    try:
        told = refused(make("deploy", inventory, REFUSED, "--limit", one_host.name))
        assert re.search(rf"{one_host.name} runs the release \w+, but ITS PROXY DOES NOT LEAD THERE: `make ssh TO={one_host.name}`", told)
        one_host.run("systemctl stop payment-system")
        told = refused(make("deploy", inventory, REFUSED, "--limit", one_host.name))
        assert re.search(rf"{one_host.name} DOES NOT SERVE the release \w+: see `make logs TO={one_host.name}`, or `make rollback`\.", told)
        assert "serves on" not in told
    finally:
        one_host.run("systemctl start payment-system nginx")
    held = one_host.ssh(f"flock {LOCK} --command 'echo held; read over'")
    with subprocess.Popen(held, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        told = refused(make("rollback", inventory, "--limit", one_host.name))
        other.stdin.write(b"\n")
    assert "Another deploy or rollback is under way on this host" in told
    assert f"Not rolled back: the cause stands above. {serves}" in told


def test_a_key_with_a_passphrase_is_told_with_its_cure(network: Hosts, debian_13: Host, tmp_path: Path) -> None:
    key = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", key], check=True, stdin=subprocess.DEVNULL)
    inventory = inventory_of(network, debian_13.inventory_line.replace(str(debian_13.key), str(key)))
    # A connection that is open still would need no key.
    told = refused(make("deploy", inventory, "--extra-vars=ansible_ssh_args='-o ControlMaster=no -o ControlPath=none'"))
    assert f"debian-13 cannot be reached by SSH: the key {key} has a passphrase. Run `ssh-add {key}` once" in told


@pytest.fixture
def admin(debian_13: Host) -> Iterator[str]:
    """Somebody on the host who is not root and may sudo."""
    debian_13.run("useradd --create-home --shell /bin/bash --no-user-group admin && "
                  "echo 'admin ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/admin && "
                  "install -d -o admin -m 0700 ~admin/.ssh && install -o admin -m 0600 ~/.ssh/authorized_keys ~admin/.ssh")
    yield "admin"
    debian_13.run("rm /etc/sudoers.d/admin; pkill --signal KILL --uid admin; userdel --remove --force admin", check=False)


def test_somebody_who_may_sudo_follows_the_log(network: Hosts, first_run: Played, debian_13: Host, admin: str) -> None:
    assert first_run.changed
    inventory = inventory_of(network, debian_13.inventory_line.replace("ansible_user=root", f"ansible_user={admin}"))
    command = make_command("logs", inventory)
    with subprocess.Popen(command, cwd=ROOT, env=operator_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, start_new_session=True) as following:
        assert following.stdout
        line = next(line for line in following.stdout if line.startswith("{"))
        # make waits for its ssh.
        os.killpg(following.pid, signal.SIGTERM)
    assert "event" in json.loads(line)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="a wrong clock needs gcc: on Debian, apt-get install gcc libc6-dev")
@pytest.mark.parametrize(("ahead_seconds", "way"), [(3600, "behind"), (-3600, "ahead of")])
def test_a_clock_that_is_wrong_is_refused(
    network: Hosts, one_host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_seconds: int, way: str
) -> None:
    """The operator's clock is moved: the hosts have that of this machine."""
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", tmp_path / "clock.so", CLOCK, "-ldl"], check=True)
    (tmp_path / "offset").write_bytes(ahead_seconds.to_bytes(8, "little", signed=True))
    monkeypatch.setenv("WAVE_CLOCK", str(tmp_path / "offset"))
    monkeypatch.setenv("LD_PRELOAD", str(tmp_path / "clock.so"))
    told = refused(make("deploy", inventory_of(network), "--limit", one_host.name))
    assert re.search(rf"The clock of {one_host.name} is 3(59|60)\d s {way} the one here, and at most 30 s are let through", told)
    assert "set it (`timedatectl set-ntp true`), then deploy again." in told


def test_a_clock_that_nothing_sets_is_refused(network: Hosts, one_host: Host) -> None:
    one_host.run("systemctl disable systemd-timesyncd")
    told = refused(make("deploy", inventory_of(network), "--limit", one_host.name))
    one_host.run("systemctl enable systemd-timesyncd")
    assert f"Nothing sets the clock of {one_host.name}, though systemd-timesyncd could: run `timedatectl set-ntp true` there" in told


def test_when_the_list_of_changes_is_rotated_the_last_one_is_still_known(one_host: Host) -> None:
    before = status(one_host)["last"]
    one_host.run("logrotate --force /etc/logrotate.d/payment-system")
    assert one_host.run("wc -c < /var/log/payment-system-releases.jsonl").stdout.strip() == "0"
    assert before
    assert status(one_host)["last"] == before


def test_when_memory_runs_out_the_wallet_goes_before_its_database(host: Host) -> None:
    shown = host.run("systemctl show --property=Id,MemoryMax,OOMScoreAdjust,OOMPolicy payment-system 'postgresql@*'").stdout
    units = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown.strip().split("\n\n")]
    wallet, database = sorted(units, key=lambda unit: unit["Id"])
    whole = int(host.run("awk '/MemTotal/ {print $2}' /proc/meminfo").stdout) * 1024
    assert (wallet["OOMScoreAdjust"], wallet["OOMPolicy"], database["OOMScoreAdjust"]) == ("500", "continue", "-900")
    assert 0.45 < int(wallet["MemoryMax"]) / whole < 0.55
    scores = host.run("for each in $(pgrep --uid payment-system); do cat /proc/$each/oom_score_adj; done").stdout.split()
    assert (set(scores), len(scores) > 2) == ({"500"}, True)
    assert host.run("cat /proc/$(head -1 /var/lib/postgresql/*/main/postmaster.pid)/oom_score_adj").stdout.strip() in ("-900", "0")

"""What a deploy cannot work with is told in a sentence with its cause and its cure, and a host that serves goes on serving."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.infra.deploying import inventory_of, make, status
from tests.infra.hosts import RELEASES
from tests.infra.serving import served, still_serves

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.deploying import Played
    from tests.infra.hosts import Host, Hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

# Returns when somebody listens, and leaves them behind.
TAKE_443 = """
import os, signal, socket
listening = socket.create_server(("", 443))
if os.fork():
    os._exit(0)
os.setsid()
for each in range(3):
    os.close(each)
signal.pause()
"""

OCCUPY = """
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends postgresql nginx python3-psycopg2 >/dev/null
cd /tmp
mkdir -p /srv/by-hand /opt/payment-system
echo by-hand > /srv/by-hand/index.html
touch /opt/payment-system/notes
useradd --system --shell /bin/bash payment-system
cat > /etc/systemd/system/payment-system.service <<UNIT
[Service]
WorkingDirectory=/srv/by-hand
ExecStart=/usr/bin/python3 -m http.server 5000
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --quiet --now payment-system
systemd-run --quiet --unit=game --working-directory=/srv/by-hand python3 -m http.server 7000
sql() { runuser -u postgres -- psql --quiet --dbname=postgres --command="$1"; }
sql "CREATE ROLE shop LOGIN PASSWORD 'shop'"
sql "CREATE DATABASE shop OWNER shop"
sql "CREATE ROLE payment_system LOGIN SUPERUSER"
sql "ALTER SYSTEM SET listen_addresses = '*'"
echo 'host all all 10.0.0.0/8 md5' >> /etc/postgresql/17/main/pg_hba.conf
systemctl restart postgresql@17-main
pg_createcluster 17 second >/dev/null
systemd-run --quiet --unit=shop --setenv=PGPASSWORD=shop psql --host=127.0.0.1 --username=shop --command='SELECT pg_sleep(100000)'
echo 'server { listen 8080; return 200 "shop"; }' > /etc/nginx/sites-enabled/shop
echo '# edited' >> /etc/nginx/nginx.conf
echo '# edited' >> /etc/nginx/sites-available/default
systemctl disable --quiet --now nginx
timeout 20 sh -c 'until ss -ltn | grep -q :5000 && ss -ltn | grep -q :7000 && ss -tn | grep -q :5432; do :; done'
"""
MOVE_AWAY = """
cd /tmp
systemctl disable --quiet --now payment-system
rm -r /etc/systemd/system/payment-system.service /opt/payment-system
systemctl daemon-reload
userdel payment-system
systemctl stop shop
pg_dropcluster 17 second
runuser -u postgres -- psql --quiet --dbname=postgres --command='DROP DATABASE shop WITH (FORCE)' --command='DROP ROLE shop'
runuser -u postgres -- psql --quiet --dbname=postgres --command='ALTER SYSTEM RESET listen_addresses'
systemctl restart postgresql@17-main
"""
STATE = "find /etc /opt /usr/local -type f -o -type l | sort | xargs ls --full-time -d; getent passwd; nft list ruleset 2>&1; pg_lsclusters"
ANSWERS = """
curl() { python3 -c 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())' $1; }
curl http://127.0.0.1:5000/; curl http://127.0.0.1:7000/
systemctl start nginx; curl http://127.0.0.1:8080/; systemctl stop nginx
PGPASSWORD=shop psql --host=127.0.0.1 --username=shop --no-align --tuples-only --command='SELECT 1'
"""


@pytest.fixture(scope="module")
def bare(network: Hosts) -> Host:
    """A host that nothing is deployed to: each test takes back what it did to it."""
    return network.start(RELEASES[1], "bare")


@pytest.fixture(scope="module")
def taken(network: Hosts) -> Host:
    """A host on which somebody else serves by whatever a deploy would replace, end or cut off; its nginx is stopped."""
    host = network.start(RELEASES[1], "taken")
    host.run("bash -es", given=OCCUPY, timeout_seconds=300)
    return host


def refused(done: Played) -> str:
    """What was said of a deploy that was refused before anything was changed."""
    assert done.exit_status != 0, done.output[-5000:]
    assert set(done.changed.values()) <= {0}, done.output[-5000:]
    assert "Not deployed: the cause stands above" in done.told
    assert "Traceback" not in done.output
    return done.told


def test_without_an_inventory_it_says_how_to_make_one(tmp_path: Path) -> None:
    done = make("deploy", tmp_path / "inventory.ini")
    assert done.exit_status != 0
    assert f"There is no {tmp_path}/inventory.ini yet: `cp inventory.example.ini" in done.output


def test_a_host_that_cannot_be_reached(network: Hosts, bare: Host) -> None:
    nobody = str(list(network.subnet.hosts())[-1])
    told = refused(make("deploy", inventory_of(network, bare.inventory_line.replace(bare.address, nobody))))
    assert "bare cannot be reached by SSH" in told
    assert re.search(r"No route to host|timed out", told)
    assert "check ansible_host, ansible_port, ansible_user and ansible_ssh_private_key_file in inventory.ini" in told


def test_a_key_that_the_host_does_not_know(network: Hosts, bare: Host, tmp_path: Path) -> None:
    key = tmp_path / "another"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, stdin=subprocess.DEVNULL)
    told = refused(make("deploy", inventory_of(network, bare.inventory_line.replace(str(bare.key), str(key)))))
    assert "bare cannot be reached by SSH" in told
    assert "Permission denied (publickey" in told
    assert "until `ssh USER@HOST` works without a password" in told


def test_a_system_that_is_not_supported(network: Hosts, bare: Host) -> None:
    changes = ("/etc/os-release", "/etc/debian_version")
    for path in changes:
        host_file = f"$(readlink -f {path})"
        bare.run(f"cp {host_file} /root/$(basename {path}) && sed -i 's/13/11/g; s/trixie/bullseye/g' {host_file}")
    told = refused(make("deploy", inventory_of(network, bare.inventory_line)))
    for path in changes:
        bare.run(f"cp /root/$(basename {path}) $(readlink -f {path})")
    assert "bare runs Debian 11" in told
    assert "the wallet is tested on Debian 12 and 13 alone: deploy to a host with one of them." in told


def test_a_host_without_python(network: Hosts, bare: Host) -> None:
    bare.run("mv /usr/bin/python3 /usr/bin/python3.away")
    told = refused(make("deploy", inventory_of(network, bare.inventory_line)))
    bare.run("mv /usr/bin/python3.away /usr/bin/python3")
    assert "bare has no Python 3, which Ansible needs: run `apt-get install python3` there and deploy again." in told


def test_a_port_that_another_program_has(network: Hosts, bare: Host) -> None:
    bare.run("python3 -", given=TAKE_443)
    told = refused(make("deploy", inventory_of(network, bare.inventory_line)))
    bare.run("kill $(ss --no-header --listening --tcp --numeric --processes sport = :443 | sed -E 's/.*pid=([0-9]+).*/\\1/')")
    assert "Port 443 is taken by python3: stop it there" in told


def test_what_belongs_to_somebody_else_is_named_and_goes_on(network: Hosts, taken: Host) -> None:
    before = taken.run(STATE).stdout
    told = refused(make("deploy", inventory_of(network, taken.inventory_line)))
    for finding in (
        "taken has what belongs to somebody else, and nothing of it is changed.",
        "/etc/systemd/system/payment-system.service is not from a deploy",
        "payment-system.service runs and answers on port 5000: stop it and move it away",
        "/opt/payment-system holds notes, which no deploy put there",
        "The account payment-system has the home /home/payment-system and the shell /bin/bash",
        "PostgreSQL holds the database shop,",
        "PostgreSQL has the role shop,",
        "(database shop, from 127.0.0.1) is connected to PostgreSQL over the network",
        "/pg_hba.conf has rules of its own (host all all 10.0.0.0 255.0.0.0 md5)",
        "PostgreSQL listens on *, and the wallet's listens on its socket alone: set listen_addresses back to localhost",
        "The role payment_system of PostgreSQL has SUPERUSER, and the deploy would take that away for good.",
        "There is another PostgreSQL cluster, 17 second in /var/lib/postgresql/17/second",
        "nginx has /etc/nginx/nginx.conf and /etc/nginx/sites-enabled/default and /etc/nginx/sites-enabled/shop",
        "python3 answers on port 7000 (tcp), and the firewall of the deploy lets in SSH, 80 and 443 alone.",
        "write payment_system_adopt=postgresql,nginx,ports into inventory.ini",
    ):
        assert finding in told
    # What is in use by others is not taken over by any word.
    still = refused(make("deploy", inventory_of(network, taken.inventory_line), "--extra-vars=payment_system_adopt=postgresql,nginx,ports"))
    assert "PostgreSQL holds the database shop," in still
    assert "SUPERUSER" not in still
    assert taken.run(STATE).stdout == before
    assert taken.run(ANSWERS).stdout.split() == ["by-hand", "by-hand", "shop", "1"]


def test_a_word_that_takes_nothing_over_is_refused(network: Hosts, taken: Host) -> None:
    told = refused(make("deploy", inventory_of(network, taken.inventory_line), "--extra-vars=payment_system_adopt=everything"))
    assert "value of payment_system_adopt must be one or more of: postgresql, nginx, ports. Got no match for: everything" in told


def test_what_is_taken_over_has_a_copy_and_a_second_deploy_finds_nothing(network: Hosts, taken: Host) -> None:
    taken.run("bash -es", given=MOVE_AWAY)
    files = taken.run("sha256sum /etc/nginx/nginx.conf /etc/nginx/sites-available/default /etc/nginx/sites-enabled/shop "
                      "/etc/postgresql/17/main/pg_hba.conf").stdout
    done = make("deploy", inventory_of(network, taken.inventory_line), "--extra-vars=payment_system_adopt=postgresql,nginx,ports")
    assert done.exit_status == 0, done.output[-5000:]
    folder = taken.run("ls -d /var/backups/payment-system/*").stdout.strip()
    assert f"are kept in {folder}." in done.told
    assert taken.run(f"cd {folder} && stat --format=%a . && sed 's, /, ,' | sha256sum --check --quiet", given=files).stdout == "700\n"
    # They only go out of force.
    assert taken.run("sha256sum --check --quiet", given=files).stdout == ""
    assert status(taken)["ready"]
    again = make("deploy", inventory_of(network, taken.inventory_line))
    assert (again.exit_status, again.changed) == (0, {"taken": 0}), again.output[-5000:]


def test_a_disk_that_is_full(network: Hosts, host: Host) -> None:
    before = served(host)
    host.run("mount -t tmpfs -o size=600M tmpfs /mnt && cp -a /opt/. /mnt && mount --bind /mnt /opt")
    try:
        told = refused(make("deploy", inventory_of(network), "--limit", host.name))
        assert served(host) == before
    finally:
        host.run("umount --lazy /opt && umount --lazy /mnt && systemctl restart payment-system nginx")
    assert re.search(rf"{host.name} has \d+ MB free on /opt and needs 2048: remove what is not needed", told)
    still_serves(host, before)


WRONG_VARIABLES = {
    "payment_system_currency=pounds": 'payment_system_currency is "pounds": write a code of ISO 4217 such as GBP.',
    "payment_system_workers=0": 'payment_system_workers is "0": write a whole number from 1 to 64.',
    "payment_system_domain=https://pay.example.org": "without https:// and without a path, or leave it empty.",
    "payment_system_curency=GBP":
        "There is no variable payment_system_curency: correct its name in inventory.ini to payment_system_currency.",
}


def test_variables_that_cannot_be_used_are_told_at_once(network: Hosts, host: Host) -> None:
    before = served(host)
    told = refused(make("deploy", inventory_of(network), "--limit", host.name, *(f"--extra-vars={each}" for each in WRONG_VARIABLES)))
    assert [cure for cure in WRONG_VARIABLES.values() if cure not in told] == []
    still_serves(host, before)

"""What belongs to somebody else on a host is named and left alone; what the operator lets a deploy take over serves until that moment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.infra.deploying import changed_checkout, inventory_of, make, refused, status
from tests.infra.hosts import RELEASES
from tests.infra.killing import killed_when_made
from tests.infra.serving import served, still_serves

if TYPE_CHECKING:
    from tests.infra.hosts import Host, Hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(1800)]

WORDS: Final = "--extra-vars=payment_system_adopt=postgresql,nginx,ports,names"
# A wallet that somebody set up by hand, under every name that ours takes, and others who use the same PostgreSQL and nginx.
OCCUPY: Final = """
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends postgresql nginx python3-psycopg2 >/dev/null
cd /tmp
units=/etc/systemd/system
mkdir -p /srv/by-hand /opt/payment-system/releases/2024 /etc/payment-system \
    $units/payment-system.service.d /usr/lib/systemd/system/payment-system.service.d
echo by-hand > /srv/by-hand/index.html
touch /opt/payment-system/notes
useradd --system --home-dir /home/payment-system --shell /bin/bash --groups www-data payment-system
printf '#!/bin/sh\\nexec python3 -m http.server $PORT\\n' > /usr/local/bin/payment-system
chmod 755 /usr/local/bin/payment-system
echo PORT=5000 > /etc/payment-system/payment-system.env
echo '/var/log/by-hand.log { weekly }' > /etc/logrotate.d/payment-system
cat > $units/payment-system.service <<UNIT
[Service]
User=payment-system
WorkingDirectory=/srv/by-hand
EnvironmentFile=/etc/payment-system/payment-system.env
ExecStart=/usr/local/bin/payment-system
Restart=always
[Install]
WantedBy=multi-user.target
Alias=by-hand.service
UNIT
printf '[Service]\\nNice=3\\n' > $units/payment-system.service.d/nice.conf
printf '[Service]\\nOOMScoreAdjust=7\\n' > /usr/lib/systemd/system/payment-system.service.d/vendor.conf
printf '[Socket]\\nListenStream=127.0.0.1:5001\\n[Install]\\nWantedBy=sockets.target\\n' > $units/payment-system.socket
printf '[Socket]\\nListenStream=127.0.0.1:5002\\n' > /usr/lib/systemd/system/payment-system-probe.socket
systemctl mask --quiet payment-system-standby.socket
systemctl enable --quiet --now payment-system.socket payment-system
printf '[Service]\\nExecStart=/bin/true\\n' > $units/payment-system-firewall.service
printf '[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n' > $units/apache2.service
systemctl enable --quiet apache2
mkdir -p /var/spool/cron/crontabs
echo '0 0 1 1 * true' > /var/spool/cron/crontabs/payment-system
systemd-run --quiet --unit=batch --property=User=payment-system sleep infinity
systemd-run --quiet --unit=payment-system-standby sleep infinity
systemd-run --quiet --unit=game --working-directory=/srv/by-hand python3 -m http.server 7000
sql() { runuser -u postgres -- psql --quiet --no-align --tuples-only --dbname=postgres --command="$1"; }
sql "CREATE ROLE shop LOGIN PASSWORD 'shop'"
sql "CREATE DATABASE shop OWNER shop"
sql "CREATE ROLE payment_system LOGIN SUPERUSER"
sql "SELECT pg_create_physical_replication_slot('branch')" >/dev/null
sql "ALTER SYSTEM SET listen_addresses = '*'"
echo 'host all all 10.0.0.0/8 md5' >> /etc/postgresql/15/main/pg_hba.conf
systemctl restart postgresql@15-main
pg_createcluster 15 second >/dev/null
systemd-run --quiet --unit=shop --setenv=PGPASSWORD=shop psql --host=127.0.0.1 --username=shop --command='SELECT pg_sleep(100000)'
echo 'server { listen 8080; return 200 "shop"; }' > /etc/nginx/sites-enabled/shop
echo '# edited' >> /etc/nginx/nginx.conf
echo '# edited' >> /etc/nginx/sites-available/default
systemctl disable --quiet --now nginx
timeout 20 sh -c 'until ss -ltn | grep -q :5000 && ss -ltn | grep -q :7000 && ss -tn | grep -q :5432; do :; done'
"""
# Only what no word takes over.
MOVE_AWAY: Final = """
cd /tmp
systemctl disable --quiet apache2
rm -r /etc/systemd/system/apache2.service /etc/systemd/system/payment-system-firewall.service /opt/payment-system/releases \
    /var/spool/cron/crontabs/payment-system
systemctl daemon-reload
systemctl stop shop batch payment-system-standby
pg_dropcluster 15 second
sql() { runuser -u postgres -- psql --quiet --no-align --tuples-only --dbname=postgres --command="$1"; }
sql "SELECT pg_drop_replication_slot('branch')"
sql 'DROP DATABASE shop WITH (FORCE)'
sql 'DROP ROLE shop'
sql 'ALTER SYSTEM RESET listen_addresses'
systemctl restart postgresql@15-main
"""
STATE: Final = """find /etc /opt /usr/local /usr/lib/systemd -type f -o -type l | sort | xargs ls --full-time -d
getent passwd; id payment-system; nft list ruleset 2>&1; pg_lsclusters"""
ANSWERS: Final = """
curl() { python3 -c 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())' $1; }
curl http://127.0.0.1:5000/; curl http://127.0.0.1:7000/
systemctl start nginx; curl http://127.0.0.1:8080/; systemctl stop nginx
PGPASSWORD=shop psql --host=127.0.0.1 --username=shop --no-align --tuples-only --command='SELECT 1'
"""
UNIT: Final = "/etc/systemd/system/payment-system.service"
SOCKET: Final = "/etc/systemd/system/payment-system.socket"
PACKAGED: Final = "/usr/lib/systemd/system/payment-system-probe.socket"
MASK: Final = "/etc/systemd/system/payment-system-standby.socket"
VENDORS: Final = "/usr/lib/systemd/system/payment-system.service.d/vendor.conf"
NAMES: Final = (f"{UNIT} {UNIT}.d/nice.conf {VENDORS} {SOCKET} {PACKAGED} /usr/local/bin/payment-system /etc/logrotate.d/payment-system "
                "/etc/payment-system/payment-system.env")
# They stay where they are.
OUT_OF_FORCE: Final = ("/etc/nginx/nginx.conf /etc/nginx/sites-available/default /etc/nginx/sites-enabled/shop "
                       "/etc/postgresql/15/main/pg_hba.conf")
# Of the hand-made wallet: its files and links, what systemd has of it, and its account.
BY_HAND: Final = f"""
sha256sum {NAMES} && stat --format='%n %a %U %G' {NAMES}
readlink /etc/systemd/system/by-hand.service /etc/systemd/system/multi-user.target.wants/payment-system.service {MASK}
systemctl show --property=FragmentPath,DropInPaths,UnitFileState,ActiveState,User,Nice,NeedDaemonReload payment-system
systemctl show --property=FragmentPath,UnitFileState,ActiveState payment-system.socket payment-system-probe.socket
systemctl list-unit-files --no-legend nginx.service; systemctl show --property=ActiveState nginx
getent passwd payment-system; id payment-system
"""
# Waits for it, as after a kill it needs a moment.
SERVED_BY_HAND: Final = """timeout 20 python3 -c '
import urllib.request
while True:
    try:
        print(urllib.request.urlopen("http://127.0.0.1:5000/").read().decode())
        break
    except OSError:
        pass
'"""
IN_FORCE: Final = "systemctl show --property=FragmentPath,DropInPaths,User,Nice,OOMScoreAdjust,UnitFileState payment-system"
OURS: Final = "/usr/local/lib/systemd/system/payment-system.service"


@pytest.fixture(scope="module")
def taken(network: Hosts) -> Host:
    """A host on which somebody else serves by whatever a deploy would replace, end or cut off; its nginx is stopped."""
    host = network.start(RELEASES[0], "taken")
    host.run("bash -es", given=OCCUPY, timeout_seconds=300)
    return host


def served_by_hand(host: Host) -> str:
    """What the hand-made wallet is like. Raises: AssertionError when it does not answer on this host."""
    assert host.run(SERVED_BY_HAND).stdout == "by-hand\n\n"
    return host.run(BY_HAND).stdout


def failing_checkout(folder: Path) -> Path:
    """A checkout whose service does not start, though its standby would: nothing is known of that before the move."""
    unit = changed_checkout(folder) / "ansible/roles/app/templates/service.j2"
    text = unit.read_text()
    assert "KillMode=mixed\n" in text
    unit.write_text(text.replace("KillMode=mixed\n", "KillMode=mixed\n{{ '' if standby else 'ExecStartPre=/bin/false' }}\n"))
    return folder


def test_what_belongs_to_somebody_else_is_named_and_goes_on(network: Hosts, taken: Host) -> None:
    before = taken.run(STATE).stdout
    told = refused(make("deploy", inventory_of(network, taken.inventory_line)))
    for finding in (
        "taken has what belongs to somebody else, and nothing of it is changed.",
        (f"{UNIT} and {UNIT}.d/nice.conf and {VENDORS} and {SOCKET} and {PACKAGED} and {MASK} is not from a deploy, "
         "and it has the name of the wallet's."),
        ("payment-system.service and payment-system.socket run (port 5000 and 5001); "
         "the deploy would end it at the moment when the wallet begins to serve."),
        "Stop it and move it away (`systemctl disable --now payment-system.service payment-system.socket`), or deploy to another host.",
        "payment-system-standby.service runs, has the name of the wallet's, and has no file by which it could come back: stop it",
        "/payment-system-firewall.service is not from a deploy, and it has the name of a unit that is the wallet's at once",
        "/usr/local/bin/payment-system and /etc/logrotate.d/payment-system and /etc/payment-system/payment-system.env is not from a deploy",
        "/opt/payment-system holds notes, which no deploy put there, and it is the wallet's folder; the deploy would leave them there.",
        "/opt/payment-system holds releases, which no deploy put there, and a deploy would put its own there or remove them",
        "The account payment-system has the home /home/payment-system and the shell /bin/bash and the groups www-data",
        "Give that account another name (`usermod --login NEW payment-system`)",
        "/var/spool/cron/crontabs/payment-system and batch.service runs as the account payment-system, which would be the wallet's alone",
        "PostgreSQL holds the database shop,",
        "PostgreSQL has the role shop,",
        "(database shop, from 127.0.0.1) is connected to PostgreSQL over the network",
        "PostgreSQL is one of several that copy from each other (the slot branch)",
        "/pg_hba.conf has rules of its own (host all all 10.0.0.0 255.0.0.0 md5)",
        "PostgreSQL listens on *, and the wallet's listens on its socket alone: set listen_addresses back to localhost",
        "The role payment_system of PostgreSQL has SUPERUSER, and the deploy would take that away for good.",
        "There is another PostgreSQL cluster, 15 second in /var/lib/postgresql/15/second",
        "nginx has /etc/nginx/nginx.conf and /etc/nginx/sites-enabled/default and /etc/nginx/sites-enabled/shop",
        "apache2.service starts with the host and takes port 80 or 443: stop it for good there (`systemctl disable --now apache2.service`)",
        "python3 answers on port 5000 (tcp), and the firewall of the deploy lets in SSH, 80 and 443 alone.",
        "python3 answers on port 7000 (tcp)",
        "write payment_system_adopt=names,postgresql,nginx,ports into inventory.ini",
    ):
        assert finding in told
    assert taken.run(STATE).stdout == before
    assert taken.run(ANSWERS).stdout.split() == ["by-hand", "by-hand", "shop", "1"]


def test_what_no_word_takes_over_is_refused_with_all_of_them(network: Hosts, taken: Host) -> None:
    taken.run("pg_ctlcluster 15 main stop")
    told = refused(make("deploy", inventory_of(network, taken.inventory_line), WORDS))
    taken.run("systemctl start postgresql@15-main")
    assert "The PostgreSQL cluster 15 main in /var/lib/postgresql/15/main is stopped, so that nobody can say what it holds" in told
    assert "There is another PostgreSQL cluster" in told
    assert "batch.service runs as the account payment-system" in told
    assert "payment_system_adopt" not in told
    assert "/bin/bash" not in told


def test_a_word_that_takes_nothing_over_is_refused(network: Hosts, taken: Host) -> None:
    told = refused(make("deploy", inventory_of(network, taken.inventory_line), "--extra-vars=payment_system_adopt=everything"))
    assert "value of payment_system_adopt must be one or more of: postgresql, nginx, ports, names. Got no match for: everything" in told


def test_what_is_taken_over_is_back_as_it_was_when_the_first_release_does_not_start(network: Hosts, taken: Host, tmp_path: Path) -> None:
    taken.run("bash -es", given=MOVE_AWAY)
    before = served_by_hand(taken)
    done = make("deploy", inventory_of(network, taken.inventory_line), WORDS, checkout=failing_checkout(tmp_path))
    assert done.exit_status != 0, done.output[-5000:]
    assert "payment-system.service does not start" in done.told
    assert "payment-system.socket and payment-system.service, which are not from a deploy, run as before." in done.told
    assert served_by_hand(taken) == before
    taken.run("systemctl kill --signal=KILL payment-system")
    assert served_by_hand(taken) == before
    taken.reboot()
    assert served_by_hand(taken) == before


def test_a_deploy_killed_as_it_takes_over_is_undone_or_finished_by_the_next(network: Hosts, taken: Host) -> None:
    originals = taken.run(f"sha256sum {NAMES} {OUT_OF_FORCE}").stdout
    for moment in ("former", "current"):
        with killed_when_made(taken, moment):
            done = make("deploy", inventory_of(network, taken.inventory_line), WORDS)
        assert done.exit_status != 0, done.output[-5000:]
    done = make("deploy", inventory_of(network, taken.inventory_line), WORDS)
    assert done.exit_status == 0, done.output[-5000:]
    found = status(taken)
    assert (found["ready"], found["reached"], found["drift"]) == (True, True, [])
    copied(taken, originals)
    in_force(taken)
    assert set(taken.run("ls -A /opt/payment-system").stdout.split()) == {
        "current", "environments", "incoming", "installer.pyz", "notes", "releases", "replaced"}


def copied(host: Host, sums: str) -> None:
    """Each file has a copy that root alone can see. What the first deploy of all found is in the first folder."""
    folder = host.run("ls -d /var/backups/payment-system/* | head -1").stdout.strip()
    assert host.run(f"cd {folder} && stat --format=%a . && sed 's, /, ,' | sha256sum --check --quiet", given=sums).stdout == "700\n"
    assert host.run(f"sha256sum {OUT_OF_FORCE}").stdout in sums


def in_force(host: Host) -> None:
    """Nothing of the hand-made wallet is, as systemd says; its unit and what was added to it are aside."""
    shown = dict(line.split("=", 1) for line in host.run(IN_FORCE).stdout.splitlines())
    assert shown == {"FragmentPath": OURS, "DropInPaths": f"{OURS}.d/release.conf", "User": "payment-system", "Nice": "0",
                     "OOMScoreAdjust": "500", "UnitFileState": "enabled"}
    aside = host.run("find /opt/payment-system/replaced ! -type d -printf '%P\\n' | cut --delimiter=/ --fields=2- | sort").stdout.split()
    assert aside == sorted(path.lstrip("/") for path in (
        UNIT, f"{UNIT}.d/nice.conf", VENDORS, SOCKET, MASK, "/etc/systemd/system/by-hand.service",
        "/etc/systemd/system/multi-user.target.wants/payment-system.service",
        "/etc/systemd/system/sockets.target.wants/payment-system.socket"))
    assert host.run("getent passwd payment-system | cut -d: -f6,7; id --name --groups payment-system").stdout.split() == [
        "/nonexistent:/usr/sbin/nologin", "payment-system"]
    assert host.run("ss --no-header --listening --tcp --numeric '( sport = :5000 or sport = :5001 )'").stdout == ""


def test_after_a_takeover_a_second_deploy_needs_no_word_and_changes_nothing(network: Hosts, taken: Host) -> None:
    again = make("deploy", inventory_of(network, taken.inventory_line))
    assert (again.exit_status, again.changed) == (0, {"taken": 0}), again.output[-5000:]
    still_serves(taken, served(taken))
    in_force(taken)

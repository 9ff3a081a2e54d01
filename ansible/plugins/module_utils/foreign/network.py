"""Owns finding who serves the network from this host: sites of nginx, other web servers, and ports that the firewall would close."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .findings import found
from .host import is_from_a_deploy, is_there, said

if TYPE_CHECKING:
    from .findings import Finding
    from .host import Listener

NGINX: Final = Path("/etc/nginx")
NGINX_WALL: Final = Path("/etc/systemd/system/nginx.service.d/payment-system.conf")
NGINX_WALL_MARK: Final = r"^# The proxy without what it never does"
# Earlier deploys wrote it in place of Debian's.
NGINX_MARK: Final = r"^# The wallet's proxy, all of it"
# From packages: modules serve nobody by themselves.
NGINX_MODULES: Final = "/usr/share/nginx/"
WEB_SERVERS: Final = tuple(f"{name}.service" for name in ("apache2", "caddy", "haproxy", "lighttpd", "traefik", "varnish"))
WEB_PORTS: Final = (80, 443)
# Answers to this host's own questions: the client of DHCP, the clock, and names in the local network.
ASKED_FROM_HERE: Final = (68, 123, 546, 5353, 5355)
# From here on, the kernel gives UDP ports to whoever asks a question just now.
PASSING_PORTS: Final = 32768


def foreign_sites() -> list[Finding]:
    """What nginx would serve by its own settings, whether it runs or not."""
    if is_from_a_deploy(NGINX_WALL, NGINX_WALL_MARK) or not NGINX.is_dir():
        return []
    untouched = {tuple(line.split()[:2]) for line in said("dpkg-query", "--show", "--showformat=${Conffiles}\n", "nginx*").splitlines()}
    read = [path for name in ("sites-enabled", "conf.d", "modules-enabled") for path in sorted((NGINX / name).glob("*"))]
    foreign = [path for path in (NGINX / "nginx.conf", *read) if is_there(path) and not _is_untouched(path, untouched)]
    if not foreign:
        return []
    targets = [path.resolve() for path in foreign if path.is_symlink() and path.resolve().is_file()]
    return [found("sites", files=tuple(map(str, (*foreign, *targets))), paths=" and ".join(map(str, foreign)))]


def _is_untouched(path: Path, packaged: set[tuple[str, ...]]) -> bool:
    """Whether it is as its package brought it, or as an earlier deploy wrote it."""
    real = path.resolve()
    if str(real).startswith(NGINX_MODULES) or is_from_a_deploy(path, NGINX_MARK):
        return True
    # dpkg itself keeps these sums; they tell an edit, not an attack.
    return real.is_file() and (str(real), hashlib.md5(real.read_bytes(), usedforsecurity=False).hexdigest()) in packaged


def web_servers(listeners: list[Listener]) -> list[Finding]:
    """Programs that hold the ports of HTTP and HTTPS, or will once the host starts again."""
    holding = [each for each in listeners if each.protocol == "tcp" and each.port in WEB_PORTS and each.program != "nginx"]
    findings = []
    for program in sorted({each.program for each in holding}):
        ports = sorted({str(each.port) for each in holding if each.program == program})
        findings.append(found("web_port", ports=" and ".join(ports), program=program or "the kernel"))
    enabled = said("systemctl", "list-unit-files", "--plain", "--no-legend", "--state=enabled", *WEB_SERVERS)
    units = {line.split()[0] for line in enabled.splitlines()} - {each.unit for each in holding}
    return [*findings, *(found("web_server", names=unit) for unit in sorted(units))]


def open_ports(listeners: list[Listener], ssh_port: int) -> list[Finding]:
    """Ports that other hosts may reach now, and not once the firewall is in force.

    Args:
        ssh_port: the one by which we came, which stays open.
    """
    if said("nft", "list", "table", "inet", "payment_system"):
        return []
    closed = {(each.program or "the kernel", f"{each.port} ({each.protocol})") for each in listeners
              if each.is_public and not _stays_open(each, ssh_port) and not _is_told_of(each)}
    return [found("port", program=program, port=port) for program, port in sorted(closed)]


def _stays_open(listener: Listener, ssh_port: int) -> bool:
    if listener.protocol == "tcp":
        return listener.port in (*WEB_PORTS, ssh_port)
    return listener.port in ASKED_FROM_HERE or bool(listener.program and listener.port >= PASSING_PORTS)


def _is_told_of(listener: Listener) -> bool:
    """By a finding of its own: PostgreSQL, nginx."""
    return bool(listener.unit == "nginx.service" or listener.unit.startswith("postgresql@"))

"""What the proxy says in the wallet's place is what the wallet itself would say, and what it agrees to with a client is safe."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

from app.http.guard import HSTS, HSTS_SUBDOMAINS, SECURITY_HEADERS

PROXY = Path(__file__).parents[2] / "ansible/roles/proxy"


def test_the_proxys_own_answers_have_the_wallets_security_headers() -> None:
    files = [path.read_text(encoding="utf-8") for path in sorted(PROXY.rglob("*")) if path.is_file()]
    written = " ".join(" ".join(files).split())  # YAML folds long lines
    for name, value in {**SECURITY_HEADERS, "Strict-Transport-Security": "{{ proxy_hsts }}"}.items():
        assert name in written
        assert value in written


@pytest.mark.parametrize(("asked", "promised"), [("false", HSTS), ("true", HSTS_SUBDOMAINS), (None, HSTS)])
def test_the_proxy_promises_https_for_as_many_names_as_the_wallet_does(asked: str | None, promised: str) -> None:
    given = {} if asked is None else {"payment_system_hsts_subdomains": asked}
    written = {**load(PROXY / "defaults/main.yml"), **load(PROXY / "vars/main.yml")}
    filters = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - a header is not HTML
    filters.filters["bool"] = lambda value: str(value).lower() == "true"
    subdomains = filters.from_string(written["proxy_hsts_subdomains"]).render(given)
    assert filters.from_string(written["proxy_hsts"]).render(proxy_hsts_subdomains=subdomains) == promised


def load(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_tls_is_new_and_its_ciphers_are_authenticated_and_forward_secret() -> None:
    written = (PROXY / "templates/nginx.conf.j2").read_text(encoding="utf-8")
    assert re.findall(r"ssl_protocols (.*);", written) == ["TLSv1.2 TLSv1.3"]
    assert re.findall(r"ssl_ciphers (.*);", written) == ["{{ proxy_ciphers | join(':') }}"]
    chosen = yaml.safe_load((PROXY / "vars/main.yml").read_text(encoding="utf-8"))["proxy_ciphers"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(":".join(chosen))
    ciphers = [each for each in context.get_ciphers() if each["protocol"] == "TLSv1.2"]
    assert {each["name"] for each in ciphers} == set(chosen)
    for each in ciphers:
        assert each["aead"], each
        assert each["kea"] == "kx-ecdhe", each
        assert each["strength_bits"] >= 128, each


def test_no_folder_is_listed() -> None:
    assert "autoindex" not in (PROXY / "templates/nginx.conf.j2").read_text(encoding="utf-8")

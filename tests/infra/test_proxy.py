"""What the proxy says in the wallet's place is what the wallet itself would say."""

from __future__ import annotations

from pathlib import Path

from app.http.guard import HSTS, SECURITY_HEADERS

PROXY = Path(__file__).parents[2] / "ansible/roles/proxy"


def test_the_proxys_own_answers_have_the_wallets_security_headers() -> None:
    files = [path.read_text(encoding="utf-8") for path in sorted(PROXY.rglob("*")) if path.is_file()]
    written = " ".join(" ".join(files).split())  # YAML folds long lines
    for name, value in {**SECURITY_HEADERS, "Strict-Transport-Security": HSTS}.items():
        assert name in written
        assert value in written

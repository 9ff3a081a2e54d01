"""A setting that cannot be used stops the start with its name, the reason, and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.errors import SettingError
from app.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

GOOD = {"DATABASE_URL": "postgresql://payment_system@/payment_system"}


def test_only_the_database_must_be_set() -> None:
    settings = load_settings(GOOD)
    assert settings.database_url == "postgresql+psycopg2://payment_system@/payment_system"
    assert (settings.environment, settings.currency.code, settings.secure_cookies) == ("production", "GBP", True)
    assert (settings.login_lifetime_seconds, settings.login_idle_seconds) == (86_400, 3_600)
    assert settings.opening_amount is None
    assert settings.cors_origins == ()
    assert settings.database_owner_url == ""


@pytest.mark.parametrize(("given", "sentence"), [
    ({"DATABASE_URL": ""}, "DATABASE_URL is not set: write an address such as postgresql://"),
    ({"DATABASE_URL": "mysql://root:hunter2@db/x"}, "DATABASE_URL is not an address of PostgreSQL: write an address such as"),
    ({"DATABASE_OWNER_URL": "sqlite://"}, "DATABASE_OWNER_URL is not an address of PostgreSQL: "),
    ({"PAYMENT_SYSTEM_CURRENCY": "POUNDS"}, "'POUNDS' is not a currency. Set PAYMENT_SYSTEM_CURRENCY to"),
    ({"PAYMENT_SYSTEM_ENVIRONMENT": "prod"}, "PAYMENT_SYSTEM_ENVIRONMENT is 'prod': write production or development."),
    ({"PAYMENT_SYSTEM_SECURE_COOKIES": "maybe"}, "PAYMENT_SYSTEM_SECURE_COOKIES is 'maybe': write true or false."),
    ({"PAYMENT_SYSTEM_LOGIN_IDLE_SECONDS": "59"}, "PAYMENT_SYSTEM_LOGIN_IDLE_SECONDS is '59': write a whole number from 60 to 31536000."),
    ({"PAYMENT_SYSTEM_DATABASE_POOL_SIZE": "ten"}, "PAYMENT_SYSTEM_DATABASE_POOL_SIZE is 'ten': write a whole number from 1 to 200."),
    ({"PAYMENT_SYSTEM_CORS_ORIGINS": "*"}, "PAYMENT_SYSTEM_CORS_ORIGINS is '*': write origins such as"),
    ({"PAYMENT_SYSTEM_CORS_ORIGINS": "https://*"}, "PAYMENT_SYSTEM_CORS_ORIGINS is 'https://*': write origins such as"),
    ({"PAYMENT_SYSTEM_CORS_ORIGINS": "https://[a-z].example"}, "PAYMENT_SYSTEM_CORS_ORIGINS is 'https://[a-z].example': write origins"),
    ({"PAYMENT_SYSTEM_CORS_ORIGINS": "http://"}, "PAYMENT_SYSTEM_CORS_ORIGINS is 'http://': write origins such as"),
    ({"PAYMENT_SYSTEM_CORS_ORIGINS": "https://a.example/path"}, "PAYMENT_SYSTEM_CORS_ORIGINS is 'https://a.example/path': write"),
    ({"PAYMENT_SYSTEM_HOSTS": "wallet.example:443"}, "PAYMENT_SYSTEM_HOSTS is 'wallet.example:443': write names or addresses such as"),
    ({"PAYMENT_SYSTEM_HOSTS": "*"}, "PAYMENT_SYSTEM_HOSTS is '*': write names or addresses such as"),
    ({"PAYMENT_SYSTEM_TRUSTED_PROXIES": "nginx"}, "PAYMENT_SYSTEM_TRUSTED_PROXIES is 'nginx': write addresses or networks such as"),
    ({"PAYMENT_SYSTEM_TRUSTED_PROXIES": "10.0.0.1/8"}, "PAYMENT_SYSTEM_TRUSTED_PROXIES is '10.0.0.1/8': write addresses or networks"),
    ({"PAYMENT_SYSTEM_OPENING_BALANCE": "1,000"}, "PAYMENT_SYSTEM_OPENING_BALANCE is '1,000': Write the amount with a point"),
    ({"PAYMENT_SYSTEM_OPENING_BALANCE": "00.10"}, "PAYMENT_SYSTEM_OPENING_BALANCE is '00.10': There are too many zeros at the beginning."),
    ({"PAYMENT_SYSTEM_OPENNING_BALANCE": "1"}, "PAYMENT_SYSTEM_OPENNING_BALANCE is not a setting of this release. The settings are: "),
])
def test_the_error_of_a_bad_setting_names_it_and_says_what_to_do(given: Mapping[str, str], sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        load_settings({**GOOD, **given})
    assert str(refused.value).startswith(sentence)
    assert "hunter2" not in str(refused.value)


def test_lists_and_words_are_read_as_people_write_them() -> None:
    settings = load_settings({
        **GOOD, "PAYMENT_SYSTEM_CORS_ORIGINS": "https://a.example, http://localhost:3000", "PAYMENT_SYSTEM_SECURE_COOKIES": "No",
        "PAYMENT_SYSTEM_OPENING_BALANCE": "1000.00", "PAYMENT_SYSTEM_CURRENCY": "EUR",
    })
    assert settings.cors_origins == ("https://a.example", "http://localhost:3000")
    assert not settings.secure_cookies
    assert settings.opening_amount is not None
    assert settings.opening_amount.formatted == "€1,000.00"


def test_the_environment_overrides_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://file@/file\nPAYMENT_SYSTEM_CURRENCY=EUR\nPAYMENT_SYSTEM_RELEASE_ID=\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://environment@/environment")
    settings = load_settings()
    assert settings.database_url == "postgresql+psycopg2://environment@/environment"
    assert settings.currency.code == "EUR"


@pytest.mark.parametrize(("line", "sentence"), [
    ("PAYMENT_SYSTEM_SECURE_COOKIES=maybe", "PAYMENT_SYSTEM_SECURE_COOKIES is 'maybe': write true or false."),
    ("PAYMENT_SYSTEM_CURRENCY=POUNDS", "'POUNDS' is not a currency. Set PAYMENT_SYSTEM_CURRENCY to"),
    ("PAYMENT_SYSTEM_OPENING_BALANCE=1,000", "PAYMENT_SYSTEM_OPENING_BALANCE is '1,000': Write the amount"),
    ("export PAYMENT_SYSTEM_OLD='1'", "PAYMENT_SYSTEM_OLD is not a setting of this release."),
    ("DATABASE_URL=mysql://db/x", "DATABASE_URL is not an address of PostgreSQL"),
])
def test_an_error_in_the_env_file_names_the_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, sentence: str,
) -> None:
    name = line.removeprefix("export ").split("=")[0]
    (tmp_path / ".env").write_text(f"# of last year\nDATABASE_URL=postgresql://file@/file\n{name}=\n\n{line}\n")
    monkeypatch.chdir(tmp_path)
    for each in ("DATABASE_URL", name):
        monkeypatch.delenv(each, raising=False)
    with pytest.raises(SettingError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"{tmp_path}/.env, line 5: {sentence}")
    # A value of the environment is not the file's, unless both are the same.
    (tmp_path / ".env").write_text(f"DATABASE_URL=postgresql://file@/file\n{name}=another\n")
    monkeypatch.setenv(name, line.split("=", 1)[1].strip("'"))
    with pytest.raises(SettingError) as refused:
        load_settings()
    assert str(refused.value).startswith(sentence)

"""Owns the settings: typed values, read once from the environment and `.env`. A value that cannot be used stops the start."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from app.amounts import parse_amount_or_zero
from app.errors import InvalidAmountError, SettingError
from app.money import Currency, Money

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX: Final = "PAYMENT_SYSTEM_"
FILE: Final = Path(".env")
TRUE_WORDS: Final = frozenset({"true", "yes", "on", "1"})
HOST_PATTERN: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
# No character that Flask-CORS would read as a pattern.
ORIGIN_PATTERN: Final = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
FALSE_WORDS: Final = frozenset({"false", "no", "off", "0"})

Environment = Literal["production", "development"]


def _setting(default: str, read: Callable[[str], Any], about: str, *, name: str | None = None) -> Any:  # noqa: ANN401 - as dataclasses.field
    return field(metadata={"default": default, "read": read, "about": about, "name": name})


def _text(value: str) -> str:
    return value


def _boolean(value: str) -> bool:
    if value.lower() in TRUE_WORDS | FALSE_WORDS:
        return value.lower() in TRUE_WORDS
    raise ValueError("write true or false")


def _number(minimum: int, maximum: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and minimum <= int(value) <= maximum):
            raise ValueError(f"write a whole number from {minimum} to {maximum}")
        return int(value)

    return read


def _environment(value: str) -> str:
    if value not in ("production", "development"):
        raise ValueError("write production or development")
    return value


def _database_url(value: str) -> str:
    for scheme in ("postgresql+psycopg2://", "postgresql://", "postgres://"):
        if value.startswith(scheme):
            return "postgresql+psycopg2://" + value.removeprefix(scheme)
    raise ValueError("write an address such as postgresql://payment_system@/payment_system?host=/run/postgresql")


def _currency(code: str) -> Currency:
    try:
        return Currency.named(code)
    except LookupError as error:
        message = f"{error.args[0]}. Set PAYMENT_SYSTEM_CURRENCY to an ISO 4217 code such as GBP, EUR or JPY."
        raise SettingError(message) from None


def _optional_database_url(value: str) -> str:
    return _database_url(value) if value else ""


def _origins(value: str) -> tuple[str, ...]:
    origins = tuple(origin.strip() for origin in value.split(",") if origin.strip())
    for origin in origins:
        if ORIGIN_PATTERN.fullmatch(origin) is None:
            raise ValueError("write origins such as https://shop.example, separated by commas, without a path and without *")
    return origins


def _hosts(value: str) -> frozenset[str]:
    hosts = frozenset(host.strip().lower() for host in value.split(",") if host.strip())
    if not all(HOST_PATTERN.fullmatch(host) for host in hosts):
        raise ValueError("write names or addresses such as wallet.example, 203.0.113.7, [::1], separated by commas, without a port")
    return hosts


def _networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(each.strip()) for each in value.split(",") if each.strip())
    except ValueError:
        raise ValueError("write addresses or networks such as 10.0.0.2, 192.168.7.0/24, separated by commas") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can differ between two deployments. The table in docs/settings.md is made from this class."""

    database_url: str = _setting("", _database_url, "where PostgreSQL is, as the app's role", name="DATABASE_URL")
    database_owner_url: str = _setting(
        "", _optional_database_url, "the same as the owner's role, for `db upgrade` and `schema export`; the web server does not get it",
        name="DATABASE_OWNER_URL",
    )
    environment: Environment = _setting(  # noqa: RUF009 - an immutable field description
        "production", _environment, "development turns GraphQL's introspection on",
    )
    currency: Currency = _setting(  # noqa: RUF009 - as above
        "GBP", _currency, "the one currency of this wallet, an ISO 4217 code",
    )
    opening_balance: str = _setting("0", _text, "what each new person is given at registration, for example 1000.00")
    password_minimum_characters: int = _setting("12", _number(8, 64), "the shortest password a person may choose")
    login_lifetime_seconds: int = _setting("86400", _number(60, 31_536_000), "a login ends this long after it began")
    login_idle_seconds: int = _setting("3600", _number(60, 31_536_000), "a login ends after this long without a request")
    user_list_public: bool = _setting("true", _boolean, "whether the home page and the API list people to anyone")
    hosts: frozenset[str] = _setting("", _hosts, "the host names and addresses of the wallet; any if empty")
    cors_origins: tuple[str, ...] = _setting("", _origins, "other sites whose scripts may call the API with a token")
    throttle_scale: int = _setting(
        "1", _number(1, 1000), "multiplies the limits of logins, registrations and payments that SECURITY.md lists",
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = _setting(
        "", _networks, "proxies whose X-Forwarded-For is trusted; a proxy at the Unix socket, such as nginx, always is",
    )
    secure_cookies: bool = _setting("true", _boolean, "false only if the wallet is served over plain HTTP, as by `make run`")
    hsts_subdomains: bool = _setting(
        "false", _boolean, "whether browsers use only HTTPS for all subdomains of the wallet's host, too, for a year",
    )
    database_pool_size: int = _setting(
        "10", _number(1, 200), "database connections of a worker for threads; as many again for reads, and three for batches",
    )
    release_id: str = _setting("development", _text, "what /readyz and the log call this release")

    @property
    def opening_amount(self) -> Money | None:
        """The opening balance as money; None if it is zero."""
        amount = parse_amount_or_zero(self.opening_balance, self.currency)
        return amount if amount.minor_units else None


def setting_name(name: str, given: str | None) -> str:
    """The environment variable of a field: the given name, or the prefix and the field in upper case."""
    return given or PREFIX + name.upper()


def given_settings() -> dict[str, str]:
    """The variables of `.env` in the working directory and of the environment, which wins."""
    from_file = {name: value for name, value in dotenv_values(FILE).items() if value is not None}
    return {**from_file, **os.environ}


def where_set(name: str) -> str:
    """The beginning of a message about this variable: the file and line if its value is from `.env`, else empty."""
    # The `flask` program copies the file into its environment.
    written = dotenv_values(FILE).get(name)
    if written is None or os.environ.get(name, written) != written:
        return ""
    with FILE.open(encoding="utf-8") as file:
        # The last line with this name counts.
        found = [each.original for each in parse_stream(file) if each.key == name and each.value is not None]
    # The parser counts empty lines before it as part of it.
    blank = found[-1].string[: -len(found[-1].string.lstrip())].count("\n")
    return f"{FILE.absolute()}, line {found[-1].line + blank}: "


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Load the settings of this process.

    Args:
        environment: the variables to read; by default those of `given_settings`.

    Raises: SettingError with the first setting that cannot be used, the reason, and what to write instead.
    """
    environment = given_settings() if environment is None else environment
    _refuse_unknown(environment)
    values: dict[str, Any] = {}
    for each in fields(Settings):
        name = setting_name(each.name, each.metadata["name"])
        raw = environment.get(name, "").strip() or each.metadata["default"]
        try:
            values[each.name] = each.metadata["read"](raw)
        except ValueError as error:
            raise SettingError(f"{where_set(name)}{name} is {_shown(name, raw)}: {error}.") from None
        except SettingError as error:
            raise SettingError(f"{where_set(name)}{error}") from None
    settings = Settings(**values)
    _check_opening_balance(settings)
    return settings


def _shown(name: str, raw: str) -> str:
    # A database URL may hold a password, and this text goes to the log.
    return "not set" if not raw else "not an address of PostgreSQL" if name.startswith("DATABASE_") else repr(raw)


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = {setting_name(each.name, each.metadata["name"]) for each in fields(Settings)}
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise SettingError(f"{where_set(unknown[0])}{unknown[0]} is not a setting of this release. "
                           f"The settings are: {', '.join(sorted(known))}.")


def _check_opening_balance(settings: Settings) -> None:
    try:
        _ = settings.opening_amount
    except InvalidAmountError as error:
        name = setting_name("opening_balance", None)
        raise SettingError(f"{where_set(name)}{name} is {settings.opening_balance!r}: {error.user_message}") from None

"""Names that could be taken for the operator's are refused in any letters; ordinary names are allowed."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import disarm
import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from app import identity
from app.database import transact
from app.errors import InvalidInputError, InvalidUsernameError
from app.identity.reserved_names import has_trust_mark, reserved_word

if TYPE_CHECKING:
    from flask import Flask

    from app.database import Sessions
    from app.settings import Settings
    from tests.conftest import Browsers, Database

KEPT = {
    "support": [
        "Support", "Ѕuрроrt", "𝓢𝓾𝓹𝓹𝓸𝓻𝓽", "ꜱᴜᴘᴘᴏʀᴛ", "Ⓢⓤⓟⓟⓞⓡⓣ", "🅂🅄🄿🄿🄾🅁🅃", "🆂🆄🅿🅿🅾🆁🆃", "ѕυρρоɾτ", "ＳＵＰＰＯＲＴ", "ˢᵘᵖᵖᵒʳᵗ",
        "Súppört", "s\u0323upport", "s u p p o r t", "s.u.p.p.o.r.t", "S U P P O R T John", "supporT", "supp0rt", "$upport", "5upport",
        "supp0rt_team", "WalletSupport", "John (Support)", "johnsupport", "Support2026", "wallet-support", "sup port",
    ],
    "admin": [
        "Admin", "Аdmіn", "ΑDΜΙΝ", "ADMlN", "Ａｄｍｉｎ", "adm1n", "@dmin", "adm!n", "4dm1n", "aclmin", "adrnin",
        "admin2", "admins", "the-admin", "adminjohn", "AdminJohn", "admin_of_the_wallet",
    ],
    "operator": ["Operator", "operαtοr", "ореrаtоr", "0perator", "0p3rat0r", "OPERATOR", "Operators"],
    "security": ["Security", "Sеcurіtу", "5ecurity", "security-team", "S3CURITY"],
    "moderator": ["Moderator", "mod3rator"],
    "official": ["official amara", "0fficial", "amaraofficial"],
    "wave": [
        "Wave", "WΑVE", "Wаѵе", "Wαve", "Ꮃave", "ẇave", "ŴAVE", "wa\u0338ve", "₩ave", "ｗａｖｅ", "ʷᵃᵛᵉ", "vvave", "w4ve",
        "wave24", "w4ve2026", "wave_official", "WavePay", "wavepay", "waverefunds", "Wave Wallet", "W A V E", "the wave team",
        "Amara of Wave", "Waves",
    ],
    "wallet": ["Wallet", "wa llet", "Wаllet"],
    "customerservice": ["Customer Service", "customer-service"],
    "login": ["log in", "LOGIN"],
}
FREE = [
    "Waverley", "Badminton", "Sadmin", "Amara Okafor", "amara-ok", "Rosa's Corner Shop", "Café Lumen", "Arsenal Supporter", "Wavell",
    "waveney", "Heatwave", "microwave", "Joe Root", "Ada Lovelace", "Admir Hodžić", "Adam Minter", "Payne", "Helper", "helpful-hans",
    "Homer", "Horne", "wallace", "my-wallet", "Theodor", "Ravi", "Σωκράτης", "Амара", "李小龙", "سارة", "🦊 Fox", "Müller",
    "Systems Biology Club", "Staffan",
]


@pytest.mark.parametrize(("name", "word"), [(name, word) for word, names in KEPT.items() for name in names])
def test_a_name_that_reads_as_the_operators_is_reserved(name: str, word: str) -> None:
    assert reserved_word(name) == word


@pytest.mark.parametrize("name", FREE)
def test_a_name_that_only_contains_such_letters_is_allowed(name: str) -> None:
    assert reserved_word(name) is None


def test_of_fifteen_thousand_given_names_and_surnames_two_are_reserved() -> None:
    names = {name for names in ("female_names", "male_names", "surnames") for name in FREQUENCY_LISTS[names]}
    assert len(names) > 10_000
    # Only as the whole name: "Joe Root" is allowed.
    assert sorted(name for name in names if reserved_word(name)) == ["null", "root"]


def test_the_table_of_look_alikes_is_not_older_than_pythons_unicode() -> None:
    assert tuple(map(int, disarm.CONFUSABLES_VERSION.split("."))) >= (17, 0, 0)
    assert tuple(map(int, disarm.CONFUSABLES_VERSION.split("."))) >= tuple(map(int, unicodedata.unidata_version.split(".")))


@pytest.mark.parametrize("character", "✓✔☑✅🗸🗹√🛡")
def test_a_name_with_a_trust_mark_is_refused(sessions: Sessions, settings: Settings, character: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        transact(sessions, lambda session: identity.register(
            session, username="alice", password="a long test phrase", display_name=f"Alice {character}", settings=settings))
    assert refused.value.user_message == (
        "A name to show has no check marks and no shields: they could be taken for a badge. Leave them out."
    )
    assert not has_trust_mark("Alice ⭐ & Söhne, 100 %")


REGISTER = "mutation ($input: RegisterInput!) { register(input: $input) { errors { code message field } } }"


def test_the_pages_and_the_api_refuse_a_reserved_name_and_store_nothing(app: Flask, database: Database) -> None:
    anyone = app.test_client()
    form = {"username": "supp0rt", "password": "a long test phrase", "display_name": "Аdmіn"}
    told = anyone.post("/register", data=form)
    given = {"username": "supp0rt", "password": "a long test phrase", "displayName": "Аdmіn"}
    answer: Any = anyone.post("/graphql", json={"query": REGISTER, "variables": {"input": given}}).json

    handle = 'That username reads as "support", which is kept for those who run this wallet. Choose a username without it.'
    name = 'That name reads as "admin", which is kept for those who run this wallet. Choose a name without it.'
    assert told.status_code == 422
    assert [each.replace('"', "&#34;") in told.text for each in (handle, name)] == [True, True]
    assert answer["data"]["register"]["errors"] == [
        {"code": "INVALID_USERNAME", "message": handle, "field": ["username"]},
        {"code": "INVALID_INPUT", "message": name, "field": ["displayName"]},
    ]
    assert database.execute("SELECT count(*) FROM users") == [(0,)]


def test_a_name_cannot_become_a_reserved_one_and_existing_ones_stay(browser: Browsers, database: Database) -> None:
    alice = browser("alice")
    assert alice.post("/account/name", data={"display_name": "Wаvе Ѕuрроrt"}).status_code == 422
    assert database.execute("SELECT display_name FROM users") == [("Alice",)]
    database.execute("UPDATE users SET display_name = 'Security', username = 'admin'")
    assert "Security" in alice.get("/account").text
    assert alice.get("/users/admin").status_code == 200


def test_a_reserved_username_is_refused_in_any_spelling(sessions: Sessions, settings: Settings) -> None:
    for username in ("supp0rt", "adm1n", "wave_official", "w4ve-team", "0perator", "vvave", "security24", "wallet"):
        with pytest.raises(InvalidUsernameError):
            transact(sessions, lambda session: identity.register(
                session, username=username, password="a long test phrase", display_name=None, settings=settings))  # noqa: B023 - run at once
    for username in ("waverley", "badminton", "sadmin"):
        transact(sessions, lambda session: identity.register(
            session, username=username, password="a long test phrase", display_name=None, settings=settings))  # noqa: B023 - run at once


def test_an_account_with_the_badge_may_have_a_reserved_name_until_the_badge_is_removed(sessions: Sessions, viewer: Any) -> None:
    viewer("alice")
    assert transact(sessions, lambda session: identity.grant_operator_badge(session, username="alice"))
    assert not transact(sessions, lambda session: identity.grant_operator_badge(session, username="alice"))
    alice = viewer("alice")
    assert alice.is_operator
    transact(sessions, lambda session: identity.change_display_name(session, alice, "Wave Support"))
    with pytest.raises(InvalidInputError):
        transact(sessions, lambda session: identity.change_display_name(session, alice, "Wave Support ✓"))
    with sessions() as session:
        found = identity.find_person(session, "alice")
        assert (found.display_name, found.is_operator) == ("Wave Support", True)

    assert transact(sessions, lambda session: identity.revoke_operator_badge(session, username="alice"))
    assert not transact(sessions, lambda session: identity.revoke_operator_badge(session, username="alice"))
    with sessions() as session:
        found = identity.find_person(session, "alice")
        assert (found.display_name, found.is_operator) == ("alice", False)
    alice = viewer("alice")
    with pytest.raises(InvalidInputError):
        transact(sessions, lambda session: identity.change_display_name(session, alice, "Wave Support"))


def test_an_ordinary_name_stays_after_the_badge_is_removed(sessions: Sessions, viewer: Any) -> None:
    viewer("alice")
    transact(sessions, lambda session: identity.grant_operator_badge(session, username="alice"))
    transact(sessions, lambda session: identity.revoke_operator_badge(session, username="alice"))
    with sessions() as session:
        assert identity.find_person(session, "alice").display_name == "Alice"

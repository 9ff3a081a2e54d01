"""A password that is easy to guess with knowledge of the account and the site is refused everywhere; a strong one is accepted."""

from __future__ import annotations

import random
import string
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from zxcvbn import matching

from app.errors import InvalidPasswordError
from app.identity import check_new_password
from app.identity.password_strength import Cause, estimate_strength
from app.settings import load_settings

if TYPE_CHECKING:
    from flask import Flask

    from tests.conftest import Browsers, Database

SETTINGS = load_settings({"DATABASE_URL": "postgresql://nobody@/nothing"})
NAMES = ("amara-ok", "Amara Okafor")
SITE_WORDS = ("wave", "wallet", "wallets", "payment", "payments", "payment system", "pay.corner-bank.example")

REFUSED = {
    Cause.NAME: [
        "amaraokafor12345", "amara-okafor-1990!", "Okafor Amara 2026", "AMARA.OKAFOR.99", "4m4r4-0k4f0r!", "rofako arama 99",
        "amaraok-amaraok", "amara 1 okafor 2", "xx amara okafor xx",
    ],
    Cause.SITE: [
        "wavewalletpayment2026!", "wave wallet payment", "Wave-Wallet-Payment", "w a v e w a l l e t", "walletpayment", "W4ve-w4llet!!",
        "paymentsystem1", "corner-bank-pay-1", "wave.wallet.wave.wallet.wave.wallet.7",
    ],
    Cause.PUBLIC: ["correct horse battery staple", "Correct-Horse-Battery-Staple1", "c0rrecth0rsebatteryst4ple"],
    Cause.COMMON: [
        "password1234", "Password2026!!", "P@ssw0rd2026!", "drowssap2026!", "qwertyuiop12", "1qaz2wsx3edc", "Butterfly2026!",
        "Dragonfly2026!!", "Manchester1999#", "iloveyousomuch", "letmeinplease", "trustno1forever", "thisisapassword",
    ],
    Cause.REPEAT: ["aaaaaaaaaaaaaaa", "hunter2 hunter2!", "abababababab", "amara amara amara 1", "kestrel kestrel kestrel", "x" * 1024],
    Cause.KEYS: ["abcdefghijklmnop", "defghijklmnopqr", "2345678901234"],
    Cause.DATE: ["12/11/2026!", "28112026 1999", "1990 1991 1992"],
    Cause.WORDS: ["people house time"],
}
ACCEPTED = [
    "seven green umbrellas", "a long test phrase", "another long phrase", "quite another phrase", "another quite long phrase",
    "twelve chars", "correct horse battery", "kestrel ocean turbine lamp", "velvet-harbor-onion-sixty", "Amara likes 7 quiet tortoises",
    "wave umbrella turbine kestrel", "x7#kQ2!mZ9@p", "vq7xk2mwz9tr", "VQkfhWmTzJrp", "6f1f0d2a7c11b94e", "пароль из слов",
    "🦊 fox and 🐇 hare", "café au lait tous les jours", "passwordpassword kestrel ocean turbine",
]


@pytest.mark.parametrize(("password", "cause"), [(each, cause) for cause, passwords in REFUSED.items() for each in passwords])
def test_a_password_that_is_easy_to_guess_is_refused_with_the_reason(password: str, cause: Cause) -> None:
    settings = replace(SETTINGS, hosts=frozenset({"pay.corner-bank.example"}), password_minimum_characters=8)
    with pytest.raises(InvalidPasswordError) as refused:
        check_new_password(password, names=NAMES, settings=settings)
    assert refused.value.user_message == (
        f"This password is easy to guess. {cause.value} Choose another: a few uncommon words in a row make a good one."
    )


@pytest.mark.parametrize("password", ACCEPTED)
def test_a_password_that_is_hard_to_guess_is_accepted(password: str) -> None:
    check_new_password(password, names=NAMES, settings=SETTINGS)


def test_with_the_names_seven_unknown_characters_are_too_few_and_eight_are_enough() -> None:
    assert estimate_strength("amaraokafor" + "7vqxk2m", names=NAMES, site_words=SITE_WORDS).guesses_log10 == 7
    with pytest.raises(InvalidPasswordError):
        check_new_password("amaraokafor" + "7vqxk2m", names=NAMES, settings=SETTINGS)
    assert estimate_strength("amaraokafor" + "7vqxk2mw", names=NAMES, site_words=SITE_WORDS).guesses_log10 == 8
    check_new_password("amaraokafor" + "7vqxk2mw", names=NAMES, settings=SETTINGS)


def test_a_name_is_found_in_any_script_with_or_without_accents_and_in_any_unicode_form() -> None:
    for name, password in (
        ("Амара Окафор", "амараокафор2026!"), ("Zoë Müller", "zoemuller1234"), ("Zoe Muller", "Zoë Müller 1234"),
        ("Zoe\u0308 Mu\u0308ller", "zo\u00ebm\u00fcller1234"), ("李小龙李", "李小龙李李小龙李1234"),
    ):
        with pytest.raises(InvalidPasswordError):
            check_new_password(password, names=("someone", name), settings=SETTINGS)
        check_new_password(password + " turbine kestrel", names=("someone", name), settings=SETTINGS)


def test_the_names_of_one_person_do_not_count_for_another() -> None:
    with pytest.raises(InvalidPasswordError):
        check_new_password("zebulonquistgaard", names=("zebulon-quistgaard",), settings=SETTINGS)
    check_new_password("zebulonquistgaard", names=NAMES, settings=SETTINGS)


def test_every_common_password_with_a_year_and_a_mark_is_refused() -> None:
    # One in forty of zxcvbn's 30,000, and the strongest of them all, which is no word and has no repeat.
    for common in (*list(matching.RANKED_DICTIONARIES["passwords"])[::40], "geekboy"):
        strength = estimate_strength(f"{common.capitalize()}2026!", names=NAMES, site_words=SITE_WORDS)
        assert strength.guesses_log10 < 8, common


def test_four_random_words_and_twelve_random_characters_are_accepted() -> None:
    choice = random.Random(20261128)  # noqa: S311 - the same each time, and no secret
    common_words = [word for word in list(matching.RANKED_DICTIONARIES["english_wikipedia"])[:2000] if len(word) > 3]
    letters, printable = string.ascii_letters + string.digits, string.ascii_letters + string.digits + string.punctuation
    for _ in range(100):
        for password in (
            " ".join(choice.sample(common_words, 4)), "".join(choice.choices(letters, k=12)), "".join(choice.choices(printable, k=12)),
        ):
            assert estimate_strength(password, names=NAMES, site_words=SITE_WORDS).guesses_log10 >= 8, password


DEAREST = [
    "4@8({[<369!1|70$5+7%2" * 50, "0123456789" * 100, "aeilostgbz4301570$@!" * 51, "aaabbbcccdddeeefff" * 50, "12/11/2026 13.11.2026 " * 40,
    "각낙닥락막박삭악작착칵탁" * 80, "@" * 1024, "1l|!7" * 200, "abab" * 256,
    "".join(random.Random(7).choices("0123456789", k=1024)),  # noqa: S311 - as above
    "".join(random.Random(7).choices("aeilostgbz4301570$@!", k=1024)),  # noqa: S311 - as above
]


@pytest.mark.parametrize("password", DEAREST, ids=range(len(DEAREST)))
def test_the_work_of_an_estimate_is_limited_for_any_input(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []
    search = matching.dictionary_match

    def counted(text: str, *rest: Any) -> Any:
        searched.append(len(text))
        return search(text, *rest)

    monkeypatch.setattr(matching, "dictionary_match", counted)
    estimate_strength(password, names=NAMES, site_words=SITE_WORDS)
    # A search looks up every part of the text. zxcvbn itself makes up to 1,200 searches, of texts of any length.
    assert max(searched) <= 48
    assert sum(length * (length + 1) // 2 for length in searched) <= 15_000


WEAK = "zebedee-1990!"
REGISTER = "mutation ($input: RegisterInput!) { register(input: $input) { errors { message field } } }"
CHANGE = "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { errors { message field } } }"
TOLD = "This password is easy to guess. It is made of the name of this account."


def test_all_five_ways_to_set_a_password_refuse_the_same_and_keep_the_old_one(app: Flask, browser: Browsers, database: Database) -> None:
    zebedee, anyone = browser("zebedee"), app.test_client()
    before = database.execute("SELECT username, password_hash FROM users")
    new, change = {"username": "zebedee2", "password": WEAK}, {"currentPassword": "a long test phrase", "newPassword": WEAK}
    told = [
        anyone.post("/register", data=new).text,
        anyone.post("/graphql", json={"query": REGISTER, "variables": {"input": new}}).text,
        zebedee.post("/account/password", data={"current_password": "a long test phrase", "new_password": WEAK}).text,
        zebedee.post("/graphql", json={"query": CHANGE, "variables": {"input": change}}).text,
        app.test_cli_runner().invoke(args=["users", "reset-password", "zebedee", "--stdin"], input=WEAK).stderr,
    ]
    assert [TOLD in each for each in told] == [True] * 5
    assert database.execute("SELECT username, password_hash FROM users") == before

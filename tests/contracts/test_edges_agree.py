"""Pages, API and commands accept and refuse the same texts, store the same values and show the same messages. All get one corpus."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.api.types.scalars import DateTime
from app.single_line import WHITE_SPACE
from app.timestamps import day_after, parse_date, parse_timestamp
from tests.contracts import corpus
from tests.contracts.corpus import Kept, Outcome, Row, Says
from tests.contracts.edges import Edges
from tests.web.documents import pay

if TYPE_CHECKING:
    from flask import Flask

    from app.settings import Settings
    from tests.conftest import Browsers

Edge = Callable[[Edges, str], Outcome]

NOBODY = Says("There is nobody by that username. Check the spelling.")
NOBODY_CHOSEN = Says("Choose who is to be paid.")
NO_HANDLE = Says(corpus.HANDLE_RULE)
TAKEN = Says("That username is taken. Choose another.")
CREDENTIALS = Says("The username or the password is not right. Check both and try again.")
NO_REASON = Says("Say why with --reason: the person reads it in their history.")
# The id in a form is hidden, so the page has no message for it.
INCOMPLETE = Says("This form was not complete. Check it and send it again.")
EVERYTHING = Kept("3")
TAKES = Kept("")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, throttle_scale=1000)


@pytest.fixture
def edges(app: Flask, browser: Browsers) -> Edges:
    bob, alice, carol = browser("bob"), browser("alice"), browser("carol")
    bob.post("/account/name", data={"display_name": "José Ávila"})
    for _ in range(9):
        app.test_cli_runner().invoke(args=["money", "issue", "alice", "10000000000.00", "--reason", "Enough for every amount"])
    paid = pay(alice, "carol", "12.50").rpartition("/")[2]
    pay(alice, "carol", "0.01")
    return Edges(app, payer=alice, clerk=carol, paid=paid)


def blank(outcome: Outcome) -> list[Row]:
    return [(text, outcome) for text in corpus.BLANK]


def told(rows: list[Row], *, kept: Outcome | None = None, said: Outcome | None = None) -> list[Row]:
    """The rows with the outcome of this edge, if it differs for all accepted or all refused texts."""
    return [(text, (kept or outcome) if isinstance(outcome, Kept) else (said or outcome)) for text, outcome in rows]


def refused(rows: list[Row]) -> list[Row]:
    return [row for row in rows if isinstance(row[1], Says)]


def one_line(rows: list[Row]) -> list[Row]:
    """The rows that fit into a line of standard input."""
    return [row for row in rows if not {"\n", "\r"} & set(row[0])]


def fits(edge: Edge, text: str) -> bool:
    """Whether the text fits into a request of this edge: the API accepts at most 10,240 bytes."""
    return not edge.__name__.endswith("_in_the_api") or len(json.dumps(text)) < 9_500


# If a response is a whole page, about every second row is enough: the corpus, not the other edge, is the reference.
FED: list[tuple[Edge, list[Row]]] = [
    (Edges.memo_on_a_page, corpus.MEMOS + blank(Kept(""))),
    (Edges.memo_in_the_api, corpus.MEMOS + blank(Kept(""))),
    (Edges.memo_of_a_command, corpus.MEMOS[::6] + blank(NO_REASON)),
    (Edges.amount_on_a_page, corpus.AMOUNTS[::2] + blank(corpus.BLANK_AMOUNT)),
    (Edges.amount_in_the_api, corpus.AMOUNTS + blank(corpus.BLANK_AMOUNT)),
    (Edges.amount_of_a_command, corpus.AMOUNTS[::6] + blank(corpus.BLANK_AMOUNT)),
    (Edges.refund_on_a_page, refused(corpus.AMOUNTS)[::8] + blank(corpus.BLANK_AMOUNT)),
    (Edges.refund_in_the_api, refused(corpus.AMOUNTS)[::8] + blank(corpus.BLANK_AMOUNT)),
    (Edges.bound_on_a_page, corpus.BOUNDS[::3] + blank(EVERYTHING)),
    (Edges.bound_in_the_api, corpus.BOUNDS[::3] + blank(EVERYTHING)),
    (Edges.payee_on_a_page, told(corpus.HANDLES, said=NOBODY) + blank(NOBODY_CHOSEN)),
    (Edges.payee_in_the_api, told(corpus.HANDLES, said=NOBODY) + blank(NOBODY_CHOSEN)),
    (Edges.person_of_a_command, told(corpus.HANDLES[::3], said=NOBODY) + blank(NOBODY)),
    (Edges.new_handle_on_a_page, told(corpus.HANDLES[::2], kept=TAKEN) + blank(NO_HANDLE)),
    (Edges.new_handle_in_the_api, told(corpus.HANDLES, kept=TAKEN) + blank(NO_HANDLE)),
    (Edges.login_on_a_page, told(corpus.HANDLES[4:9] + corpus.HANDLES[-5:], said=CREDENTIALS) + blank(CREDENTIALS)[:2]),
    (Edges.login_in_the_api, told(corpus.HANDLES[4:9] + corpus.HANDLES[-5:], said=CREDENTIALS) + blank(CREDENTIALS)[:2]),
    (Edges.other_person_on_a_page, told(corpus.HANDLES[::4], kept=Kept("0")) + blank(EVERYTHING)),
    (Edges.other_person_in_the_api, told(corpus.HANDLES[::4], kept=Kept("0")) + blank(EVERYTHING)),
    (Edges.token_name_on_a_page, corpus.TOKEN_NAMES[::2] + blank(Says("Give the token a name."))),
    (Edges.token_name_in_the_api, corpus.TOKEN_NAMES + blank(Says("Give the token a name."))),
    (Edges.people_on_a_page, corpus.SEARCHES[::2] + blank(Kept("alice bob carol"))),
    (Edges.people_in_the_api, corpus.SEARCHES + blank(Kept("alice bob carol"))),
    (Edges.people_of_a_command, corpus.SEARCHES[::2] + blank(Kept("alice bob carol"))),
    (Edges.payments_on_a_page, told(corpus.SEARCHES[::3], kept=Kept("0")) + blank(EVERYTHING)),
    (Edges.payments_in_the_api, told(corpus.SEARCHES[::3], kept=Kept("0")) + blank(EVERYTHING)),
    (Edges.key_on_a_page, told(corpus.IDS, said=INCOMPLETE) + blank(INCOMPLETE)),
    (Edges.key_in_the_api, corpus.IDS + blank(Says(corpus.NO_ID))),
    (Edges.moment_in_the_api, told(corpus.MOMENTS, kept=TAKES) + blank(TAKES)),
    (Edges.day_on_a_page, told(corpus.DAYS, kept=TAKES) + blank(TAKES)),
    # Last, since they change who is found and how bob logs in.
    (Edges.display_name_on_a_page, corpus.DISPLAY_NAMES[::2] + blank(Says("Enter a display name."))),
    (Edges.first_display_name_on_a_page, told(corpus.DISPLAY_NAMES[::4], kept=Kept("")) + blank(Kept(""))),
    (Edges.first_display_name_in_the_api, told(corpus.DISPLAY_NAMES[::2], kept=Kept("")) + blank(Kept(""))),
    (Edges.password_on_a_page, corpus.PASSWORDS),
    (Edges.password_in_the_api, corpus.PASSWORDS),
    (Edges.password_of_a_command, one_line(corpus.PASSWORDS)),
]


def differing(edges: Edges, edge: Edge, rows: list[Row]) -> list[tuple[str, str, Outcome, Outcome]]:
    """Each text with an unexpected outcome: the edge, the text, its outcome, and the expected one."""
    found = [(text, edge(edges, text), outcome) for text, outcome in rows if fits(edge, text)]
    return [(edge.__name__, ascii(text)[:80], made, outcome) for text, made, outcome in found if made != outcome]


def test_every_edge_stores_and_shows_the_expected_result_for_each_text(edges: Edges) -> None:
    assert [each for edge, rows in FED for each in differing(edges, edge, rows)] == []


def test_a_command_takes_the_ids_that_the_api_takes(edges: Edges) -> None:
    assert differing(edges, Edges.key_of_a_command, corpus.IDS + blank(Says(corpus.NO_ID))) == []


def test_the_corpus_has_more_than_a_thousand_texts_for_all_edges_together() -> None:
    assert sum(len(rows) for _, rows in FED) > 1_000


# Letters of many scripts, and frequent ambiguous ones.
ODD = f"{WHITE_SPACE}\x00\x1f\u200b\u200c\u200d\u200e\u202e\u2060\ufe0f\u3164@-+.,eE0159\uff15\u0665bBo_\u0301é\u0646\u0627\u094d👩🍳🏽"
TEXTS = st.one_of(
    st.text(max_size=12), st.text(st.sampled_from(ODD), max_size=8),
    st.tuples(st.text(st.sampled_from(ODD), max_size=2), st.sampled_from(["bob", "12.50", "a"]), st.text(st.sampled_from(ODD), max_size=2))
    .map("".join),
)
PAIRS: list[tuple[Edge, Edge]] = [
    (Edges.memo_on_a_page, Edges.memo_in_the_api), (Edges.amount_on_a_page, Edges.amount_in_the_api),
    (Edges.amount_on_a_page, Edges.amount_of_a_command), (Edges.bound_on_a_page, Edges.bound_in_the_api),
    (Edges.payee_on_a_page, Edges.payee_in_the_api), (Edges.new_handle_on_a_page, Edges.new_handle_in_the_api),
    (Edges.first_display_name_on_a_page, Edges.first_display_name_in_the_api), (Edges.people_on_a_page, Edges.people_in_the_api),
    (Edges.payments_on_a_page, Edges.payments_in_the_api), (Edges.password_on_a_page, Edges.password_in_the_api),
]


def test_two_edges_agree_on_any_text(edges: Edges) -> None:
    @given(st.sampled_from(PAIRS), TEXTS)
    @hypothesis_settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def agree(pair: tuple[Edge, Edge], text: str) -> None:
        one, other = pair
        assert one(edges, text) == other(edges, text)

    agree()


@pytest.mark.parametrize(("text", "outcome"), corpus.MOMENTS + corpus.DAYS)
def test_a_time_is_cut_off_after_microseconds(text: str, outcome: Outcome) -> None:
    if isinstance(outcome, Kept):
        read = parse_date(text) if len(outcome.value) == len("2026-11-22") else parse_timestamp(text)
        assert DateTime.serialize(read).startswith(outcome.value)


def test_the_last_day_of_the_calendar_ends_with_its_last_moment() -> None:
    assert DateTime.serialize(day_after(parse_date("2026-12-31"))) == "2027-01-01T00:00:00.000000Z"
    assert DateTime.serialize(day_after(parse_date("9999-12-31"))) == "9999-12-31T23:59:59.999999Z"

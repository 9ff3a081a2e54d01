"""Owns sending a text to each edge: to a page by its form, to the API by its JSON, to a command by its arguments."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import uuid4

from tests.api.conftest import LOG_IN, REGISTER, SEND
from tests.conftest import PASSWORD
from tests.contracts.corpus import Kept, Outcome, Says
from tests.web.documents import Document

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse


HISTORY = "query ($filter: PaymentFilter) { viewer { wallet { payments(filter: $filter) { totalCount } } } }"
USERS = "query ($search: String) { users(search: $search) { nodes { username } } }"
TOKEN = "mutation ($input: CreateApiTokenInput!) { createApiToken(input: $input) { apiToken { name } errors { message field } } }"
REFUND = "mutation ($input: RefundPaymentInput!) { refundPayment(input: $input) { errors { message field } } }"
# A redirect means that the form was accepted.
MOVED_ON = 303


@dataclass(frozen=True)
class Edges:
    """The edges of one wallet in which bob exists."""

    app: Flask
    payer: FlaskClient
    """The browser of Alice, who has enough money for every payment."""
    clerk: FlaskClient
    """The browser of Carol, whose history is 1000.00, 12.50 and 0.01."""
    paid: str
    """The payment of 12.50 that she received."""

    def confirmation(self, name: str, text: str, client: FlaskClient | None = None, path: str = "/pay", **others: str) -> Outcome:
        """The result for one input of the page before a payment."""
        form = {"to": "bob", "amount": "0.01", "idempotency_key": str(uuid4()), **others, name: text}
        answer = (client or self.payer).post(path, data=form)
        return of_page(answer, "" if name == "idempotency_key" else name, lambda page: page.hidden(name))

    def ask(self, client: FlaskClient, query: str, **variables: Any) -> Any:
        answer = client.post("/graphql", json={"query": query, "variables": variables})
        assert answer.status_code == 200, answer.text
        return answer.json

    # Memos

    def memo_on_a_page(self, text: str) -> Outcome:
        return self.confirmation("memo", text)
    def memo_in_the_api(self, text: str) -> Outcome:
        return of_field(self.send(memo=text), "memo", lambda paid: paid["payment"]["memo"] or "")

    def memo_of_a_command(self, text: str) -> Outcome:
        return self.command(("money", "issue", "bob", "0.01", "--reason", text, "--json"), lambda told: str(told["reason"]))

    # Amounts

    def amount_on_a_page(self, text: str) -> Outcome:
        return self.confirmation("amount", text)
    def amount_in_the_api(self, text: str) -> Outcome:
        return of_field(self.send(amount=text), "amount", lambda paid: paid["payment"]["amount"]["amount"])

    def amount_of_a_command(self, text: str) -> Outcome:
        return self.command(("money", "issue", "--reason", "In", "--json", "--", "bob", text), lambda told: str(told["amount"]))

    def bound_on_a_page(self, text: str) -> Outcome:
        return self.filtered("minimum", text)

    def bound_in_the_api(self, text: str) -> Outcome:
        return self.filtered_in_the_api("minAmount", text)

    def refund_on_a_page(self, text: str) -> Outcome:
        return self.confirmation("amount", text, self.clerk, f"/payments/{self.paid}/refund")
    def refund_in_the_api(self, text: str) -> Outcome:
        answer = self.ask(self.clerk, REFUND, input={"idempotencyKey": str(uuid4()), "paymentId": self.paid, "amount": text})
        return of_field(answer["data"]["refundPayment"], "amount", lambda _: "")

    # Handles

    def payee_on_a_page(self, text: str) -> Outcome:
        return self.confirmation("to", text)
    def payee_in_the_api(self, text: str) -> Outcome:
        return of_field(self.send(to=text), "to", lambda paid: paid["payment"]["payee"]["username"])

    def person_of_a_command(self, text: str) -> Outcome:
        return self.command(("users", "show", "--json", "--", text), lambda told: str(told["username"]))

    def new_handle_on_a_page(self, text: str) -> Outcome:
        return self.registration("username", text)
    def new_handle_in_the_api(self, text: str) -> Outcome:
        return self.registration_in_the_api("username", text)
    def login_on_a_page(self, text: str) -> Outcome:
        answer = self.app.test_client().post("/login", data={"username": text, "password": PASSWORD})
        return Kept("bob") if answer.status_code == MOVED_ON else of_page(answer, "password", lambda _: "")
    def login_in_the_api(self, text: str) -> Outcome:
        answer = self.ask(self.app.test_client(), LOG_IN, input={"username": text, "password": PASSWORD})["data"]["logIn"]
        return of_field(answer, "password", lambda found: found["viewer"]["user"]["username"])
    def other_person_on_a_page(self, text: str) -> Outcome:
        return self.filtered("counterparty", text)

    def other_person_in_the_api(self, text: str) -> Outcome:
        return self.filtered_in_the_api("counterparty", text)

    # Names

    def display_name_on_a_page(self, text: str) -> Outcome:
        answer = self.payer.post("/account/name", data={"display_name": text})
        shown = self.payer.get("/account") if answer.status_code == MOVED_ON else answer
        return of_page(shown, "display_name", lambda page: page.value("display_name"))
    def first_display_name_on_a_page(self, text: str) -> Outcome:
        return self.registration("display_name", text)
    def first_display_name_in_the_api(self, text: str) -> Outcome:
        return self.registration_in_the_api("displayName", text)
    def token_name_on_a_page(self, text: str) -> Outcome:
        answer = self.payer.post("/account/tokens", data={"name": text, "scopes": "READ"})
        return of_page(answer, "name", lambda page: page.all("strong")[0].text)
    def token_name_in_the_api(self, text: str) -> Outcome:
        answer = self.ask(self.clerk, TOKEN, input={"name": text, "scopes": ["READ"]})["data"]["createApiToken"]
        return of_field(answer, "name", lambda made: made["apiToken"]["name"])

    # Passwords

    def password_on_a_page(self, text: str) -> Outcome:
        return self.registration("password", text)
    def password_in_the_api(self, text: str) -> Outcome:
        return self.registration_in_the_api("password", text)
    def password_of_a_command(self, text: str) -> Outcome:
        return self.command(("users", "reset-password", "bob", "--stdin", "--json"), lambda _: "", typed=text + "\n")

    # Searches

    def people_on_a_page(self, text: str) -> Outcome:
        answer = self.payer.get("/?" + urlencode({"search": text}))
        return of_page(answer, "search", lambda page: " ".join(each.text.removeprefix("@") for each in page.all("span", class_="handle")))
    def people_in_the_api(self, text: str) -> Outcome:
        answer = self.ask(self.payer, USERS, search=text)
        return of_query(answer, lambda data: " ".join(each["username"] for each in data["users"]["nodes"]))

    def people_of_a_command(self, text: str) -> Outcome:
        return self.command(("users", "list", "--json", "--search", text), lambda told: " ".join(each["username"] for each in told))

    def payments_on_a_page(self, text: str) -> Outcome:
        return self.filtered("text", text)

    def payments_in_the_api(self, text: str) -> Outcome:
        return self.filtered_in_the_api("text", text)

    # Ids

    def key_on_a_page(self, text: str) -> Outcome:
        return self.confirmation("idempotency_key", text)
    def key_in_the_api(self, text: str) -> Outcome:
        return of_field(self.send(idempotencyKey=text), "idempotencyKey", lambda paid: paid["payment"]["id"])

    def key_of_a_command(self, text: str) -> Outcome:
        return self.command(("money", "issue", "bob", "0.01", "--reason", "In", "--json", f"--id={text}"), lambda told: str(told["id"]))

    # Times

    def moment_in_the_api(self, text: str) -> Outcome:
        return of_both(self.filtered_in_the_api("from", text), self.filtered_in_the_api("to", text))

    def day_on_a_page(self, text: str) -> Outcome:
        return of_both(self.filtered("since", text), self.filtered("until", text))

    # Shared by several of these

    def filtered(self, name: str, text: str) -> Outcome:
        """How many payments a filter of the wallet's page finds, by its statement."""
        answer = self.clerk.get("/wallet/statement.csv?" + urlencode({name: text}))
        if answer.mimetype == "text/csv":
            return Kept(str(len(list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))))))
        return of_page(answer, name, lambda _: "")
    def filtered_in_the_api(self, name: str, text: str) -> Outcome:
        answer = self.ask(self.clerk, HISTORY, filter={name: text})
        return of_query(answer, lambda data: str(data["viewer"]["wallet"]["payments"]["totalCount"]))

    def send(self, **given: str) -> Any:
        order = {"idempotencyKey": str(uuid4()), "to": "bob", "amount": "0.01", **given}
        return self.ask(self.payer, SEND, input=order)["data"]["sendPayment"]

    def registration(self, name: str, text: str) -> Outcome:
        """The result for one input of the registration form. Another input is always wrong, so nobody is registered."""
        others = {"username": "x"} if name == "password" else {"username": "dana", "password": "short"}
        return of_page(self.app.test_client().post("/register", data={**others, name: text}), name, lambda _: "")

    def registration_in_the_api(self, field: str, text: str) -> Outcome:
        others = {"username": "x"} if field == "password" else {"username": "dana", "password": "short"}
        return of_field(self.ask(self.app.test_client(), REGISTER, input={**others, field: text})["data"]["register"], field, lambda _: "")

    def command(self, arguments: tuple[str, ...], value: Any, typed: str | None = None) -> Outcome:
        done = self.app.test_cli_runner().invoke(args=arguments, input=typed)
        if done.exit_code == 0:
            return Kept(value(json.loads(done.stdout)))
        assert isinstance(done.exception, SystemExit), done.exception
        told = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
        assert len(told) == 1, done.stderr
        return Says(told[0].removeprefix("Error: "))


def of_page(answer: TestResponse, name: str, value: Callable[[Document], str]) -> Outcome:
    """The message of a page for this input or for the whole form; without one, what the page shows."""
    assert answer.mimetype == "text/html", answer.text
    assert answer.status_code < 500, answer.text
    page = Document(answer.text)
    problem = page.problems().get(name)
    return Kept("" if page.problems() else value(page)) if problem is None else Says(problem)


def of_field(payload: Any, field: str, value: Any) -> Outcome:
    """The message of a mutation for this field; without one, its result."""
    told = [each["message"] for each in payload["errors"] if each["field"] == [field]]
    if told:
        return Says(told[0])
    return Kept("" if payload["errors"] else value(payload))


def of_query(answer: Any, value: Any) -> Outcome:
    """The result of a query, or its refusal."""
    if "errors" in answer:
        (error,) = answer["errors"]
        assert error["extensions"]["code"] in {"INVALID_INPUT", "INVALID_AMOUNT", "INVALID_USERNAME"}, error
        return Says(error["message"])
    return Kept(value(answer["data"]))


def of_both(since: Outcome, until: Outcome) -> Outcome:
    """The result that both ends of a period share."""
    if isinstance(since, Kept) and isinstance(until, Kept):
        return Kept("")
    assert since == until
    return since

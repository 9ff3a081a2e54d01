"""Owns what tests of the API share: asking a question over HTTP, and a few requests that many tests send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient

FIRST_KEY = "5d3c9a71-e84b-4f26-9b0d-000000000001"
REGISTER = """mutation ($input: RegisterInput!) { register(input: $input) {
  viewer { user { username displayName joinedAt } wallet { balance { amount } } }
  errors { __typename code message field } } }"""
LOG_IN = """mutation ($input: LogInInput!) { logIn(input: $input) {
  viewer { user { username } } errors { code message field } } }"""
SEND = """mutation ($input: SendPaymentInput!) { sendPayment(input: $input) {
  replayed payment { id amount { amount } payer { username } payee { username } balanceAfter { amount } memo direction kind }
  errors { __typename code message field
    ... on InsufficientFundsError { balance { amount formatted currency } shortfall { amount formatted } } } } }"""
REFUND = """mutation ($input: RefundPaymentInput!) { refundPayment(input: $input) {
  replayed payment { id kind amount { amount } payee { username } refundOf { id refunded { amount } } }
  errors { code message field } } }"""
BALANCE = "{ viewer { wallet { balance { amount } } } }"


class Ask(Protocol):
    """Sends a query and returns the answer's JSON."""

    def __call__(self, client: FlaskClient, query: str, status: int = 200, token: str | None = None, **variables: Any) -> Any: ...


@pytest.fixture
def ask() -> Ask:
    """Ask, and hold the answer against the HTTP status it should have."""

    def send(client: FlaskClient, query: str, status: int = 200, token: str | None = None, **variables: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        assert response.status_code == status, response.text
        assert response.mimetype == "application/json"
        return response.json

    return send

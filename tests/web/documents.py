"""What the tests of pages share: reading an answer's HTML as a person and a screen reader would."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
UNLABELLED_TYPES = {"hidden", "submit"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    text: str = ""
    ancestors: tuple[Element, ...] = field(default=(), repr=False)


class Document(HTMLParser):
    """The elements of a page in order, each with its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), ancestors=tuple(self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs), ancestors=tuple(self.open)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, tag: str, **attributes: str) -> list[Element]:
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [each for each in self.elements if each.tag == tag and wanted.items() <= each.attributes.items()]

    def one(self, tag: str, **attributes: str) -> Element:
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} of <{tag} {attributes}>"
        return found[0]

    @property
    def heading(self) -> str:
        return words(self.one("h1").text)

    @property
    def text(self) -> str:
        return words(self.one("main").text)

    def hidden(self, name: str) -> str:
        return self.one("input", type="hidden", name=name).attributes["value"] or ""

    def value(self, name: str) -> str:
        return self.one("input", id=name).attributes.get("value") or ""

    def problems(self) -> dict[str, str]:
        """Each problem of the summary, by the input that it leads to, or by itself."""
        if not self.all("section", role="alert"):
            return {}
        items = [each for each in self.all("li") if any(above.attributes.get("role") == "alert" for above in each.ancestors)]
        links = [each for each in self.all("a") if any(above.attributes.get("role") == "alert" for above in each.ancestors)]
        by_link = {(each.attributes["href"] or "").removeprefix("#"): words(each.text) for each in links}
        alone = [words(each.text) for each in items if words(each.text) not in by_link.values()]
        return by_link | ({"": " ".join(alone)} if alone else {})


def words(text: str) -> str:
    return " ".join(text.split())


def page(response: TestResponse, status: int = 200) -> Document:
    assert response.status_code == status, response.text
    assert response.mimetype == "text/html"
    return Document(response.text)


def get(client: FlaskClient, path: str, status: int = 200) -> Document:
    return page(client.get(path), status)


def location(response: TestResponse) -> str:
    assert response.status_code == 303, response.text
    return response.headers["Location"]


def pay(client: FlaskClient, to: str, amount: str, memo: str = "") -> str:
    """Pay by the forms, as a browser would; returns the receipt's path."""
    key = get(client, f"/pay?to={to}").hidden("idempotency_key")
    confirmation = page(client.post("/pay", data={"to": to, "amount": amount, "memo": memo, "idempotency_key": key}))
    sent = {name: confirmation.hidden(name) for name in ("to", "amount", "memo", "idempotency_key")}
    return location(client.post("/pay/confirm", data=sent))


def balance(client: FlaskClient) -> str:
    return words(get(client, "/wallet").one("p", class_="balance").text)

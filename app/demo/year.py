"""Owns the actions of the demo people in a year: the same for the same seed and days. Knows no account and no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.demo import people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

DAYS: Final = 365
SHOP_VISITS_A_DAY: Final = 0.28
CAFE_VISITS_A_DAY: Final = 0.24
DINNERS_A_DAY: Final = 0.3
REFUNDS_A_SHOP_VISIT: Final = 0.02
FRIENDS_GIVING: Final = 4
# One person registers after each of these intervals, so that all are registered within the first day.
MINUTES_BETWEEN_REGISTRATIONS: Final = 37


@dataclass(frozen=True, slots=True)
class Payment:
    """One person pays another, if the payer has the money by then."""

    at: datetime
    payer: str
    payee: str
    amount: int
    memo: str
    id: UUID


@dataclass(frozen=True, slots=True)
class Refund:
    """The payee of `payment` refunds some of it."""

    at: datetime
    payment: Payment
    amount: int
    memo: str


@dataclass(frozen=True, slots=True)
class TopUp:
    """Money comes in from outside."""

    at: datetime
    username: str
    amount: int
    memo: str


@dataclass(frozen=True, slots=True)
class PayOut:
    """Everything that a person has above `keep` leaves the wallet."""

    at: datetime
    username: str
    keep: int
    memo: str


Action = Payment | Refund | TopUp | PayOut


def actions(random: Random, now: datetime) -> list[Action]:
    """All actions from DAYS before `now`, when people register, up to `now`, in the order of time."""
    start = now - timedelta(days=DAYS)
    found: list[Action] = [
        TopUp(registered_at(start, place), username, people.OPENING_BALANCE, "Opening balance")
        for place, username in enumerate(people.DISPLAY_NAMES)
    ]
    everyone_registered_at = found[-1].at
    for ago in range(DAYS, -1, -1):
        day = _Day(random, (now - timedelta(days=ago)).astimezone(UTC))
        found.extend(action for action in day.actions() if everyone_registered_at < action.at <= now)
    found.extend(
        Payment(now - timedelta(minutes=minutes), payer, payee, amount, memo, _new_id(random))
        for minutes, payer, payee, amount, memo in people.JUST_NOW
    )
    return sorted(found, key=lambda action: action.at)


def registered_at(start: datetime, place: int) -> datetime:
    """When the person at this index of the list registered."""
    return start + timedelta(minutes=MINUTES_BETWEEN_REGISTRATIONS * place)


def _new_id(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128), version=4)  # nosec B311 # an invented id, no secret


class _Day:
    """The actions of one day; `day` is any time on it."""

    def __init__(self, random: Random, day: datetime) -> None:
        self.random = random
        self.midnight = datetime.combine(day.date(), time(), UTC)
        self.words = {"month": f"{day:%B}", "weekday": f"{day:%A}", "week": f"{day:%V}"}
        self.ends_month = (self.midnight + timedelta(days=1)).day == 1

    def actions(self) -> Iterator[Action]:
        """All actions of this day, in no order."""
        yield from self._income()
        yield from self._bills()
        yield from self._shopping()
        yield from self._coffee()
        yield from self._habits()
        yield from self._evening_out()
        yield from self._birthday()
        if self.ends_month:
            for username, keep, memo in people.PAY_OUTS:
                yield PayOut(self._time_near(22), username, keep, memo)

    def _income(self) -> Iterator[Action]:
        day = self.midnight.day
        if day == 1:
            for username, amount in people.TOP_UPS.items():
                yield TopUp(self._time_near(6), username, amount, "Top-up from the bank")
        if day == 24:  # noqa: PLR2004 - the day before salaries
            yield TopUp(self._time_near(16), people.STUDIO, people.STUDIO_TOP_UP, "Invoices paid, from the bank")
        if day == 25:  # noqa: PLR2004 - the day of salaries
            for username, amount in people.SALARIES.items():
                yield self._payment(8, people.STUDIO, username, amount, "Salary, {month}")
            for username, (amount, memo) in people.FREELANCERS.items():
                yield self._payment(10, people.STUDIO, username, amount, memo)
        if self.midnight.weekday() == 4:  # noqa: PLR2004 - Friday
            for employer, username, amount, memo in people.WEEKLY_WAGES:
                yield self._payment(17, employer, username, amount, memo)

    def _bills(self) -> Iterator[Action]:
        if self.midnight.day == 1:
            for username, amount in people.RENTS.items():
                yield self._payment(9, username, people.LANDLADY, amount, "Rent, {month}")
        for memo, day, least, most, payer, others in people.SHARED_BILLS:
            if self.midnight.day == day:
                share = self.random.randint(least, most)
                for username in others:
                    yield self._payment(19, username, payer, share, memo)

    def _shopping(self) -> Iterator[Action]:
        for username in people.NEIGHBOURS:
            if self.random.random() < SHOP_VISITS_A_DAY:
                # Mostly small amounts, sometimes a week's shopping.
                amount = round(self.random.lognormvariate(6.7, 0.7))
                visit = self._payment(self.random.choice((8, 12, 18)), username, people.SHOP, amount,
                                      self.random.choice(people.GROCERIES))
                yield visit
                if self.random.random() < REFUNDS_A_SHOP_VISIT:
                    later = visit.at + timedelta(minutes=self.random.randint(20, 90))
                    amount = visit.amount if self.random.random() < 0.4 else -(-visit.amount // 3)  # noqa: PLR2004 - some in full
                    yield Refund(later, visit, amount, self.random.choice(people.REFUND_MEMOS))

    def _coffee(self) -> Iterator[Action]:
        for username in people.NEIGHBOURS:
            if self.random.random() < CAFE_VISITS_A_DAY:
                memo, amount = self.random.choice(people.DRINKS)
                yield self._payment(self.random.choice((8, 10, 15)), username, people.CAFE, amount, memo)

    def _habits(self) -> Iterator[Action]:
        for weekday, hour, payer, payee, amount, memo, how_often in people.WEEKLY_HABITS:
            if self.midnight.weekday() == weekday and self.random.random() < how_often:
                yield self._payment(hour, payer, payee, amount, memo)

    def _evening_out(self) -> Iterator[Action]:
        if self.random.random() < DINNERS_A_DAY:
            host, *guests = self.random.sample(people.NEIGHBOURS, self.random.randint(2, 5))
            share, memo = self.random.randint(600, 2_900), self.random.choice(people.DINNERS)
            for guest in guests:
                yield self._payment(21, guest, host, share, memo)

    def _birthday(self) -> Iterator[Action]:
        username = people.BIRTHDAYS.get((self.midnight.month, self.midnight.day))
        if username is not None:
            friends = [name for name in people.NEIGHBOURS if name != username]
            first_name = people.DISPLAY_NAMES[username].split()[0]
            for friend in self.random.sample(friends, FRIENDS_GIVING):
                memo = self.random.choice(people.BIRTHDAY_WISHES).replace("{name}", first_name)
                yield self._payment(10, friend, username, self.random.choice((1_000, 1_500, 2_000, 2_500)), memo)

    def _payment(self, hour: int, payer: str, payee: str, amount: int, memo: str) -> Payment:
        return Payment(self._time_near(hour), payer, payee, amount, memo.format_map(self.words), _new_id(self.random))

    def _time_near(self, hour: int) -> datetime:
        """A random time near this hour: at most 90 minutes away, and on the same day."""
        away = max(-90.0, min(90.0, self.random.gauss(0, 35)))
        moment = self.midnight + timedelta(hours=hour, minutes=away, microseconds=self.random.randrange(1_000_000))
        return min(moment, self.midnight + timedelta(hours=23, minutes=59, seconds=self.random.randrange(60)))

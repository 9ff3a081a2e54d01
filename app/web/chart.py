"""Owns the balance chart: it turns balances into an SVG path. Pure. Styled by classes only, as the content security policy demands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.web.wording import day

if TYPE_CHECKING:
    from app.payments import BalancePoint

WIDTH: Final = 600
HEIGHT: Final = 120
# Room for the thickness of the line, so that its highest and lowest points are not cut off.
MARGIN: Final = 6


@dataclass(frozen=True, slots=True)
class Chart:
    """A balance over some days, as a drawing and in words."""

    points: list[BalancePoint]
    line: str
    """An SVG path through the end of each day."""
    area: str
    """The same path, closed along the bottom edge."""
    lowest: BalancePoint
    highest: BalancePoint

    @property
    def summary(self) -> str:
        """The chart in a sentence, for those who do not see it."""
        first, last = self.points[0].balance.formatted, self.points[-1].balance.formatted
        extremes = f"The lowest was {self.lowest.balance.formatted}, the highest {self.highest.balance.formatted}"
        return f"From {first} on {day(self.points[0].date)} to {last} today. {extremes}."


def draw(points: list[BalancePoint]) -> Chart:
    """The chart of these balances, oldest first, at least one."""
    lowest = min(points, key=lambda point: point.balance.minor_units)
    highest = max(points, key=lambda point: point.balance.minor_units)
    low, high = lowest.balance.minor_units, highest.balance.minor_units
    step = WIDTH / max(1, len(points) - 1)

    def y(point: BalancePoint) -> float:
        # A balance that never changed is a line in the middle, not a division by zero.
        # ast-grep-ignore: amount-made-a-float - a place in a drawing, from which no amount is read
        share = (point.balance.minor_units - low) / (high - low) if high > low else 0.5
        return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)

    line = "M" + " L".join(f"{index * step:.1f},{y(point):.1f}" for index, point in enumerate(points))
    area = f"{line} L{(len(points) - 1) * step:.1f},{HEIGHT} L0,{HEIGHT} Z"
    return Chart(points, line, area, lowest, highest)

"""Owns the list of all subjects and of the databases that they need."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

from tests.load import grouped, payments, payouts, people, reads
from tests.load.history import DAYS_OF_A_HISTORY, Filling

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.load.choices import Choices
    from tests.load.rounds import Say, Subject
    from tests.load.stage import Stage

TPC_B_LIMIT_SECONDS: Final = 300
MEMORY_GROUP: Final = "memory"


def subjects(choices: Choices) -> list[Subject]:
    """Every subject that was chosen, in the order of a round."""
    every = [*payments.subjects(), *grouped.subjects(), *payouts.subjects(), *reads.subjects(choices.depths), *people.subjects()]
    return [each for each in every if choices.only in each.name or choices.only in each.group]


def databases(choices: Choices, chosen: Sequence[Subject], say: Say) -> dict[str, Callable[[str], None]]:
    """The databases of these subjects, each with what fills it."""
    groups = {each.group for each in chosen}

    def filled(depths: Sequence[int], days_ago: int | None = None) -> Callable[[str], None]:
        def fill(superuser_url: str) -> None:
            with Filling(superuser_url, say) as filling:
                filling.people(payments.PEOPLE)
                for depth in depths:
                    filling.history(depth, days_ago=days_ago)
                filling.finish()

        return fill

    # A wallet in use: the days of its chart differ.
    wanted = {payments.DATABASE: filled((reads.SHALLOW_ENTRIES,), days_ago=DAYS_OF_A_HISTORY)}
    if "depth" in groups:
        wanted[reads.SHALLOW] = filled((reads.SHALLOW_ENTRIES,))
    if groups & {"depth", "history"}:
        wanted[reads.DEEP] = filled(choices.depths)
    return wanted


def prepare_tpc_b(stage: Stage) -> None:
    """Make pgbench's own tables, in a database of their own."""
    stage.query("postgres", f"CREATE DATABASE {payments.TPC_B}")
    subprocess.run(
        [stage.cluster.programs.path("pgbench"), "--initialize", "--quiet", f"--scale={payments.TPC_B_SCALE}",
         f"--host={stage.cluster.socket_folder}", "--port=5432", "--username=postgres", payments.TPC_B],
        check=True, capture_output=True, timeout=TPC_B_LIMIT_SECONDS,
    )

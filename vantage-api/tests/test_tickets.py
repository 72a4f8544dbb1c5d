"""Tickets: single use, half a minute, bounded, and of one workspace."""

import pytest
from vantage_api.live.tickets import MAX_TICKETS, MAX_TICKETS_A_WORKSPACE, TICKET_S, Bearer, Tickets
from vantage_common.clock import ManualClock
from vantage_common.errors import UserError

SHOP = Bearer("shop", "vk_a")


def refused(tickets: Tickets, ticket: str) -> bool:
    try:
        tickets.use(ticket)
    except UserError as error:
        return error.status == 401
    return False


def test_a_ticket_opens_one_stream_of_its_own_workspace() -> None:
    tickets = Tickets(ManualClock(0))
    ticket, other = tickets.issue(SHOP), tickets.issue(Bearer("bank", "vk_b"))
    assert tickets.use(ticket) == SHOP
    assert refused(tickets, ticket)
    assert tickets.use(other).workspace == "bank"
    assert len(tickets) == 0


def test_a_ticket_expires() -> None:
    clock = ManualClock(0)
    tickets = Tickets(clock)
    early, late = tickets.issue(SHOP), tickets.issue(SHOP)
    clock.advance(TICKET_S - 0.001)
    assert tickets.use(early) == SHOP
    clock.advance(0.001)
    assert refused(tickets, late)
    assert len(tickets) == 0


@pytest.mark.parametrize("ticket", ["", "x", "x" * 100_000, "\ud800", "\x00"])
def test_others_open_nothing(ticket: str) -> None:
    tickets = Tickets(ManualClock(0))
    tickets.issue(SHOP)
    assert refused(tickets, ticket)


def test_tickets_cannot_be_guessed_from_one_another() -> None:
    tickets = Tickets(ManualClock(0))
    made = {tickets.issue(SHOP) for _ in range(100)}
    assert len(made) == 100
    assert all(len(ticket) >= 43 for ticket in made)


def test_one_workspace_cannot_take_every_ticket_and_all_are_bounded() -> None:
    clock = ManualClock(0)
    tickets = Tickets(clock)
    for number in range(MAX_TICKETS):
        tickets.issue(Bearer(f"w{number // MAX_TICKETS_A_WORKSPACE}", ""))
    for workspace in ("w0", "new"):
        with pytest.raises(UserError, match="too many") as error:
            tickets.issue(Bearer(workspace, ""))
        assert (error.value.status, error.value.retry_after_s) == (429, TICKET_S)
    clock.advance(TICKET_S)
    tickets.issue(SHOP)
    assert len(tickets) == 1

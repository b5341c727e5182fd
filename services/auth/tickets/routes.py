"""Asking for a ticket; redeeming it is a question on the bus."""

from pydantic import BaseModel

from libs.common.http import Json, Tx, policy, router
from libs.common.identity import CurrentUser
from services.auth.tickets import tickets

routes = router("sessions")


class TicketView(BaseModel):
    ticket: str
    expires_in: int
    """Seconds."""


@routes.post("/auth/tickets", status_code=201, response_model=TicketView)
@policy(limit="read", repeatable=False)
async def issue_ticket(user: CurrentUser, tx: Tx) -> Json:
    """Add it to the address of a WebSocket or an event stream as `?ticket=`; good for one connection."""
    ticket = await tickets.issue(tx, user)
    return Json(TicketView(ticket=ticket, expires_in=int(tickets.LIFETIME.total_seconds())), 201)

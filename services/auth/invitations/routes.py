"""Inviting, for admins."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from libs.common.http import Json, Timestamp, Tx, policy, router
from libs.common.identity import AdminUser
from services.auth.accounts.domain import Email
from services.auth.invitations import invitations

routes = router("accounts")


class InvitationRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    email: Email | None = None
    """With it, nobody else can use the invitation."""


class InvitationView(BaseModel):
    """`invite_code` is shown this once."""

    invite_code: str
    email: str | None
    invited_by: UUID
    expires_at: Timestamp


@routes.post("/admin/users/invitations", status_code=201, response_model=InvitationView)
@policy(limit="write", repeatable=False)
async def invite(body: InvitationRequest, admin: AdminUser, tx: Tx) -> Json:
    invitation = await invitations.issue(tx, admin.id, body.email)
    view = InvitationView(
        invite_code=invitation.code, email=body.email, invited_by=admin.id, expires_at=invitation.expires_at
    )
    return Json(view, 201)

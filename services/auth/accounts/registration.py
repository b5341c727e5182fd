"""Making an account, whoever asks for it: its owner, an admin, the first start, the command line."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from uuid_utils.compat import uuid7

from libs.common.contracts.auth import Role
from libs.common.database import Transaction
from services.auth import passwords
from services.auth.accounts import credentials, handles
from services.auth.accounts.domain import Email, FullName, RegisterAccount, Username, accounts
from services.auth.passwords import Password


class NewAccount(BaseModel):
    model_config = ConfigDict(frozen=True)
    email: Email
    password: Password = Field(repr=False)
    username: Username | None = None
    full_name: FullName | None = None


async def register(
    tx: Transaction, new: NewAccount, *, role: Role = "user", must_change_password: bool = False
) -> UUID:
    """The new account's id. Raises Conflict, and Invalid for a password that is one of the names.

    `tx` must not have begun: the password is hashed first, and no transaction waits for that.
    """
    passwords.check_allowed("password", new.password, new.email, new.username)
    password_hash = await passwords.hash_password(new.password)
    account_id = uuid7()
    userid = await handles.reserve(tx, account_id, new.email, new.username)
    command = RegisterAccount(
        account_id=account_id,
        userid=userid,
        role=role,
        must_change_password=must_change_password,
        **new.model_dump(include={"email", "username", "full_name"}),
    )
    await tx.handle(accounts, account_id, command, new=True)
    await tx.execute(credentials.store(account_id=account_id, password_hash=password_hash))
    return account_id

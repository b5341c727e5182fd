"""Every rule of an account, as given/when/then."""

from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from libs.common.contracts.auth import (
    AccountDeactivated,
    AccountReactivated,
    AccountRegistered,
    AccountRoleChanged,
)
from libs.common.errors import Conflict, NotFound
from services.auth.accounts.domain import (
    ChangePassword,
    ChangeRole,
    DeactivateAccount,
    Email,
    PasswordChanged,
    ReactivateAccount,
    RegisterAccount,
    Username,
    accounts,
)
from tests.spec import Spec

ACCOUNT, ADMIN = UUID(int=1), UUID(int=2)

spec = Spec(accounts)
register = RegisterAccount(
    account_id=ACCOUNT, userid="K7Q2M9XA", email="Ada@Example.com", full_name="Ada Lovelace"
)
registered = AccountRegistered(
    owner_id=ACCOUNT, userid="K7Q2M9XA", role="user", email="ada@example.com", full_name="Ada Lovelace"
)
deactivated = AccountDeactivated(owner_id=ACCOUNT, reason="spam")
reactivated = AccountReactivated(owner_id=ACCOUNT)


def test_registering_keeps_the_folded_email() -> None:
    spec.when(register).then(registered)


def test_an_account_is_registered_once() -> None:
    spec.given(registered).when(register).then_refused(Conflict, "account_exists")


@pytest.mark.parametrize(
    "command", [ChangePassword(), ChangeRole(role="admin"), DeactivateAccount(), ReactivateAccount()]
)
def test_nothing_happens_to_an_account_that_does_not_exist(
    command: ChangePassword | ChangeRole | DeactivateAccount | ReactivateAccount,
) -> None:
    spec.when(command).then_refused(NotFound, "account_not_found")


def test_a_changed_password_is_told_without_it() -> None:
    spec.given(registered).when(ChangePassword()).then(PasswordChanged(owner_id=ACCOUNT))


def test_an_admin_makes_a_user_an_admin() -> None:
    spec.given(registered).when(ChangeRole(role="admin", by=ADMIN)).then(
        AccountRoleChanged(owner_id=ACCOUNT, role="admin")
    )


def test_the_role_it_has_already_changes_nothing() -> None:
    spec.given(registered).when(ChangeRole(role="user", by=ADMIN)).then()


def test_deactivating_keeps_the_reason() -> None:
    spec.given(registered).when(DeactivateAccount(reason="spam", by=ADMIN)).then(deactivated)


def test_deactivating_twice_is_deactivating_once() -> None:
    spec.given(registered, deactivated).when(DeactivateAccount(reason="again")).then()


def test_a_deactivated_account_comes_back() -> None:
    spec.given(registered, deactivated).when(ReactivateAccount(by=ADMIN)).then(reactivated)


def test_an_active_account_is_not_reactivated() -> None:
    spec.given(registered, deactivated, reactivated).when(ReactivateAccount(by=ADMIN)).then()


@pytest.mark.parametrize("command", [DeactivateAccount(by=ACCOUNT), ChangeRole(role="admin", by=ACCOUNT)])
def test_nobody_locks_themselves_out(command: DeactivateAccount | ChangeRole) -> None:
    spec.given(registered).when(command).then_refused(Conflict, "own_account")


@pytest.mark.parametrize("email", ["ada@example.com", "a.b+c@mail.intranet.local", "ada@bücher.example"])
def test_an_email_address(email: str) -> None:
    assert TypeAdapter(Email).validate_python(f" {email.upper()} ") == email


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "a b@example.com",
        "ada@example..com",
        f"{'a' * 65}@b.com",
    ],
)
def test_no_email_address(email: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Email).validate_python(email)


@pytest.mark.parametrize("username", ["", "ada@example.com", "ada lovelace", "a" * 51])
def test_no_username(username: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Username).validate_python(username)

"""What auth knows, and how it is shown."""

from libs.common import accounts as refs
from libs.common.contracts.auth import (
    AccountDeactivated,
    AccountReactivated,
    AccountRegistered,
    AccountRoleChanged,
)
from libs.common.event_log import EventLog
from libs.common.service import Definition
from services.auth.accounts import directory
from services.auth.accounts.domain import PasswordChanged
from services.auth.settings import AuthSettings

log = EventLog(
    "auth",
    types=[AccountRegistered, AccountRoleChanged, AccountDeactivated, AccountReactivated, PasswordChanged],
    read_models=[directory.read_model, refs.read_model()],
)
definition = Definition("auth", AuthSettings, log)

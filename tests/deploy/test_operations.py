"""The operator's commands against real servers."""

import asyncio
import json
import os
import re
import sys
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import nats as broker
import pytest
from nats.js.client import JetStreamContext
from typer.testing import CliRunner

from deploy.cli import app
from deploy.local.stack import Stack
from libs.common.database import connect
from libs.common.dead_letters import DURABLE, ERROR, SUBJECT
from libs.common.migrate import newest_revision
from libs.common.objects import ObjectStore
from services.auth.settings import AuthSettings
from services.auth.store import definition

Vitrine = Callable[..., tuple[int, str]]


@pytest.fixture
def vitrine(stack: Stack) -> Vitrine:
    """Runs a command with one service's variables; returns its exit code and what it printed."""

    def run(service: str, *arguments: str, **changed: str) -> tuple[int, str]:
        env = {**stack.service_env(service), "COLUMNS": "300", **changed}
        result = CliRunner().invoke(app, arguments, env=env)
        return result.exit_code, result.output

    return run


@pytest.fixture
async def js(stack: Stack) -> AsyncIterator[JetStreamContext]:
    connection = await broker.connect(stack.nats.url("operator"))
    yield connection.jetstream()
    await connection.close()


def cells(line: str) -> list[str]:
    """Of a row of a printed table."""
    return [cell.strip() for cell in re.split("[│┃]", line)[1:-1]]


def event(name: str) -> bytes:
    envelope = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "type": f"vitrine.catalog.{name}.v1",
        "subject": str(uuid4()),
        "time": "2026-01-02T03:04:05.678Z",
        "sequence": f"{1:020d}",
        "streamversion": 1,
        "data": {"title": name},
    }
    return json.dumps(envelope).encode()


def test_an_admin_is_made_and_its_events_are_shown(vitrine: Vitrine) -> None:
    email = f"{uuid4()}@example.com"
    code, output = vitrine("auth", "admin", "create", email, "--password", "correct horse")
    account_id = output.split()[0]
    assert (code, email in output) == (0, True)
    code, output = vitrine("auth", "events", "show", "auth", account_id)
    assert code == 0
    assert "1 auth.account_registered" in output
    assert f"email: {email}" in output


def test_a_person_is_erased_with_the_pictures(vitrine: Vitrine, stack: Stack) -> None:
    email = f"{uuid4()}@example.com"
    account_id = vitrine("auth", "admin", "create", email, "--password", "correct horse")[1].split()[0]
    variables: dict[str, Any] = definition.variables(stack.service_env("auth"))
    objects = ObjectStore(AuthSettings(**variables))
    keys = [f"{place}/{account_id}/1/{name}.png" for place in ("products", "tryon-results") for name in "ab"]

    async def put_both() -> None:
        for key in keys:
            await objects.put(key, b"a picture", "image/png")
        await objects.close()

    asyncio.run(put_both())
    code, output = vitrine("auth", "admin", "erase", email)
    assert (code, "4 pictures" in output) == (0, True), output
    for key in keys:
        assert asyncio.run(objects.keys(key)) == []
    code, output = vitrine("auth", "events", "show", "auth", account_id)
    assert code == 0
    assert "auth.account_deactivated" in output
    assert email not in output
    assert vitrine("auth", "admin", "erase", email)[0] == 1


def test_master_keys_are_rotated(vitrine: Vitrine, stack: Stack) -> None:
    email, newer = f"{uuid4()}@example.com", urlsafe_b64encode(os.urandom(32)).decode()
    older = stack.service_env("auth")["MASTER_KEY"]
    account_id = vitrine("auth", "admin", "create", email, "--password", "correct horse")[1].split()[0]
    show = ("events", "show", "auth", account_id)
    try:
        assert email in vitrine("auth", *show, MASTER_KEY=f"{newer},{older}")[1]
        assert vitrine("auth", *show, MASTER_KEY=newer)[0] == 1
        code, output = vitrine("auth", "keys", "rewrap", "auth", MASTER_KEY=f"{newer},{older}")
        assert (code, "keys are wrapped" in output) == (0, True), output
        assert email in vitrine("auth", *show, MASTER_KEY=newer)[1]
    finally:
        assert vitrine("auth", "keys", "rewrap", "auth", MASTER_KEY=f"{older},{newer}")[0] == 0
    assert email in vitrine("auth", *show)[1]


async def test_a_schema_of_newer_software_is_left_alone(vitrine: Vitrine, stack: Stack) -> None:
    con = await connect(stack.postgres.superuser_url, "auth")
    await con.execute("UPDATE alembic_version SET version_num = 'newer'")
    try:
        code, output = await asyncio.to_thread(vitrine, "auth", "migrate", "auth")
    finally:
        await con.execute(f"UPDATE alembic_version SET version_num = '{newest_revision('auth')}'")
        await con.close()
    assert code == 1
    assert output.startswith("the schema of auth is not one this software can migrate: ")
    assert "'newer'" in output


def test_a_refusal_is_one_line(vitrine: Vitrine) -> None:
    code, output = vitrine("auth", "admin", "create", "nobody", "--password", "short")
    assert code == 1
    assert "email:" in output
    assert "Traceback" not in output


def test_read_models_are_listed_compared_and_rebuilt(vitrine: Vitrine) -> None:
    code, output = vitrine("auth", "projections", "list", "auth")
    assert (code, "accounts" in output) == (0, True)
    assert vitrine("auth", "projections", "rebuild", "auth", "accounts", "--verify")[0] == 0
    assert vitrine("auth", "projections", "rebuild", "auth", "accounts")[0] == 0
    code, output = vitrine("auth", "projections", "rebuild", "auth", "nothing")
    assert (code, "auth has no read model nothing" in output) == (1, True)


async def test_dead_letters_are_listed_and_wait_for_their_worker(
    vitrine: Vitrine, js: JetStreamContext
) -> None:
    await js.add_stream(name="dead_catalog", subjects=["dead.catalog.>"])
    headers = {DURABLE: "catalog_test", SUBJECT: "vitrine.catalog.tested.v1", ERROR: "ValueError('no')"}
    ack = await js.publish("dead.catalog.catalog_test", event("tested"), headers=headers)
    try:
        code, output = await asyncio.to_thread(vitrine, "catalog", "dead-letters", "list", "catalog")
        assert code == 0, output
        assert "ValueError('no')" in output
        code, output = await asyncio.to_thread(
            vitrine, "catalog", "dead-letters", "replay", "catalog", str(ack.seq)
        )
        assert (code, "catalog does not answer" in output) == (1, True)
    finally:
        await js.delete_msg("dead_catalog", ack.seq)


async def test_the_status_of_a_service_tells_what_waits(
    vitrine: Vitrine, js: JetStreamContext, stack: Stack
) -> None:
    await js.add_stream(name="dead_generation", subjects=["dead.generation.>"])
    ack = await js.publish("dead.generation.generation_test", event("tested"))
    con = await connect(stack.service_env("generation")["DATABASE_URL"], "generation")
    try:
        for _ in range(3):
            insert = "INSERT INTO job_queue (job_id, kind, owner_id) VALUES ($1, 'chore', $1)"
            await con.execute(insert, uuid4())
        code, output = await asyncio.to_thread(vitrine, "generation", "status", "generation")
    finally:
        await con.execute("DELETE FROM job_queue WHERE kind = 'chore'")
        await con.close()
        await js.delete_msg("dead_generation", ack.seq)
    assert code == 0, output
    [row] = [cells(line) for line in output.splitlines() if "not running" in line]
    logged, published, lag, *jobs, oldest, dead = row[3:]
    assert (row[:3], jobs, dead) == (
        ["generation", "not running", newest_revision("generation")],
        ["3", "0"],
        "1",
    )
    assert (int(logged) > int(published)) == (lag != "0")
    assert oldest.endswith(" s")
    assert ["generation", "refs_products", "catalog"] in [cells(line)[:3] for line in output.splitlines()]


def test_the_status_of_a_service_that_may_not_be_read_says_so(vitrine: Vitrine) -> None:
    code, output = vitrine("auth", "status")
    assert code == 0, output
    assert [line for line in output.splitlines() if "catalog" in line and "cannot be read" in line]


async def test_events_are_printed_as_they_come(stack: Stack, js: JetStreamContext) -> None:
    await js.add_stream(name="ev_catalog", subjects=["vitrine.catalog.>"])
    try:
        ack = await js.publish("vitrine.catalog.first.v1", event("first"))
        await js.publish("vitrine.catalog.second.v1", event("second"))
        command = ["events", "tail", "--subject", "vitrine.*.second.v1", "--from", str(ack.seq)]
        tail = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.cli", *command),
            env={**os.environ, "NATS_URL": stack.nats.url("operator")},
            stdout=asyncio.subprocess.PIPE,
        )
        assert tail.stdout
        line = (await tail.stdout.readline()).decode()
        tail.terminate()
        await tail.wait()
        assert "03:04:05.678 catalog.second.v1" in line
        assert '{"title":"second"}' in line
    finally:
        await js.delete_stream("ev_catalog")

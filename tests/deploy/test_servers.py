"""The embedded servers are real, private, and come back when they die."""

from deploy.local.stack import Stack


def test_servers_start(stack: Stack) -> None:
    assert all(stack.pid_of(name) for name in ("postgres", "nats", "object-store"))

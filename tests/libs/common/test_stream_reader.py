"""What the reader refuses to hand out: a server that is not up to date must lose and double nothing."""

from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamConfig

from libs.common.bus import Bus
from libs.common.resilience import Interrupted
from libs.common.stream_reader import StreamReader, reading

STREAM = "read_in_order"


@pytest.fixture
async def bus(nats: str) -> AsyncIterator[Bus]:
    """Connected, with a stream of five messages; the third is gone."""
    bus = await Bus.connect(nats, "reader")
    await bus.js.add_stream(StreamConfig(STREAM, subjects=[f"{STREAM}.>"]))
    for number in range(1, 6):
        await bus.js.publish(f"{STREAM}.{number}", b"")
    await bus.js.delete_msg(STREAM, 3)
    yield bus
    await bus.js.delete_stream(STREAM)
    await bus.close()


async def start(nc: Client, reader: StreamReader, first: int) -> None:
    await nc.subscribe(reader.inbox, cb=reader.on_message)
    start_at = ConsumerConfig(
        ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=first
    )
    await reader.start((await nc.jetstream().add_consumer(STREAM, start_at)).name)


async def test_messages_behind_the_position_are_not_handed_out_again(bus: Bus) -> None:
    reader = StreamReader(bus.nc, STREAM, after=4)
    await start(bus.nc, reader, first=4)
    with pytest.raises(Interrupted, match="message 4 after 4"):
        await reader.batch()


async def test_a_message_that_is_not_there_is_not_passed_over(bus: Bus) -> None:
    async with reading(bus, STREAM, after=3) as reader:
        assert [m.metadata.sequence.stream for m in await reader.batch(1)] == [4]
    async with reading(bus, STREAM) as reader:
        await reader.batch(1)
        await reader.batch(1)
        with pytest.raises(Interrupted, match="message 4 after 2"):
            await reader.batch(1)


async def test_what_a_filter_leaves_out_is_not_missed(bus: Bus) -> None:
    async with reading(bus, STREAM, subject=f"{STREAM}.*") as reader:
        found = [(await reader.batch(1))[0].subject for _ in range(4)]
    assert found == [f"{STREAM}.{number}" for number in (1, 2, 4, 5)]

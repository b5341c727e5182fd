"""The `eventsourcing` library: one event to a new aggregate, its default recorder. Prints appends per second."""

import sys
import threading
import time
import uuid
from urllib.parse import urlsplit

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

url, writers, seconds = urlsplit(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
store = PostgresDatastore(
    dbname=url.path[1:],
    host=url.hostname or "",
    port=str(url.port),
    user=url.username or "",
    password=url.password or "",
    pool_size=writers,
    max_overflow=writers,
)
recorder = PostgresApplicationRecorder(store, events_table_name="stored_events")
recorder.create_table()
counts = [0] * writers
start = time.perf_counter()


def write(writer: int) -> None:
    while time.perf_counter() - start < seconds:
        event = StoredEvent(uuid.uuid4(), 1, "scratch:Added", b'{"amount": 1, "owner_id": "7"}')
        recorder.insert_events([event])
        counts[writer] += 1


threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(counts) / (time.perf_counter() - start))
store.close()

// Emmett: one event to a new stream, through its own PostgreSQL event store. Prints appends per second.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const resolve = createRequire(`${globalThis.modules}/`).resolve;
const { getPostgreSQLEventStore } = await import(pathToFileURL(resolve('@event-driven-io/emmett-postgresql')));

const [url, writers, seconds] = process.argv.slice(2);
const store = getPostgreSQLEventStore(url);
await store.schema.migrate();

let appends = 0;
const start = performance.now();
const write = async () => {
  while (performance.now() - start < seconds * 1000) {
    await store.appendToStream(
      `counter-${randomUUID()}`,
      [{ type: 'Added', data: { amount: 1, ownerId: randomUUID() } }],
      { expectedStreamVersion: 'STREAM_DOES_NOT_EXIST' },
    );
    appends += 1;
  }
};
await Promise.all(Array.from({ length: +writers }, write));
console.log((appends * 1000) / (performance.now() - start));
await store.close();

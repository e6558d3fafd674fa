// Lists that an app keeps on the device: what was recalled while the device was away never shows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStorage, MessageList, type RecallClient } from 'recall-client';
import { event, message, recall, recalled } from './frames.js';
import { clientOf, server } from './harness.js';

const SECRET = 'never to be seen again';

/** Everything that a screen could show of a list, at each of its changes from now on. */
function watch(list: MessageList): string[] {
  const seen: string[] = [];
  const look = (): void => void seen.push(JSON.stringify([list.items, list.lastLine, list.get('m1')]));
  look();
  list.on('change', look);
  return seen;
}

/** A client that saw a message, and the texts that it left behind: its storage and its list's. */
async function before(storage = new MemoryStorage()): Promise<{ storage: MemoryStorage; cache: string }> {
  server.heads = { r: { epoch: 'e1', seq: 0 } };
  const client = clientOf({ storage });
  const list = client.room('r');
  await client.connect();
  await client.subscribeAll();
  server.last.send(event(1, message('m1', 'ben', SECRET)));
  server.last.send(event(2, message('m2', 'ben', 'harmless', { reply: message('m1', 'ben', SECRET) })));
  await server.until(() => list.items.length === 2, 'the messages');
  const cache = list.serialize();
  client.close();
  await client.flush();
  return { storage, cache };
}

/** Answers a subscribe with what happened since, and only then with its reply. */
function replay(...frames: object[]): void {
  server.onFrame = (peer, frame) => {
    if (frame['op'] === 'subscribe') for (const one of frames) peer.send(one);
    return false;
  };
}

async function after(storage: MemoryStorage, cache: string): Promise<{ client: RecallClient; list: MessageList; seen: string[] }> {
  const client = clientOf({ storage });
  const list = client.room('r');
  const seen = watch(list);
  assert.equal(list.restore(cache), true);
  assert.deepEqual([list.items, list.lastLine, list.get('m1')], [[], null, undefined]);
  await client.connect();
  await client.subscribeAll();
  return { client, list, seen };
}

test('a kept list shows only after what happened since is applied', async () => {
  const { storage, cache } = await before();
  assert.ok(cache.includes(SECRET), 'it was kept');
  replay(recall(3, message('m1', 'ben', SECRET), { quotedBy: ['m2'] }), event(4, message('m4', 'ben', 'new')));
  const { list, seen } = await after(storage, cache);
  assert.deepEqual(list.items.map((item) => [item.kind, item.id]), [['notice', 'm1'], ['message', 'm2'], ['message', 'm4']]);
  assert.ok(seen.length > 1 && !seen.join('').includes(SECRET));
  assert.ok(!list.serialize().includes(SECRET));
});

test('without news the kept list shows as it was', async () => {
  const { storage, cache } = await before();
  const { list } = await after(storage, cache);
  assert.deepEqual(list.items.map((item) => item.id), ['m1', 'm2']);
  assert.equal(list.lastLine?.id, 'm2');
  assert.equal(list.hasMore, true);
});

test('after a reset nothing of the kept list shows that the server does not have', async () => {
  const { storage, cache } = await before();
  replay({ op: 'reset', room: 'r', epoch: 'e2', seq: 90 });
  server.heads = { r: { epoch: 'e2', seq: 90 } };
  const gone = message('m1', 'ben', SECRET);
  server.onCall = () => [200, { RC: 0, RM: 'OK', result: { data: [message('m9', 'ben', 'new'), recalled(gone)] } }];
  const { list, seen } = await after(storage, cache);
  await server.until(() => list.items.length > 0, 'the reload');
  assert.deepEqual(list.items.map((item) => [item.kind, item.id]), [['message', 'm9'], ['notice', 'm1']].reverse());
  assert.ok(!seen.join('').includes(SECRET));
});

test('a list kept earlier than the cursor: the room is asked for from the list\'s place', async () => {
  const storage = new MemoryStorage();
  const { cache } = await before(storage);
  const second = clientOf({ storage });
  await second.connect();
  await second.subscribeAll();
  server.last.send(recall(3, message('m1', 'ben', SECRET)));
  await server.until(() => server.last.of('ack').length > 0, 'the ack');
  second.close();
  await second.flush();
  replay(recall(3, message('m1', 'ben', SECRET)));
  const { list, seen } = await after(storage, cache);
  assert.equal(server.last.of('subscribe')[0]!['since'].r.seq, 2);
  assert.equal(list.get('m1')?.kind, 'notice');
  assert.ok(!seen.join('').includes(SECRET));
});

test('tombstones win over a kept list that has no news of them', async () => {
  const first = new MessageList({ room: 'r', user: 'ann' });
  first.apply(event(1, message('m1', 'ben', SECRET)));
  const text = first.serialize();
  const list = new MessageList({ room: 'r', user: 'ann' });
  assert.equal(list.restore(text), true);
  const seen = watch(list);
  list.apply(recall(2, message('m1', 'ben', SECRET), { isDelete: true }));
  list.apply(event(3, message('m1', 'ben', SECRET)));
  list.caughtUp();
  assert.deepEqual(list.items, []);
  assert.ok(!seen.join('').includes(SECRET));
});

test('a room that the user left, or another user: the kept list is forgotten', async () => {
  const { storage, cache } = await before();
  const left = clientOf({ storage });
  assert.equal(left.room('r').restore(cache), true);
  server.onFrame = (peer, frame) => {
    if (frame['op'] !== 'subscribe') return false;
    peer.reply(frame['id'], { rooms: [{ room: 'r', error: { code: 'NOT_ROOM_MEMBER', message: 'no member' } }] });
    return true;
  };
  left.on('error', () => undefined);
  await left.connect();
  await left.subscribe(['r']);
  assert.ok(!left.room('r').serialize().includes(SECRET));
  left.room('r').caughtUp();
  assert.deepEqual(left.room('r').items, []);

  server.onFrame = () => false;
  server.ready = { ...server.ready, user: { _id: 'eve', nickname: 'Eve' } };
  const { list, seen } = await after(new MemoryStorage(), cache);
  assert.deepEqual(list.items, []);
  assert.ok(!seen.join('').includes(SECRET));
});

test('what is damaged, of another room, or late is refused', async () => {
  const { storage, cache } = await before();
  const client = clientOf({ storage });
  const list = client.room('r');
  for (const text of ['', '{', '[]', '{"version":1}', cache.replace('"room":"r"', '"room":"s"'), cache.replace(/"seq":\d+/, '"seq":"2"')]) {
    assert.equal(list.restore(text), false, text);
  }
  await client.connect();
  assert.equal(list.restore(cache), false, 'events come in already');
  assert.equal(new MessageList({ room: 'r' }).serialize(), '', 'no place in the log, nothing to keep');
});

test('the text for editing again is not kept; the oldest by their last change are left out', () => {
  const list = new MessageList({ room: 'r', user: 'ann', now: () => Date.now() });
  const mine = message('m1', 'ann', SECRET);
  list.apply(event(1, mine));
  list.apply(recall(2, mine, { at: Date.now() }));
  const item = list.items[0]!;
  assert.ok(item.kind === 'notice' && item.notice.recallContent === SECRET);
  assert.ok(!list.serialize().includes(SECRET));
  for (let i = 2; i <= 9; i++) list.apply(event(i + 1, message(`m${i}`, 'ben', `text ${i}`)));
  const other = new MessageList({ room: 'r', user: 'ann' });
  other.restore(list.serialize(3));
  other.caughtUp();
  assert.deepEqual(other.items.map((one) => one.id), ['m1', 'm8', 'm9'], 'm1 changed last');
  assert.equal(other.hasMore, true);
});

// The parts that can be looked at alone: delays, acks, storage, the built bundle, addresses.
import assert from 'node:assert/strict';
import { buildSync } from 'esbuild';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Backoff, IndexedDbStorage, ItemStorage, MemoryStorage, RecallClient } from 'recall-client';
// The internals come from the build as well.
import { Acks } from '../dist/acks.js';
import { utf8Length } from '../dist/env.js';
import { RecallError } from '../dist/errors.js';
import { httpUrlOf } from '../dist/http.js';
import { RoomLog, TOMBSTONES_PER_ROOM } from '../dist/log.js';
import { MAX_PENDING, Requests } from '../dist/requests.js';
import { Rooms } from '../dist/rooms.js';
import { tombstoneOf } from '../dist/notice.js';
import { fakeClock } from './clock.js';
import { message, recall } from './frames.js';

const root = fileURLToPath(new URL('..', import.meta.url));

test('delays double up to the bound, are spread, and start anew after a reset', () => {
  const low = new Backoff({ minMS: 100, maxMS: 1000 }, () => 0);
  const high = new Backoff({ minMS: 100, maxMS: 1000 }, () => 1);
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(() => low.next()), [25, 50, 100, 200, 250, 250]);
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(() => high.next()), [100, 200, 400, 800, 1000, 1000]);
  high.reset();
  assert.equal(high.next(), 100);
  for (let i = 0; i < 2000; i++) high.next();
  assert.equal(high.next(), 1000);
});

test('acks: one frame per room, recalls first to be due, paced under the server\'s limit', (t) => {
  const clock = fakeClock(t);
  const frames: Record<string, unknown>[] = [];
  const acks = new Acks((frame) => frames.push(frame) > 0, () => 0.5);
  for (let i = 0; i < 100; i++) acks.applied(`room-${i}`, 5, false);
  acks.applied('room-99', 6, true);
  clock.tick(124);
  assert.equal(frames.length, 0);
  clock.tick(1);
  assert.deepEqual(frames, [{ op: 'ack', room: 'room-99', seq: 6 }]);
  clock.tick(875);
  assert.equal(frames.length, 41);
  clock.tick(500);
  assert.equal(frames.length, 81);
  clock.tick(500);
  assert.equal(frames.length, 100);
  clock.tick(60_000);
  assert.equal(frames.length, 100);
});

test('acks: what went out shortly before the connection broke is told again, refusals too', (t) => {
  const clock = fakeClock(t);
  let online = true;
  const frames: Record<string, unknown>[] = [];
  const acks = new Acks((frame) => online && frames.push(frame) > 0, () => 1);
  acks.applied('r', 7, true, true);
  clock.tick(250);
  online = false;
  acks.stop();
  acks.applied('s', 3, true);
  clock.tick(5000);
  online = true;
  acks.resume();
  clock.tick(1000);
  const expected = { op: 'ack', room: 'r', seq: 7, refused: [7] };
  assert.deepEqual(frames.filter((frame) => frame['room'] === 'r'), [expected, expected]);
  assert.deepEqual(frames.filter((frame) => frame['room'] === 's'), [{ op: 'ack', room: 's', seq: 3 }]);
  clock.tick(120_000);
  acks.resume();
  clock.tick(5000);
  assert.equal(frames.length, 3, 'what is long done is not told again');
});

test('requests beyond the bound are refused', async () => {
  const requests = new Requests(60_000, () => false);
  const waiting = Array.from({ length: MAX_PENDING }, () => requests.request({ op: 'send' }));
  await assert.rejects(requests.request({ op: 'send' }), (error: RecallError) => error.code === 'BUSY');
  requests.failAll(new RecallError('CLOSED', 'over'));
  const ended = await Promise.allSettled(waiting);
  assert.ok(ended.every((one) => one.status === 'rejected'));
});

test('tombstones are bounded, survive the storage, and hold no content', () => {
  const log = new RoomLog('r');
  for (let i = 0; i <= TOMBSTONES_PER_ROOM; i++) log.bury(tombstoneOf(recall(i, message(`m${i}`, 'ann', 'secret')))!);
  assert.equal(log.tombstones.length, TOMBSTONES_PER_ROOM);
  assert.equal(log.tombstone('m0'), undefined);
  const text = log.serialize();
  assert.ok(!text.includes('secret'));
  const other = new RoomLog('r');
  other.restore(text);
  assert.deepEqual(other.tombstone('m7'), log.tombstone('m7'));
  for (const damaged of ['', '{', '{}', '[null,1,{"id":5}]']) {
    const third = new RoomLog('r');
    third.restore(damaged);
    assert.equal(third.hasTombstones, false, damaged);
  }
});

test('an asynchronous storage works, and its failures are reported, not fatal', async () => {
  const inner = new MemoryStorage();
  const slow = {
    getItem: async (key: string) => inner.get(key),
    setItem: async (key: string, value: string) => inner.set(key, value),
    removeItem: async (key: string) => inner.remove(key),
  };
  const errors: RecallError[] = [];
  const rooms = new Rooms(new ItemStorage(slow), (error) => errors.push(error));
  await rooms.open('u:');
  rooms.moved('r', { epoch: 'e1', seq: 4 });
  await rooms.flush();
  assert.equal(inner.get('recall:u:cursors'), '{"r":{"epoch":"e1","seq":4}}');
  const again = new Rooms(new ItemStorage(slow), (error) => errors.push(error));
  await again.open('u:');
  assert.deepEqual(again.cursor('r'), { epoch: 'e1', seq: 4 });
  assert.equal(errors.length, 0);
  slow.setItem = async () => {
    throw new Error('quota');
  };
  again.moved('r', { epoch: 'e1', seq: 5 });
  await again.flush();
  assert.deepEqual(errors.map((error) => error.code), ['STORAGE']);
});

test('another user on the same client sees nothing of the first', async () => {
  const rooms = new Rooms(new MemoryStorage(), (error) => assert.fail(error));
  await rooms.open('ann:');
  rooms.state('r').log.cursor = { epoch: 'e1', seq: 4 };
  rooms.moved('r', { epoch: 'e1', seq: 4 });
  await rooms.open('ben:');
  assert.equal(rooms.cursor('r'), undefined);
  await rooms.open('ann:');
  assert.deepEqual(rooms.cursor('r'), { epoch: 'e1', seq: 4 });
});

test('the HTTP address lies beside the socket\'s', () => {
  assert.equal(httpUrlOf('ws://host:8080/ws'), 'http://host:8080');
  assert.equal(httpUrlOf('wss://host/chat/ws/'), 'https://host/chat');
  assert.equal(httpUrlOf('wss://host'), 'https://host');
});

test('bytes of a text are those of UTF-8', () => {
  for (const text of ['', 'abc', 'ü', '€', '😀', 'a😀ü€\ud800']) assert.equal(utf8Length(text), Buffer.byteLength(text), text);
});

test('the package bundles for a browser, without anything of Node', () => {
  const { outputFiles, warnings } = buildSync({
    stdin: { contents: 'export * from "recall-client"', resolveDir: root }, bundle: true, format: 'esm',
    platform: 'browser', target: 'es2022', minify: true, write: false,
  });
  assert.deepEqual(warnings, []);
  const text = outputFiles[0]!.text;
  assert.doesNotMatch(text, /\brequire\(|from ?"|process\.|Buffer\b/);
  const bundle = readFileSync(`${root}/dist/recall-client.bundle.js`, 'utf8');
  assert.match(bundle, /RecallClient/);
});

test('a browser\'s own WebSocket, fetch and localStorage fit the options', () => {
  // Checked by the compiler: this build of the tests knows the DOM's types.
  const inBrowser = (): RecallClient => new RecallClient({
    url: 'ws://host/ws', clientKey: 'k', token: 't', WebSocket: globalThis.WebSocket, fetch: globalThis.fetch,
    storage: new ItemStorage(globalThis.localStorage),
  });
  const inWorker = (): IndexedDbStorage => new IndexedDbStorage('recall', globalThis.indexedDB);
  if (globalThis.localStorage === undefined) assert.throws(inBrowser, /there is no localStorage here/);
  assert.throws(inWorker, /there is no indexedDB here/);
});

test('the package has no runtime dependency', () => {
  const manifest = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as Record<string, unknown>;
  assert.equal(manifest['dependencies'], undefined);
  assert.equal(manifest['peerDependencies'], undefined);
});

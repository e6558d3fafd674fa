// The client against a small server: authentication, subscriptions, acks, events, resets, requests, HTTP.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryStorage, RecallError, type EventFrame, type Forget, type RecallProgress, type ResetFrame } from 'recall-client';
import { event, message, recall, recalled, T0 } from './frames.js';
import { clientOf, server, statesOf } from './harness.js';

test('the auth frame comes first, under the subprotocol, and ready resolves connect', async () => {
  const client = clientOf({ device: 'phone-1' });
  const states = statesOf(client);
  assert.equal(client.state, 'offline');
  await client.connect();
  const { op, clientKey, token, device, caps } = server.last.frames[0]!;
  assert.deepEqual({ op, clientKey, token, device, caps },
    { op: 'auth', clientKey: 'key', token: 'tok', device: 'phone-1', caps: ['recall', 'quote', 'ack'] });
  assert.equal(server.last.protocol, 'recall.v1');
  assert.equal(client.user?._id, 'ann');
  assert.deepEqual(states.map(([state]) => state), ['connecting', 'online']);
});

test('a device id made by the server is kept in the storage', async () => {
  const storage = new MemoryStorage();
  const first = clientOf({ storage });
  await first.connect();
  assert.equal(server.last.frames[0]!['device'], undefined);
  first.close();
  await clientOf({ storage }).connect();
  assert.equal(server.last.frames[0]!['device'], 'd-made');
});

test('events are applied before listeners hear of them; the rest of the types have their names', async () => {
  const client = clientOf();
  await client.connect();
  await client.subscribe(['r']);
  const list = client.room('r');
  const seen: string[] = [];
  client.on('event', (ev) => seen.push(`event ${ev.seq} ${list.items.length}`));
  client.on('message', (ev) => seen.push(`message ${ev.seq}`));
  client.on('recall', (ev) => seen.push(`recall ${ev.seq} ${list.items[0]?.kind}`));
  const first = message('m1', 'ben', 'hi');
  server.last.send(event(1, first));
  server.last.send(event(1, first));
  server.last.send(recall(2, first));
  await server.until(() => seen.length >= 4, 'events');
  assert.deepEqual(seen, ['event 1 1', 'message 1', 'event 2 1', 'recall 2 notice']);
});

test('a recall is acked within 250 ms, anything else cumulatively and at most once a second', async () => {
  const client = clientOf();
  await client.connect();
  await client.subscribe(['r']);
  const peer = server.last;
  const start = Date.now();
  for (let i = 1; i <= 5; i++) peer.send(event(i, message(`m${i}`, 'ben', 'x')));
  await server.until(() => peer.of('ack').length > 0, 'the first ack');
  assert.ok(Date.now() - start >= 900, `${Date.now() - start} ms`);
  assert.deepEqual(peer.of('ack').map(({ room, seq }) => ({ room, seq })), [{ room: 'r', seq: 5 }]);
  const recallAt = Date.now(); // 250 ms, and what a slow machine adds: less than the second of the others
  peer.send(recall(6, message('m1', 'ben', 'x')));
  await server.until(() => peer.of('ack').length > 1, 'the ack of the recall');
  assert.ok(Date.now() - recallAt < 900, `${Date.now() - recallAt} ms`);
  assert.equal(peer.of('ack')[1]!['seq'], 6);
  await sleep(1200);
  assert.equal(peer.of('ack').length, 2, 'nothing new, no ack');
});

test('apply holds the ack until its promise ends; what it refuses is named in the ack', async () => {
  const applied: number[] = [];
  let release: (() => void) | undefined;
  const client = clientOf({
    apply: async (frame: EventFrame | ResetFrame) => {
      if (frame.seq === 1) await new Promise<void>((resolve) => (release = resolve));
      applied.push(frame.seq);
      return frame.seq !== 2;
    },
  });
  await client.connect();
  await client.subscribe(['r']);
  const peer = server.last;
  for (let i = 1; i <= 3; i++) peer.send(recall(i, message(`m${i}`, 'ben', 'x')));
  await sleep(400);
  assert.deepEqual([applied, peer.of('ack')], [[], []]);
  release!();
  await server.until(() => peer.of('ack').some((ack) => ack['seq'] === 3), 'the ack');
  assert.deepEqual(applied, [1, 2, 3]);
  assert.deepEqual(peer.of('ack').flatMap((ack) => ack['refused'] ?? []), [2]);
});

test('subscribeAll tells every cursor, and a restart goes on from the storage', async () => {
  const storage = new MemoryStorage();
  server.heads = { r: { epoch: 'e1', seq: 7 }, '~broadcast': { epoch: 'e1', seq: 0 } };
  const first = clientOf({ storage });
  await first.connect();
  const rooms = await first.subscribeAll();
  assert.deepEqual(rooms.map((room) => room.room).sort(), ['r', '~broadcast']);
  assert.equal(server.last.of('subscribe')[0]!['since'], undefined);
  const gone = message('m9', 'ben', 'secret');
  server.last.send(recall(8, gone));
  await server.until(() => server.last.of('ack').length > 0, 'the ack');
  first.close();
  await first.flush();
  const second = clientOf({ storage });
  await second.connect();
  await second.subscribeAll();
  assert.deepEqual(server.last.of('subscribe')[0]!['since'],
    { r: { epoch: 'e1', seq: 8 }, '~broadcast': { epoch: 'e1', seq: 0 } });
  server.last.send(event(9, gone));
  const list = second.room('r');
  await server.until(() => list.items.length > 0, 'the late message');
  assert.equal(list.items[0]!.kind, 'notice', 'the tombstone survived the restart');
});

test('what was applied before a restart is acked after it, in a quiet room as well', async () => {
  const storage = new MemoryStorage();
  server.heads = { r: { epoch: 'e1', seq: 7 }, empty: { epoch: 'e1', seq: 0 } };
  const first = clientOf({ storage });
  await first.connect();
  await first.subscribeAll();
  server.last.send(recall(8, message('m1', 'ben', 'x')));
  await server.until(() => first.room('r').tombstones.length > 0, 'the recall');
  // The page ends before the ack is due.
  await first.flush();
  server.last.socket.removeAllListeners('message');
  first.close();
  server.heads = { r: { epoch: 'e1', seq: 8 }, empty: { epoch: 'e1', seq: 0 } };
  const second = clientOf({ storage });
  await second.connect();
  await second.subscribeAll();
  await server.until(() => server.last.of('ack').length > 0, 'the ack');
  assert.deepEqual(server.last.of('ack'), [{ op: 'ack', room: 'r', seq: 8 }]);
});

test('a refused room is told to the caller and not asked for again', async () => {
  const client = clientOf();
  const errors: RecallError[] = [];
  client.on('error', (error) => errors.push(error));
  server.onFrame = (peer, frame) => {
    if (frame['op'] !== 'subscribe') return false;
    peer.reply(frame['id'], {
      rooms: (frame['rooms'] as { room: string }[]).map(({ room }) => room === 'x'
        ? { room, error: { code: 'NOT_ROOM_MEMBER', message: 'no member' } } : { room, epoch: 'e1', seq: 3, recovered: true }),
    });
    return true;
  };
  await client.connect();
  const rooms = await client.subscribe(['r', 'x']);
  assert.equal(rooms.find((room) => room.room === 'x')?.error?.code, 'NOT_ROOM_MEMBER');
  assert.equal(errors[0]?.code, 'NOT_ROOM_MEMBER');
  server.last.socket.terminate();
  await server.until(() => server.peers.length === 2 && server.last.of('subscribe').length > 0, 'the resubscribe');
  assert.deepEqual(server.last.of('subscribe')[0]!['rooms'], [{ room: 'r', epoch: 'e1', since: 3 }]);
});

test('a recall that is asked before the connection stands goes out with it; a refusal names its reason', async () => {
  const client = clientOf();
  server.onFrame = (peer, frame) => {
    if (frame['op'] !== 'recall') return false;
    peer.send({
      op: 'reply', id: frame['id'], RC: 403, RM: 'The time to recall this message has passed.',
      error: { code: 'INSUFFICIENT_PERMISSION', message: 'The time to recall this message has passed.' },
    });
    return true;
  };
  const asked = client.recall('r', 'm1', { isDelete: true, reason: 'typo' });
  void client.connect();
  await assert.rejects(asked, (error: RecallError) => {
    assert.equal(error.code, 'INSUFFICIENT_PERMISSION');
    assert.equal(error.rc, 403);
    assert.match(error.message, /time to recall/);
    return true;
  });
  const { op, room, _id, isDelete, reason } = server.last.of('recall')[0]!;
  assert.deepEqual({ op, room, _id, isDelete, reason }, { op: 'recall', room: 'r', _id: 'm1', isDelete: true, reason: 'typo' });
});

test('an unanswered request times out and says what is known', async () => {
  const client = clientOf({ timeoutMS: 150 });
  server.onFrame = (_peer, frame) => frame['op'] === 'send';
  await client.connect();
  await assert.rejects(client.send('r', { message: 'hi' }), /no answer to this send within 150 ms; whether it was done is not known/);
  server.last.socket.terminate();
  client.close();
  await assert.rejects(clientOf({ timeoutMS: 50 }).send('r', { message: 'hi' }), /it never went out/);
});

test('a frame over the limit is refused here, and the connection lives', async () => {
  server.ready = { ...server.ready, limits: { frame: 1000, rooms: 10 } };
  const client = clientOf();
  await client.connect();
  await assert.rejects(client.send('r', { message: 'ü'.repeat(500) }), (error: RecallError) => error.code === 'FRAME_TOO_LARGE');
  await client.send('r', { message: 'u'.repeat(500) });
  assert.equal(server.peers.length, 1);
});

test('subscribes and cursors over the limit are split or left out', async () => {
  server.ready = { ...server.ready, limits: { frame: 700, rooms: 1024 } };
  const client = clientOf();
  await client.connect();
  const names = Array.from({ length: 30 }, (_, i) => `room-${i}-${'x'.repeat(20)}`);
  for (const [i, name] of names.entries()) server.heads[name] = { epoch: 'e1', seq: i };
  const rooms = await client.subscribe(names);
  assert.equal(rooms.length, 30);
  assert.ok(server.last.of('subscribe').length > 1);
  await client.subscribeAll();
  const since = Object.keys(server.last.of('subscribe').pop()!['since']);
  assert.ok(since.length > 0 && since.length < 30);
  assert.ok(since.includes(names[29]!), 'the longest log keeps its cursor');
  for (const frame of server.last.frames) assert.ok(JSON.stringify(frame).length <= 700);
});

test('reset: the room is loaded over HTTP, then goes on; the ack waits for it', async () => {
  const client = clientOf();
  await client.connect();
  await client.subscribe(['r']);
  const list = client.room('r');
  const old = message('m1', 'ben', 'recalled while away');
  server.last.send(event(1, old));
  await server.until(() => list.items.length === 1, 'the message');
  let failures = 1;
  server.onCall = () => failures-- > 0 ? [503, { RC: 503, RM: 'later', error: { code: 'SERVICE_UNAVAILABLE', message: 'later' } }]
    : [200, { RC: 0, RM: 'OK', result: { totalCount: 2, data: [recalled(old), message('m2', 'ben', 'new')] } }];
  const resets: ResetFrame[] = [];
  client.on('reset', (reset) => resets.push(reset));
  server.last.send({ op: 'reset', room: 'r', epoch: 'e2', seq: 90 });
  await server.until(() => server.calls.length === 1, 'the first attempt');
  assert.deepEqual(server.last.of('ack').filter((ack) => ack['seq'] === 90), []);
  await server.until(() => list.items.length === 2, 'the reload');
  assert.deepEqual(list.items.map((item) => [item.kind, item.id]), [['notice', 'm1'], ['message', 'm2']]);
  assert.match(server.calls[1]!.url, /^\/rooms\/r\/messages\/v3\?limit=/);
  assert.equal(server.calls[1]!.headers['im-client-key'], 'key');
  assert.equal(server.calls[1]!.headers['im-authorization'], 'tok');
  await server.until(() => server.last.of('ack').some((ack) => ack['seq'] === 90), 'the ack');
  server.last.send(event(91, message('m3', 'ben', 'on'), 'message', 'e2'));
  await server.until(() => list.items.length === 3, 'the event after it');
  assert.equal(resets.length, 1);
});

test('an error that answers no request is told to the app', async () => {
  const client = clientOf();
  await client.connect();
  const told = new Promise<RecallError>((resolve) => client.on('error', resolve));
  server.last.send({ op: 'reply', id: null, RC: 403, RM: 'no member', error: { code: 'NOT_ROOM_MEMBER', message: 'no member' } });
  assert.equal((await told).code, 'NOT_ROOM_MEMBER');
});

test('another epoch without a reset is taken as one', async () => {
  server.onCall = () => [200, { RC: 0, RM: 'OK', result: { data: [message('m7', 'ben', 'current')] } }];
  const client = clientOf();
  await client.connect();
  await client.subscribe(['r']);
  const list = client.room('r');
  server.last.send(event(50, message('m1', 'ben', 'old')));
  server.last.send(event(3, message('m8', 'ben', 'newest'), 'message', 'e2'));
  await server.until(() => list.get('m7') !== undefined, 'the reload');
  assert.deepEqual(list.items.map((item) => item.id).filter((id) => id !== 'm8'), ['m7']);
  assert.deepEqual(list.cursor, { epoch: 'e2', seq: 3 });
});

test('HTTP calls: rooms seed the lists, markRead lowers unread, a refused token is renewed once', async () => {
  let count = 0;
  const client = clientOf({ token: async () => `t${++count}` });
  await client.connect();
  const list = client.room('a/b');
  server.onCall = ({ method, url, headers }) => {
    if (headers['im-authorization'] === 't1') return [401, { RC: 401, RM: 'no', error: { code: 'INVALID_TOKEN', message: 'no' } }];
    if (url === '/rooms') return [200, { RC: 0, RM: 'OK', result: [{ _id: 'a/b', unread: 3, lastMessage: message('m1', 'ben', 'hi') }] }];
    if (method === 'PUT') return [200, { RC: 0, RM: 'OK', result: { client: 'ann', lastRead: 'm1', badge: 1 } }];
    return [403, { RC: 403, RM: 'no member', error: { code: 'NOT_ROOM_MEMBER', message: 'no member' } }];
  };
  const rooms = await client.rooms();
  assert.equal(rooms.length, 1);
  assert.deepEqual([list.unread, list.lastLine?.id], [3, 'm1']);
  await client.markRead('a/b', 'm1');
  assert.equal(server.calls[server.calls.length - 1]!.url, '/rooms/a%2Fb/lastRead');
  assert.equal(list.unread, 1);
  await assert.rejects(client.ledger('a/b', 'm1'), (error: RecallError) => error.code === 'NOT_ROOM_MEMBER' && error.rc === 403);
  assert.equal(count, 2);
});

test('forget comes from the client with a list and without one', async () => {
  const client = clientOf();
  await client.connect();
  await client.subscribe(['r', 's']);
  const forgotten: Forget[] = [];
  client.on('forget', (forget) => forgotten.push(forget));
  client.room('r');
  server.last.send(recall(1, message('m1', 'ben', 'x')));
  server.last.send(recall(1, message('m2', 'ben', 'x', { room: 's' }), { isDelete: true }));
  await server.until(() => forgotten.length === 2, 'both');
  assert.deepEqual(forgotten.map(({ room, ids, isDelete }) => ({ room, ids, isDelete })),
    [{ room: 'r', ids: ['m1'], isDelete: false }, { room: 's', ids: ['m2'], isDelete: true }]);
});

test('the progress of a recall has its own event; a damaged signal is only a signal', async () => {
  const client = clientOf();
  const progress: RecallProgress[] = [];
  let signals = 0;
  client.on('recallProgress', (one) => progress.push(one));
  client.on('signal', () => signals++);
  await client.connect();
  const signal = { op: 'signal', room: 'r', type: 'recallProgress', _id: 'm1', acked: 2, devices: 3 };
  server.last.send(signal);
  server.last.send({ ...signal, acked: 'two' });
  await server.until(() => signals === 2, 'the signals');
  assert.deepEqual(progress, [signal]);
});

test('the ledger is asked for page by page', async () => {
  const client = clientOf();
  const page = { _id: 'm/1', room: 'r', counts: { acked: 1, refused: 0, pending: 1, offline: 0, incapable: 0 }, next: 'ben/phone' };
  server.onCall = () => [200, { RC: 0, RM: 'OK', result: page }];
  const ledger = await client.ledger('r', 'm/1', { limit: 1 });
  assert.equal(ledger.counts.acked, 1);
  await client.ledger('r', 'm/1', { limit: 1, after: ledger.next! });
  assert.deepEqual(server.calls.map((call) => call.url),
    ['/rooms/r/messages/m%2F1/recall?limit=1', '/rooms/r/messages/m%2F1/recall?limit=1&after=ben%2Fphone']);
});

test('the time for editing again goes by the server\'s clock', async () => {
  const ahead = 3_600_000;
  server.onFrame = (peer, frame) => {
    if (frame['op'] !== 'ping') return false;
    peer.send({ op: 'pong', id: frame['id'], tsMS: Date.now() + ahead });
    return true;
  };
  const client = clientOf();
  await client.connect();
  await client.subscribe(['r']);
  const mine = message('m1', 'ann', 'my words', { messageTimeMS: T0 });
  server.last.send(event(1, mine));
  server.last.send(recall(2, mine, { at: Date.now() }));
  const list = client.room('r');
  await server.until(() => list.items[0]?.kind === 'notice', 'the notice');
  const item = list.items[0]!;
  assert.ok(item.kind === 'notice' && item.notice.recallContent === undefined, 'an hour has passed on the server');
});

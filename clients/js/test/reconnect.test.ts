// What happens when a connection ends: cursors, requests, tokens, close codes, delays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RecallError } from 'recall-client';
import { event, message } from './frames.js';
import { anotherServer, clientOf, server, statesOf } from './harness.js';

test('after a lost connection rooms are followed again from their cursors, and repeats are ignored', async () => {
  const client = clientOf();
  const states = statesOf(client);
  await client.connect();
  await client.subscribe(['r', 'quiet']);
  server.last.send(event(41, message('m1', 'ben', 'hi')));
  const list = client.room('r');
  await server.until(() => list.items.length === 1, 'the message');
  server.onFrame = (peer, frame) => {
    if (frame['op'] !== 'subscribe') return false;
    peer.send(event(41, message('m1', 'ben', 'hi')));
    peer.send(event(42, message('m2', 'ben', 'there')));
    return false;
  };
  server.last.socket.terminate();
  await server.until(() => list.items.length === 2, 'the replay');
  assert.deepEqual(server.last.of('subscribe').map((frame) => frame['rooms']),
    [[{ room: 'r', epoch: 'e1', since: 41 }, { room: 'quiet', epoch: 'e1', since: 0 }]], 'asked once');
  assert.deepEqual(states.map(([state]) => state), ['connecting', 'online', 'waiting', 'connecting', 'online']);
  const delay = states[2]![1].inMS!;
  assert.ok(delay >= 5 && delay <= 20, `${delay} ms`);
});

test('a send that lost its connection is sent again under the same clientMsgId', async () => {
  const client = clientOf();
  await client.connect();
  let dropped = 0;
  server.onFrame = (peer, frame) => {
    if (frame['op'] !== 'send' || dropped++ > 0) return false;
    peer.socket.terminate();
    return true;
  };
  const sent = await client.send('r', { message: 'hi', reply: 'm0' });
  assert.equal(server.peers.length, 2);
  const [first, second] = server.peers.map((peer) => peer.of('send')[0]!);
  assert.match(first!['clientMsgId'], /^[0-9a-f]{32}$/);
  assert.deepEqual(first, second);
  assert.equal(first!['messageType'], 'text');
  assert.equal(first!['reply'], 'm0');
  assert.equal(sent._id, `id-${first!['clientMsgId']}`);
});

test('4401: the token function is asked once more, then the client stops', async () => {
  const tokens: string[] = [];
  const client = clientOf({
    token: async () => {
      tokens.push(`t${tokens.length + 1}`);
      return tokens[tokens.length - 1]!;
    },
  });
  const states = statesOf(client);
  server.onFrame = (peer, frame) => {
    if (frame['op'] !== 'auth') return false;
    peer.send({ op: 'reply', id: frame['id'], RC: 401, RM: 'no', error: { code: 'INVALID_TOKEN', message: 'no' } });
    peer.socket.close(4401, 'token invalid');
    return true;
  };
  await assert.rejects(client.connect(), (error: RecallError) => error.code === 'INVALID_TOKEN' && error.rc === 4401);
  assert.deepEqual(server.peers.map((peer) => peer.frames[0]!['token']), ['t1', 't2']);
  assert.equal(client.state, 'closed');
  assert.equal(states[states.length - 1]![1].code, 4401);
  await sleep(200);
  assert.equal(server.peers.length, 2);
});

test('4401 with a new token that is taken: the client goes on', async () => {
  let count = 0;
  const client = clientOf({ token: async () => `t${++count}` });
  await client.connect();
  server.last.socket.close(4401, 'token expired');
  await server.until(() => server.peers.length === 2 && client.state === 'online', 'the reconnect');
  assert.equal(server.last.frames[0]!['token'], 't2');
});

test('4401 with a fixed token, 4403 and 4409 stop at once', async () => {
  for (const code of [4401, 4403, 4409]) {
    const client = clientOf();
    const before = server.peers.length;
    await client.connect();
    const waiting = client.subscribe(['r']);
    await waiting;
    server.last.socket.close(code);
    await server.until(() => client.state === 'closed', `the end after ${code}`);
    await sleep(150);
    assert.equal(server.peers.length, before + 1, String(code));
    await client.connect();
    assert.equal(client.state, 'online', 'connect() starts anew');
    client.close();
  }
});

test('other close codes reconnect, a poisonous frame is not sent again', async () => {
  const client = clientOf();
  await client.connect();
  server.onFrame = (peer, frame) => {
    if (frame['op'] !== 'send') return false;
    peer.socket.close(4413, 'too large');
    return true;
  };
  await assert.rejects(client.send('r', { message: 'x' }), (error: RecallError) => error.rc === 4413);
  for (const code of [1001, 1013, 4408, 4429]) {
    await server.until(() => client.state === 'online', `online before ${code}`);
    const before = server.peers.length;
    server.last.socket.close(code);
    await server.until(() => server.peers.length > before && client.state === 'online', `a reconnect after ${code}`);
  }
  assert.equal(server.peers.flatMap((peer) => peer.of('send')).length, 1);
});

test('expiring: the token is renewed on the same connection', async () => {
  let count = 0;
  const client = clientOf({ token: async () => `t${++count}` });
  let told = 0;
  client.on('expiring', (frame) => (told = frame.inMS));
  await client.connect();
  server.last.send({ op: 'expiring', inMS: 60_000 });
  await server.until(() => server.last.of('auth').length === 2, 'the second auth');
  assert.equal(server.last.of('auth')[1]!['token'], 't2');
  assert.equal(told, 60_000);
  await client.send('r', { message: 'still here' });
  assert.equal(server.peers.length, 1);
});

test('bye: the client waits as long as it was told, and what was asked meanwhile goes to the next connection', async () => {
  const client = clientOf();
  await client.connect();
  const states = statesOf(client);
  const start = Date.now();
  server.last.send({ op: 'bye', code: 1001, reason: 'draining', reconnectMS: 300 });
  await sleep(30);
  const sent = client.send('r', { message: 'later' });
  server.last.socket.close(1001);
  await sent;
  const took = Date.now() - start;
  assert.ok(took >= 290 && took < 4000, `${took} ms`);
  assert.equal(states[0]![0], 'waiting');
  assert.equal(states[0]![1].inMS, 300);
  assert.equal(server.peers[0]!.of('send').length, 0);
});

test('closed in the middle of a reload: the next connect asks again from what was applied', async () => {
  const client = clientOf();
  await client.connect();
  await client.subscribe(['r']);
  const list = client.room('r');
  server.last.send(event(1, message('m1', 'ben', 'old')));
  await server.until(() => server.last.of('ack').length === 1, 'the ack');
  server.onCall = () => [503, { RC: 503, RM: 'later', error: { code: 'SERVICE_UNAVAILABLE', message: 'later' } }];
  server.last.send({ op: 'reset', room: 'r', epoch: 'e2', seq: 90 });
  await server.until(() => server.calls.length > 0, 'the first attempt');
  client.close();
  await client.connect();
  await server.until(() => server.last.of('subscribe').length > 0, 'the subscribe');
  assert.deepEqual(server.last.of('subscribe')[0]!['rooms'], [{ room: 'r', epoch: 'e1', since: 1 }]);
  assert.equal(list.items.length, 1);
});

test('a dead connection is noticed by its silence, and wake() looks at once', async () => {
  server.ready = { ...server.ready, pingMS: 100 };
  const client = clientOf({ pongTimeoutMS: 100 });
  await client.connect();
  const first = server.last;
  await server.until(() => first.of('ping').length >= 2, 'pings');
  server.onFrame = (peer, frame) => peer === first && frame['op'] === 'ping';
  // Within the 4 s of until(): by the defaults of the ping and of the wait for its answer it would take longer.
  await server.until(() => server.peers.length === 2 && client.state === 'online', 'the reconnect');
  server.ready = { ...server.ready, pingMS: 25_000 };
  server.last.socket.terminate();
  await server.until(() => server.peers.length === 3 && client.state === 'online', 'the third connection');
  const pings = server.last.of('ping').length;
  await sleep(50);
  client.wake();
  await server.until(() => server.last.of('ping').length > pings, 'a ping at once');
});

test('a server that is not there: waiting with growing delays', async () => {
  const client = clientOf({ backoff: { minMS: 20, maxMS: 80 } });
  await server.stop();
  const delays: number[] = [];
  client.on('state', (state, info) => {
    if (state === 'waiting') delays.push(info.inMS!);
  });
  const connected = client.connect();
  while (delays.length < 5) await sleep(10);
  for (const [i, delay] of delays.entries()) assert.ok(delay <= Math.min(80, 20 * 2 ** i) && delay >= 5, `${i}: ${delay}`);
  client.close();
  await assert.rejects(connected, (error: RecallError) => error.code === 'CLOSED');
  assert.equal(client.state, 'closed');
  await anotherServer();
});

test('close ends waiting requests and sends the acks that are due', async () => {
  const client = clientOf();
  server.onFrame = (_peer, frame) => frame['op'] === 'send';
  await client.connect();
  await client.subscribe(['r']);
  server.last.send(event(1, message('m1', 'ben', 'x')));
  const list = client.room('r');
  await server.until(() => list.items.length === 1, 'the message');
  const sent = client.send('r', { message: 'never' });
  client.close();
  await assert.rejects(sent, (error: RecallError) => error.code === 'CLOSED');
  await server.until(() => server.last.of('ack').length === 1, 'the ack');
});


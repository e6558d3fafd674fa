// recall-client against the real server: what an app sees through it, also when the server is killed and when it was away.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { after } from 'node:test';
import WebSocket from 'ws';
import { APP, ROOT, checkOrder, client as apiOf, eventually, fileServer, makeRoom, makeUsers, newId, ownServer, platform, signToken, sleep, startServer, tempDir, test } from './lib/suite.mjs';

// Bundled from its source, with the esbuild of the demo page, which tests/run has installed.
const { buildSync } = createRequire(path.join(ROOT, 'clients/demo/package.json'))('esbuild');
const bundle = path.join(tempDir('client'), 'recall-client.mjs');
buildSync({ entryPoints: [path.join(ROOT, 'clients/js/src/index.ts')], bundle: true, format: 'esm', outfile: bundle });
const { ItemStorage, MemoryStorage, RecallClient } = await import(pathToFileURL(bundle));

const server = await fileServer({ server: { threads: 2 } });
const admin = platform(server, APP);
const open = new Set();
after(() => { for (const one of open) one.close(); });

/** A client with what it got and told: frames, events, resets, errors, and all that its lists ever showed. */
function clientOf(of, user, more = {}) {
  const frames = [];
  class Recorded extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      this.on('message', (data) => frames.push(String(data)));
    }
  }
  const client = new RecallClient({ url: of.ws, clientKey: APP.client_key, token: user.token, WebSocket: Recorded, backoff: { minMS: 50, maxMS: 400 }, ...more });
  Object.assign(client, { frames, events: [], resets: [], errors: [], shown: new Set() });
  client.on('event', (event) => client.events.push(event));
  client.on('reset', (reset) => client.resets.push(reset));
  client.on('error', (error) => client.errors.push(error));
  client.watch = (room) => {
    const list = client.room(room);
    list.on('change', () => { for (const item of [...list.items, list.lastLine]) client.shown.add(JSON.stringify(item)); });
    return list;
  };
  client.everSaw = (text) => [...client.shown, ...frames].some((one) => one.includes(text));
  open.add(client);
  return client;
}

async function online(of, user, more) {
  const client = clientOf(of, user, more);
  await client.connect();
  await client.subscribeAll();
  return client;
}

const eventsOf = (client, room) => client.events.filter((event) => event.room === room);
const kinds = (list) => list.items.map((item) => `${item.kind} ${item.id}`);

test('send, reply, edit, recall and delete, in the lists of two users', async () => {
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const room = await makeRoom(ann, [ben]);
  const [a, b] = [await online(server, ann), await online(server, ben)];
  const [mine, theirs] = [a.watch(room), b.watch(room)];
  const first = await a.send(room, { message: 'first' });
  const answer = await b.send(room, { message: 'an answer', reply: first._id });
  const last = await a.send(room, { message: 'lst' });
  await a.send(room, { _id: last._id, message: 'last' });
  await eventually('the edit', () => theirs.get(last._id)?.message.message === 'last');
  assert.equal(theirs.get(answer._id).message.reply.message, 'first');
  assert.equal(theirs.unread, 2);
  const after = await a.recall(room, first._id, { reason: 'typo' });
  assert.equal(after.messageType, 'recall');
  await a.recall(room, last._id, { isDelete: true });
  for (const list of [mine, theirs]) {
    await eventually('both recalls', () => list.get(last._id) === undefined);
    assert.deepEqual(kinds(list), [`notice ${first._id}`, `message ${answer._id}`]);
    assert.equal(list.get(answer._id).message.reply.messageType, 'recall');
    assert.equal(list.lastLine.id, answer._id);
  }
  assert.equal(theirs.unread, 0);
  assert.equal(mine.get(first._id).notice.recallContent, 'first', 'its author may edit it again');
  assert.equal(theirs.get(first._id).notice.recallContent, undefined);
  await assert.rejects(b.recall(room, 'no-such-message'), { code: 'MESSAGE_NOT_FOUND', rc: 404 });
  const fresh = await online(server, ben);
  await fresh.room(room).load();
  assert.deepEqual(kinds(fresh.room(room)), kinds(theirs), 'history says the same');
  assert.deepEqual([...a.errors, ...b.errors], []);
});

test('rooms, unread, markRead, typing and read signals', async () => {
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const room = await makeRoom(ann, [ben]);
  const [a, b] = [await online(server, ann), await online(server, ben)];
  const list = b.watch(room);
  const one = await a.send(room, { message: 'one' });
  const two = await a.send(room, { message: 'two' });
  assert.ok((await b.rooms()).some((each) => each._id === room));
  await eventually('two unread', () => list.unread === 2);
  const other = await online(server, ben);
  other.watch(room);
  await other.rooms();
  const signals = [];
  a.on('signal', (signal) => signals.push(`${signal.type} ${signal.client}`));
  b.typing(room);
  await eventually('the typing signal', () => signals.includes('typing ben'));
  assert.equal((await b.markRead(room, one._id)).badge, 1);
  assert.equal(list.unread, 1);
  await b.markRead(room, two._id);
  await eventually('read on the other device', () => other.room(room).unread === 0);
  await eventually('the read signal', () => signals.includes('read ben'));
  await b.unsubscribe([room]);
});

test('kill -9 in the middle of traffic: everything sent arrives once, in order, without a gap', async () => {
  let own = await startServer({ server: { threads: 2 } });
  after(async () => { if (own.alive()) await own.stop(); });
  const { ann, ben } = await makeUsers(own, APP, 'ann', 'ben');
  const room = await makeRoom(ann, [ben]);
  const [a, b] = [await online(own, ann), await online(own, ben)];
  const [mine, theirs] = [a.watch(room), b.watch(room)];
  const sent = [];
  const recalled = [];
  let going = true;
  const traffic = (async () => {
    for (let i = 0; going; i += 1) {
      const message = await a.send(room, { message: `number ${i}` });
      sent.push(message._id);
      if (i % 4 === 0) recalled.push((await a.recall(room, message._id))._id);
      await sleep(5);
    }
  })();
  for (let round = 0; round < 2; round += 1) {
    await sleep(300);
    const { dir, host, port } = own;
    await own.kill9();
    own = await startServer({ dir, server: { threads: 2, listen: `${host}:${port}` } });
    await eventually('both online again', () => a.state === 'online' && b.state === 'online');
  }
  await sleep(200);
  going = false;
  await traffic;
  for (const client of [a, b]) await eventually('the last of it', () => client.room(room).items.length === sent.length);
  for (const client of [a, b]) {
    const events = eventsOf(client, room);
    checkOrder(events, events[0].seq - 1);
    const ids = events.filter((event) => event.type === 'message').map((event) => event.message._id);
    assert.deepEqual(ids, sent, 'each once, in the order of sending');
    assert.deepEqual(client.resets, []);
  }
  assert.ok(sent.length > 20 && recalled.length > 5, `${sent.length} sent`);
  for (const list of [mine, theirs]) assert.deepEqual(list.items.filter((item) => item.kind === 'notice').map((item) => item.id), recalled);
});

/** As React Native's AsyncStorage: asynchronous, here over a file. */
function fileStore(file) {
  const all = () => (fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {});
  const write = (values) => fs.writeFileSync(file, JSON.stringify(values));
  return {
    getItem: async (key) => all()[key] ?? null,
    setItem: async (key, value) => write({ ...all(), [key]: value }),
    removeItem: async (key) => { const { [key]: _gone, ...rest } = all(); write(rest); },
  };
}

test('an app that was ended resumes from its storage: no gap, no repeat, and nothing of what was recalled meanwhile', async () => {
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const room = await makeRoom(ann, [ben]);
  const file = path.join(tempDir('storage'), 'storage.json');
  const secret = `secret ${newId()}`;
  const first = await online(server, ben, { storage: new ItemStorage(fileStore(file)) });
  const list = first.watch(room);
  const early = await ann.api.send(room, `early ${secret}`);
  const quote = await ann.api.send(room, 'quoting it', { reply: early._id });
  await eventually('both', () => list.items.length === 2);
  const cache = list.serialize();
  assert.ok(cache.includes(secret));
  const place = list.cursor;
  first.close();
  await first.flush();

  await ann.api.recall(room, early._id);
  const late = await ann.api.send(room, `late ${secret}`);
  await ann.api.recall(room, late._id);
  const gone = await ann.api.send(room, `gone ${secret}`);
  await ann.api.recall(room, gone._id, { isDelete: true });
  const there = await ann.api.send(room, 'still there');

  const second = clientOf(server, ben, { storage: new ItemStorage(fileStore(file)) });
  const again = second.watch(room);
  assert.equal(again.restore(cache), true);
  assert.deepEqual(again.items, [], 'nothing shows before it is known to be right');
  await second.connect();
  await second.subscribeAll();
  checkOrder(eventsOf(second, room), place.seq);
  assert.equal(eventsOf(second, room).length, 6);
  const expected = [`notice ${early._id}`, `message ${quote._id}`, `notice ${late._id}`, `message ${there._id}`];
  assert.deepEqual(kinds(again), expected);
  await again.load();
  assert.deepEqual(kinds(again), expected, 'history brings nothing back');
  assert.equal(second.everSaw(secret), false);
  assert.ok(!again.serialize().includes(secret));
  assert.deepEqual(second.resets, []);
  assert.ok(!fs.readFileSync(file, 'utf8').includes(secret), 'the storage holds no content');
});

test('a token that is about to end is renewed on the same connection', async () => {
  await admin.post('/admin/clients', { _id: 'brief', nickname: 'Brief' });
  const lives = [5, 600];
  const client = clientOf(server, {}, {
    token: async () => signToken(APP, { sub: 'brief', exp: Math.floor(Date.now() / 1000) + (lives.shift() ?? 600) }),
  });
  const states = [];
  client.on('state', (state) => states.push(state));
  await client.connect();
  await eventually('the second token', () => lives.length === 0);
  await sleep(6000);
  await client.subscribeAll();
  assert.deepEqual(states, ['connecting', 'online']);
  assert.deepEqual(client.errors, []);
});

test('a token bound with an expirationDate ends: the client comes back with another', async () => {
  const bind = async (ms) => {
    const token = `bound-${newId()}`;
    await admin.post('/admin/clients', { _id: 'bound', nickname: 'B', token, expirationDate: new Date(Date.now() + ms).toISOString() });
    return token;
  };
  const tokens = [await bind(2500), await bind(600000)];
  const asked = [];
  const client = clientOf(server, {}, { token: async () => { asked.push(Date.now()); return tokens[Math.min(asked.length, tokens.length) - 1]; } });
  await client.connect();
  await sleep(3500);
  await eventually('online', () => client.state === 'online');
  assert.ok(asked.length >= 2, 'another was asked for');
  await client.rooms();
});

test('the same room in another database: reset, the list is loaded anew, and goes on', async (t) => {
  const setUp = async (of) => {
    const { ann, ben } = await makeUsers(of, APP, 'ann', 'ben');
    await makeRoom(ann, [ben], { _id: 'same-room' });
    return { ann, ben };
  };
  let own = await ownServer(t);
  const before = await setUp(own);
  const token = signToken(APP, { sub: 'ben' });
  const client = await online(own, { token }, { device: 'd', storage: new MemoryStorage() });
  const list = client.watch('same-room');
  const old = await before.ann.api.send('same-room', 'from the old database');
  await eventually('the message', () => list.get(old._id) !== undefined);
  const other = await startServer(); // made ready elsewhere: the client may be back before anything could be made here
  const { ann } = await setUp(other);
  await other.stop();
  const { host, port } = own;
  await own.stop();
  own = await startServer({ dir: other.dir, server: { listen: `${host}:${port}` } });
  t.after(() => own.stop());
  ann.api = apiOf(own, APP, ann.token);
  const fresh = await ann.api.send('same-room', 'from the new one');
  await eventually('the reload', () => list.get(fresh._id) !== undefined, 15000);
  assert.ok(client.resets.some((reset) => reset.room === 'same-room'));
  assert.deepEqual(kinds(list), [`message ${fresh._id}`]);
  const next = await ann.api.send('same-room', 'and on');
  await eventually('the event after it', () => list.get(next._id) !== undefined);
  client.close();
});

test('the ledger and the progress of a recall, device by device', async () => {
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const room = await makeRoom(ann, [ben]);
  const tag = newId();
  const a = await online(server, ann, { device: `a-${tag}` });
  const [b, away] = [await online(server, ben, { device: `b-${tag}` }), await online(server, ben, { device: `away-${tag}` })];
  const message = await a.send(room, { message: 'counted' });
  await eventually('it is everywhere', () => [b, away].every((one) => eventsOf(one, room).length > 0));
  away.close();
  const progress = [];
  a.on('recallProgress', (one) => progress.push(one));
  await a.recall(room, message._id);
  const ours = (ledger) => Object.fromEntries(ledger.devices.filter((one) => one.device.endsWith(tag)).map((one) => [one.device.split('-')[0], one.state]));
  await eventually('the acks', async () => JSON.stringify(ours(await a.ledger(room, message._id))) === '{"a":"acked","away":"offline","b":"acked"}');
  await eventually('a signal', () => progress.some((one) => one._id === message._id && one.acked >= 2 && one.devices >= 3));
  await away.connect();
  await eventually('the third', async () => ours(await a.ledger(room, message._id)).away === 'acked');
  const all = [];
  let page = { next: undefined };
  do {
    page = await a.ledger(room, message._id, { limit: 1, after: page.next ?? undefined });
    all.push(...page.devices.map((one) => one.device));
  } while (page.next !== null);
  assert.equal(new Set(all).size, all.length);
  assert.equal(all.filter((one) => one.endsWith(tag)).length, 3);
  const { counts, ackMS, operator } = await a.ledger(room, message._id);
  assert.equal(counts.acked + counts.refused + counts.pending + counts.offline + counts.incapable, all.length);
  assert.ok(ackMS.p50 >= 0 && ackMS.max >= ackMS.p50);
  assert.equal(operator._id, 'ann');
  await assert.rejects(b.ledger(room, message._id), { rc: 403 });
});

// A room's log over HTTP: as pages and as an event stream. What a recall took back reaches neither, however slow the reader is.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { APP, Api, Device, Raw, checkOrder, curl, eventually, fileServer, head, makeRoom, makeUsers, newId, ownServer, platform,
  signToken, sleep, test } from './lib/suite.mjs';

const PAGE = 'https://pages.example';
const server = await fileServer({ server: { ping_interval: 1, ping_timeout: 5, threads: 2 }, apps: [{ ...APP, origins: PAGE }] });
const admin = platform(server, APP);
const { ann, ben, cho } = await makeUsers(server, APP, 'ann', 'ben', 'cho');
const SECRET = 'the words that nobody shall read';
const freshRoom = () => makeRoom(ann, [ben, cho]);
const credentials = (user) => (user ? { 'IM-CLIENT-KEY': APP.client_key, 'IM-Authorization': user.token } : { 'IM-API-KEY': APP.api_key });
const page = (room, query = '', api = ben.api) => api.get(`/rooms/${encodeURIComponent(room)}/events${query}`);
const large = (letter) => letter.repeat(100000);

/** An event stream, read as a browser's EventSource does: {id, event, data} of each event, comments apart. */
class Stream {
  static all = new Set();

  constructor(on, user, room, { query = '', headers = {}, paused = false } = {}) {
    Object.assign(this, { events: [], comments: 0, text: '', retry: null, ended: false, pending: '' });
    this.answered = new Promise((resolve, reject) => {
      this.request = http.get(`${on.base}/rooms/${encodeURIComponent(room)}/events${query}`,
        { agent: false, headers: { ...credentials(user), Accept: 'text/event-stream', ...headers } }, (response) => {
          this.response = response;
          this.status = response.statusCode;
          response.setEncoding('utf8');
          if (paused) response.pause();
          response.on('data', (data) => { this.text += data; this.take(data); });
          response.on('close', () => { this.ended = true; });
          response.on('error', () => {});
          if (paused) response.pause();
          resolve(this);
        });
      this.request.on('error', (error) => { this.ended = true; reject(error); });
    });
    Stream.all.add(this);
  }

  static open(...args) { return new Stream(...args).answered; }

  take(data) {
    const blocks = (this.pending + data).split('\n\n');
    this.pending = blocks.pop();
    for (const block of blocks) {
      const event = { event: 'message' };
      for (const line of block.split('\n')) {
        const [, name, value] = /^([a-z]*): ?(.*)$/.exec(line);
        if (name === '') this.comments += 1;
        else if (name === 'retry') this.retry = Number(value);
        else event[name] = value;
      }
      if (event.data !== undefined) this.events.push({ ...event, data: JSON.parse(event.data) });
    }
  }

  frames() { return this.events.filter((one) => one.event === 'message').map((one) => one.data); }
  until(what, check, ms) { return eventually(what, () => check(this), ms); }
  gets(id, type = 'message') {
    return this.until(`${type} ${id}`, () => this.frames().find((one) => one.type === type && one.message?._id === id), 20000);
  }

  ends(ms) { return this.until('the end of the stream', () => this.ended, ms); }
  close() { this.request.destroy(); Stream.all.delete(this); }
}

test('a page has the frames of the wire, the log\'s head and whether more follows', async () => {
  const room = await freshRoom();
  const device = await Device.follow(server, APP, ben, room);
  const from = device.positions[room].seq;
  const sent = [];
  for (const text of ['one', 'two\nlines', 'three "quoted" \u2028']) sent.push(await ann.api.send(room, text));
  await ann.api.recall(room, sent[0]._id);
  await device.waitEvent('recall', sent[0]._id);
  const all = await page(room, `?since=${from}`);
  assert.deepEqual(Object.keys(all).sort(), ['epoch', 'events', 'more', 'room', 'seq']);
  assert.deepEqual([all.room, all.epoch, all.seq, all.more], [room, device.positions[room].epoch, from + 4, false]);
  const rest = (frames) => frames.slice(1); // the first was sent with its content, and is read without it
  assert.deepEqual(rest(all.events), rest(device.events(null, room)));
  assert.deepEqual([all.events[0].type, all.events[0].message.messageType, all.events[0].message.message], ['message', 'recall', '']);
  checkOrder(all.events, from);
  const first = await page(room, `?since=${from}&epoch=${all.epoch}&limit=3`);
  assert.deepEqual([first.events, first.more], [all.events.slice(0, 3), true]);
  const whole = await page(room);
  checkOrder(whole.events, 0);
  assert.equal(whole.events.length, whole.seq, 'without since from the beginning');
});

test('a page ends at 500 events', async () => {
  const room = await freshRoom();
  for (let i = 0; i < 26; i += 1) await Promise.all(Array.from({ length: 20 }, () => ann.api.send(room, 'many')));
  const one = await page(room);
  assert.deepEqual([one.events.length, one.more], [500, true]);
  const two = await page(room, `?since=500&limit=500`);
  assert.deepEqual([two.events.length, two.more], [two.seq - 500, false]);
  await ben.api.fails([400, 'INVALID_BODY', 'limit'], 'GET', `/rooms/${room}/events?limit=501`);
});

test('what the log does not reach is a reset, never a gap', async () => {
  const room = await freshRoom();
  const { epoch, seq } = await page(room);
  for (const query of [`?since=${seq + 1}`, '?since=0&epoch=other', `?since=${seq}&epoch=other`]) {
    const answer = await page(room, query);
    assert.deepEqual([answer.events, answer.reset, answer.seq], [[], { epoch, seq }, seq], query);
  }
  assert.deepEqual((await page(room, `?since=${seq}&epoch=${epoch}`)).events, []);
});

test('rights and parameters of both forms', async () => {
  const room = await makeRoom(ann);
  for (const Accept of ['application/json', 'text/event-stream']) {
    const refused = (expected, path, api = ben.api) => api.fails(expected, 'GET', path, undefined, { Accept });
    await refused([403, 'NOT_ROOM_MEMBER'], `/rooms/${room}/events`);
    await refused([403, 'NOT_ROOM_MEMBER'], '/rooms/there-is-none/events');
    await refused([404, 'ROOM_NOT_FOUND'], '/rooms/there-is-none/events', admin);
    await refused([403, 'NOT_ROOM_MEMBER'], '/rooms/~system%2Fann/events');
    await refused([403], '/rooms/~private%2Fann%2Fcho/events');
    await refused([401], `/rooms/${room}/events`, new Api(server.base));
    await refused([401, 'INVALID_TOKEN'], `/rooms/${room}/events`, new Api(server.base, credentials({ token: 'none' })));
    await refused([400, 'INVALID_BODY', 'since'], `/rooms/${room}/events?since=-1`, ann.api);
    await refused([400, 'INVALID_BODY', 'limit'], `/rooms/${room}/events?limit=0`, ann.api);
  }
  await ann.api.fails([400, 'INVALID_BODY', 'Last-Event-ID'], 'GET', `/rooms/${room}/events`, undefined,
    { Accept: 'text/event-stream', 'Last-Event-ID': 'nonsense' });
  for (const own of ['~broadcast', '~system/ben']) {
    const answer = await page(own);
    assert.deepEqual([answer.room, answer.events.length <= answer.seq, answer.more], [own, true, false]);
  }
});

test('a stream has the same frames, live and replayed, with ids that resume it', async () => {
  const room = await freshRoom();
  const { seq: from, epoch } = await page(room);
  const old = await ann.api.send(room, 'old');
  const stream = await Stream.open(server, ben, room, { query: `?since=${from}` });
  assert.equal(stream.status, 200);
  const { headers } = stream.response;
  assert.match(headers['content-type'], /^text\/event-stream(;|$)/);
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['x-accel-buffering'], 'no');
  assert.equal(headers['content-length'], undefined);
  await stream.gets(old._id);
  assert.ok(stream.retry > 0, 'a retry hint');
  const live = await ann.api.post(`/rooms/${room}/message`, JSON.stringify({ message: 'two\nlines', messageType: 'text', card: { a: [1, '\n'] } }, null, 2));
  await stream.gets(live._id);
  await ann.api.recall(room, live._id);
  await stream.gets(live._id, 'recall');
  assert.deepEqual(stream.events.map((one) => one.id), [1, 2, 3].map((i) => `${epoch}:${from + i}`));
  checkOrder(stream.frames(), from);
  assert.equal(stream.frames()[1].message.message, 'two\nlines');
  const again = await Stream.open(server, ben, room, { query: '?since=0&epoch=other', headers: { 'Last-Event-ID': stream.events[0].id } });
  await again.gets(live._id, 'recall');
  assert.deepEqual(again.events[1], stream.events[2], 'Last-Event-ID wins over since');
  assert.deepEqual([again.events[0].data.message.messageType, again.events.length], ['recall', 2], 'replayed as it is now');
  stream.close();
  again.close();
});

test('a stream that cannot go on is told reset and goes on from there', async () => {
  const room = await freshRoom();
  const { seq, epoch } = await page(room);
  const streams = await Promise.all([
    Stream.open(server, ben, room, { query: `?since=${seq + 7}` }),
    Stream.open(server, ben, room, { headers: { 'Last-Event-ID': `before-the-restore:${seq}` } }),
    Stream.open(server, null, room, { query: `?since=${seq}&epoch=other` }),
  ]);
  for (const stream of streams) await stream.until('reset', () => stream.events.length > 0);
  const { _id: id } = await ann.api.send(room, 'after');
  for (const stream of streams) {
    await stream.gets(id);
    const [reset, next, ...more] = stream.events;
    assert.deepEqual([reset.event, reset.data], ['reset', { epoch, seq }]);
    assert.deepEqual([next.id, more], [`${epoch}:${seq + 1}`, []]);
    stream.close();
  }
});

test('a quiet stream is kept open by comments', async () => {
  const stream = await Stream.open(server, ben, await freshRoom());
  await stream.until('two comments', () => stream.comments >= 2);
  assert.equal(stream.ended, false);
  stream.close();
});

test('a stream ends with the membership, and with the token', async () => {
  const room = await freshRoom();
  const left = await Stream.open(server, cho, room);
  const stays = await Stream.open(server, ben, room);
  await ann.api.post(`/rooms/${room}/delete/members`, { members: ['cho'] });
  await left.ends();
  assert.equal(left.frames().at(-1).change, 'left');
  assert.equal((await Stream.open(server, cho, room)).status, 403);
  assert.equal(stays.ended, false);
  const { dan } = await makeUsers(server, APP, 'dan');
  const dans = await makeRoom(dan, [ben]);
  const revoked = await Stream.open(server, dan, dans);
  const shared = await Stream.open(server, ben, dans);
  await admin.delete('/admin/clients/dan/token');
  await revoked.ends();
  assert.equal((await Stream.open(server, dan, dans)).status, 401);
  const exp = Math.floor(Date.now() / 1000) + 5;
  const short = await Stream.open(server, { token: signToken(APP, { sub: 'ben', exp }) }, dans);
  assert.equal(short.status, 200);
  await short.ends(15000);
  assert.ok(Date.now() >= exp * 1000 - 100, 'not before its time');
  assert.equal(shared.ended, false);
  stays.close();
  shared.close();
});

test('readers that leave are noticed and counted', async () => {
  const room = await freshRoom();
  const open = async () => Number(/^recalld_event_streams (\d+)$/m.exec((await new Api(server.base).call('GET', '/metrics')).data)[1]);
  await eventually('no stream', async () => await open() === 0);
  const streams = await Promise.all(Array.from({ length: 10 }, () => Stream.open(server, ben, room)));
  assert.equal(await open(), 10);
  for (const stream of streams) stream.close();
  await eventually('no stream', async () => await open() === 0);
});

test('curl, HTTP/1.0 and HEAD', async () => {
  const room = await freshRoom();
  const args = ['-H', `IM-API-KEY: ${APP.api_key}`, '-H', 'Accept: text/event-stream'];
  const url = `${server.base}/rooms/${room}/events`;
  const headOnly = await curl('-I', ...args, url);
  assert.equal(headOnly.status, 200);
  for (const version of ['1.0', '1.1']) {
    const raw = await Raw.open(server);
    raw.write(head(`GET /rooms/${room}/events HTTP/${version}`, `IM-API-KEY: ${APP.api_key}`, 'Accept: text/event-stream'));
    assert.ok(await raw.until(() => raw.text.includes('data: {"op":"event"')), raw.text);
    assert.match(raw.text, /\r\nConnection: close\r\n/);
    assert.doesNotMatch(raw.text, /Transfer-Encoding/i);
    raw.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    await sleep(100);
    assert.equal(raw.answers(), 1, 'nothing follows a stream');
    raw.socket.end();
    assert.ok(await raw.closed());
  }
});

test('a server that leaves tells its streams when to come back, and does not wait for them', async (t) => {
  const own = await ownServer(t);
  const users = await makeUsers(own, APP, 'ann');
  const room = await makeRoom(users.ann);
  const streams = await Promise.all([1, 2, 3].map(() => Stream.open(own, users.ann, room)));
  for (const stream of streams) await stream.until('a frame', () => stream.events.length > 0);
  const began = Date.now();
  own.child.kill('SIGTERM');
  assert.equal((await own.ended).code, 0);
  assert.ok(Date.now() - began < 8000, `${Date.now() - began} ms`); // drain_timeout is 10 s
  for (const stream of streams) {
    await stream.ends();
    assert.match(stream.text, /: the server is leaving\nretry: \d+\n/);
    assert.ok(stream.retry >= 500 && stream.retry < 5000, `retry ${stream.retry}`);
  }
});

test('a stalled stream holds a position: it loses nothing and never sees what was recalled', async () => {
  const room = await freshRoom();
  const { seq: from } = await page(room);
  const slow = await Stream.open(server, ben, room, { query: `?since=${from}`, paused: true });
  const secrets = [];
  await ann.api.send(room, 'first');
  for (let i = 0; i < 30; i += 1) { // 15 MB: more than the kernel takes on both sides
    const texts = Array.from({ length: 5 }, (_, k) => (k === 2 && i % 10 === 9 ? `${SECRET} ${large('s')}` : large('x')));
    const sent = await Promise.all(texts.map((text) => ann.api.send(room, text)));
    sent.forEach((one, k) => { if (texts[k].startsWith(SECRET) && i > 25) secrets.push(one._id); });
  }
  for (const id of secrets) await ann.api.recall(room, id);
  const last = await ann.api.send(room, 'last');
  assert.ok(secrets.length >= 1);
  slow.response.resume();
  await slow.gets(last._id);
  checkOrder(slow.frames(), from);
  assert.equal(slow.frames().length, 152 + secrets.length);
  for (const id of secrets) {
    const frame = slow.frames().find((one) => one.type === 'message' && one.message._id === id);
    assert.deepEqual([frame.message.message, frame.message.messageType], ['', 'recall']);
  }
  slow.close();
}, { timeout: 120000 });

/** Whether the server can write no more to a reader that reads nothing: what the kernel holds for it has stayed the same for a while. */
async function isFull(raw) {
  const hex = (port) => port.toString(16).toUpperCase().padStart(4, '0');
  const line = new RegExp(`:${hex(raw.socket.remotePort)} \\S+:${hex(raw.socket.localPort)} \\S+ ([0-9A-F]{8}):`);
  const held = () => parseInt(line.exec(fs.readFileSync('/proc/net/tcp', 'utf8'))?.[1] ?? '0', 16);
  const before = held();
  await sleep(300);
  return before > 0 && held() === before;
}

test('a slow reader of a large history page is cut when a message of it is recalled', async () => {
  const room = await freshRoom();
  const { _id: id } = await ann.api.send(room, `${SECRET} ${large('s')}`); // the oldest: the last of the page
  for (let i = 0; i < 30; i += 1) await Promise.all(Array.from({ length: 5 }, () => ann.api.send(room, large('x'))));
  const read = async (recall) => {
    const raw = await Raw.open(server);
    let bytes = 0;
    let first = '';
    let tail = '';
    raw.socket.removeAllListeners('data');
    raw.socket.on('data', (data) => {
      const text = data.toString('latin1');
      bytes += data.length;
      if (!first.includes('\r\n\r\n')) first += text;
      tail = (tail + text).slice(-200000);
    });
    raw.socket.pause();
    raw.write(head(`GET /rooms/${room}/messages/v3?limit=151 HTTP/1.1`, `IM-API-KEY: ${APP.api_key}`));
    await eventually('the server is held up', () => isFull(raw), 20000);
    if (recall) await ann.api.recall(room, id);
    raw.socket.resume();
    const size = () => first.indexOf('\r\n\r\n') + 4 + Number(/^content-length: (\d+)/im.exec(first)?.[1] ?? NaN);
    if (recall) await eventually('the connection is cut', () => raw.ended, 20000);
    else await eventually('the end', () => bytes === size(), 20000);
    const { ended } = raw;
    raw.end();
    return { bytes, ended, secret: tail.includes(SECRET) };
  };
  const whole = await read(false);
  assert.ok(whole.bytes > 15e6 && whole.secret && !whole.ended, JSON.stringify(whole));
  const cut = await read(true);
  assert.ok(cut.bytes < whole.bytes && !cut.secret && cut.ended, JSON.stringify(cut));
  assert.ok(!JSON.stringify(await page(room, '?limit=1', admin)).includes(SECRET));
}, { timeout: 120000 });

test('answers that recalls overtake are read again: what began after a recall\'s answer shows nothing of it', async () => {
  const room = await freshRoom();
  let done = false;
  const recalled = new Set();
  const reader = async () => {
    while (!done) {
      const known = new Set(recalled);
      for (const path of [`/rooms/${room}/messages/v3?limit=50`, `/rooms/${room}/events?since=0`, `/rooms/${room}`]) {
        const answer = await ben.api.call('GET', path);
        assert.ok([200, 503].includes(answer.status), String(answer.status));
        const text = JSON.stringify(answer.data);
        for (const word of known) assert.ok(!text.includes(word), `${word} in ${path}`);
      }
    }
  };
  const readers = Promise.all(Array.from({ length: 6 }, reader));
  for (let i = 0; i < 60; i += 1) {
    const word = `word-${newId()}`;
    const { _id: id } = await ann.api.send(room, word);
    await ann.api.recall(room, id);
    recalled.add(word);
  }
  done = true;
  await readers;
});

test('a page of an allowed origin may call history and streams, another may not', async () => {
  const room = await freshRoom();
  for (const path of [`/rooms/${room}/messages/v3`, `/rooms/${room}/events`]) {
    const ask = (Origin) => new Api(server.base).call('OPTIONS', path, undefined, { Origin, 'Access-Control-Request-Method': 'GET',
      'Access-Control-Request-Headers': 'im-client-key,im-authorization,last-event-id' });
    const preflight = await ask(PAGE);
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers['access-control-allow-origin'], PAGE);
    const allowed = preflight.headers['access-control-allow-headers'].toLowerCase();
    for (const name of ['im-client-key', 'im-authorization', 'content-type', 'last-event-id']) assert.ok(allowed.includes(name), name);
    assert.match(preflight.headers['access-control-allow-methods'], /GET/);
    const answer = await ben.api.call('GET', path, undefined, { Origin: PAGE });
    assert.equal(answer.headers['access-control-allow-origin'], PAGE);
    assert.match(answer.headers.vary, /Origin/i);
    assert.equal((await ask('https://evil.example')).status, 403);
    const foreign = await ben.api.call('GET', path, undefined, { Origin: 'https://evil.example' });
    assert.equal(foreign.headers['access-control-allow-origin'], undefined);
  }
  const stream = await Stream.open(server, ben, room, { headers: { Origin: PAGE } });
  assert.equal(stream.response.headers['access-control-allow-origin'], PAGE);
  stream.close();
});

test('an edge: a stream of a room with nothing yet, and of a user\'s own log', async () => {
  const own = await Stream.open(server, ben, '~system/ben');
  const all = await Stream.open(server, ben, '~broadcast');
  assert.deepEqual([own.status, all.status], [200, 200]);
  await own.until('a comment', () => own.comments > 0);
  assert.equal(own.ended || all.ended, false);
  own.close();
  all.close();
});

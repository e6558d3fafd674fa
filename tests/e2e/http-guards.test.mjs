// Bytes that no well-behaved client sends: lengths, chunks, surplus, drips, floods of header, other protocols.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { APP, Api, Raw, checkError, curl, exchange, fileServer, head, makeRoom, makeUsers, ownServer, platform, sleep, tempDir, test, upgradeLines } from './lib/suite.mjs';

const server = await fileServer({ server: { body_timeout: 1 } });
const admin = platform(server, APP);
const { ann } = await makeUsers(server, APP, 'ann');
const room = await makeRoom(ann);
const KEY = `IM-API-KEY: ${APP.api_key}`;
const TYPE = 'Content-Type: application/json; charset=utf-8';
const PATH = `POST /rooms/${room}/message HTTP/1.1`;
let count = 0;
/** A body with a text of its own, so that a test can look for it in history. */
const newBody = () => { count += 1; return JSON.stringify({ message: `guard ${count}`, messageType: 'text', sender: 'ann' }); };
const times = async (body) => (await ann.api.history(room, '?limit=100')).data
  .filter((one) => one.message === JSON.parse(body).message).length;
const healthy = async () => assert.equal((await new Api(server.base).call('GET', '/healthz')).status, 200);

test('a plain request by hand works: the other tests of this file differ from it by one thing', async () => {
  const body = newBody();
  const { raw, status } = await exchange(server, head(PATH, KEY, TYPE, `Content-Length: ${body.length}`) + body);
  assert.equal(status, 200, raw.text);
  assert.equal(await times(body), 1);
  raw.end();
});

test('a chunked body is 411', async () => {
  const body = newBody();
  const { raw, status } = await exchange(server, `${head(PATH, KEY, TYPE, 'Transfer-Encoding: chunked')}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
  assert.equal(status, 411, raw.text);
  assert.equal(await times(body), 0);
  raw.end();
});

test('a POST that tells no length and no chunks does not hang', async () => {
  const { raw, status } = await exchange(server, head(PATH, KEY, TYPE));
  assert.ok([400, 411].includes(status), String(status));
  raw.end();
});

for (const lines of [['Content-Length: +5'], ['Content-Length: 0x5'], ['Content-Length: 5, 5'], ['Content-Length: 5', 'Content-Length: 7'],
  ['Content-Length: -5'], ['Content-Length: 5.0'], ['Content-Length: 99999999999999999999'], ['Content-Length: 5', 'Transfer-Encoding: chunked']]) {
  test(`${lines.join(' with ')} is refused and the connection closed`, async () => {
    const { raw, status } = await exchange(server, `${head(PATH, KEY, TYPE, ...lines)}{"a":1}`);
    assert.ok([400, 411, 413].includes(status), `${status}: ${raw.text}`);
    assert.ok(await raw.closed(), 'the connection must be closed');
    raw.end();
    await healthy();
  });
}

test('a request without Host is refused', async () => {
  const { raw, status } = await exchange(server, `GET /healthz HTTP/1.1\r\n\r\n`);
  assert.ok(status === 400 || status === null, raw.text);
  raw.end();
});

test('surplus bytes after the body: one answer, one message, the server goes on', async () => {
  for (const surplus of ['x', '\r\n', 'y'.repeat(5000)]) {
    const body = newBody();
    const { raw, status } = await exchange(server, head(PATH, KEY, TYPE, `Content-Length: ${body.length}`) + body + surplus);
    assert.ok([200, 400, null].includes(status), String(status));
    await raw.closed(500);
    assert.ok(raw.text.match(/"RC":0/g)?.length <= 1 || status !== 200, raw.text);
    assert.ok(await times(body) <= 1);
    if (status === 200) assert.equal(await times(body), 1);
    raw.end();
    await healthy();
  }
});

test('two requests in one packet get their answers in order, or the connection is closed after the first', async () => {
  const [one, two] = [newBody(), newBody()];
  const { raw } = await exchange(server, [one, two].map((body) => head(PATH, KEY, TYPE, `Content-Length: ${body.length}`) + body).join(''));
  await raw.until((self) => self.answers() === 2 || self.ended, 3000);
  assert.equal(await times(one), 1);
  assert.equal(await times(two), raw.answers() - 1, 'the second is done if and only if it is answered');
  raw.end();
});

test('a connection is kept for the next request', async () => {
  const raw = await Raw.open(server);
  for (let i = 1; i <= 3; i += 1) {
    const body = newBody();
    raw.write(head(PATH, KEY, TYPE, `Content-Length: ${body.length}`) + body);
    assert.ok(await raw.until((self) => self.answers() === i), raw.text);
  }
  raw.end();
});

test('Expect: 100-continue is answered at once', async (t) => {
  const patient = await ownServer(t); // its body_timeout, 30 s, is longer than what is waited for here
  const body = '{"_id":"expected","nickname":"Expected"}';
  const raw = await Raw.open(patient);
  raw.write(head('POST /admin/clients HTTP/1.1', KEY, TYPE, `Content-Length: ${body.length}`, 'Expect: 100-continue'));
  assert.ok(await raw.until((self) => /HTTP\/1\.1 100/.test(self.text)), `no 100: ${raw.text}`);
  raw.write(body);
  assert.equal(await raw.status(), 200, raw.text);
  raw.end();
  const answer = await curl('-X', 'POST', `${patient.base}/admin/clients`, '-H', KEY, '-H', TYPE, '-H', 'Expect: 100-continue',
    '--expect100-timeout', '15', '-d', body);
  assert.equal(answer.status, 200, answer.body);
  assert.ok(answer.seconds < 10, `${answer.seconds} s`);
});

test('a body over max_body is 413 in the envelope', async () => {
  const answer = await curl('-X', 'POST', `${server.base}/rooms/${room}/message`, '-H', KEY, '-H', TYPE, '-d', `{"message":"${'x'.repeat(60000)}"}`);
  assert.equal(answer.status, 200, 'well within the limit');
  const big = path.join(tempDir('big'), 'body.json');
  fs.writeFileSync(big, `{"message":"${'x'.repeat(257 * 1024)}"}`);
  const refused = await curl('-X', 'POST', `${server.base}/rooms/${room}/message`, '-H', KEY, '-H', TYPE, '--data-binary', `@${big}`);
  assert.equal(refused.status, 413, refused.body);
  checkError({ status: 413, headers: { 'content-type': 'application/json; charset=utf-8' }, data: JSON.parse(refused.body) }, 413, 'RESULT_TOO_LARGE');
});

test('max_body is a setting, and an announced length is enough to refuse', async (t) => {
  const small = await ownServer(t, { server: { max_body: 2000 } });
  await platform(small, APP).fails([413], 'POST', '/admin/clients', { _id: 'a', nickname: 'x', more: 'x'.repeat(2100) });
  await platform(small, APP).post('/admin/clients', { _id: 'a', nickname: 'x', more: 'x'.repeat(1000) });
  const { raw, status } = await exchange(small, head(PATH, KEY, TYPE, 'Content-Length: 900000000'));
  assert.equal(status, 413, 'before any byte of the body');
  raw.end();
});

test('headers over 8 KiB are 431 and the line 414, and the connection closed', async () => {
  const wide = await exchange(server, head('GET /healthz HTTP/1.1', `X-Wide: ${'w'.repeat(9500)}`));
  assert.equal(wide.status, 431, wide.raw.text.slice(0, 300));
  assert.ok(await wide.raw.closed());
  const long = await exchange(server, head(`GET /${'l'.repeat(9500)} HTTP/1.1`));
  assert.equal(long.status, 414, long.raw.text.slice(0, 300));
  assert.ok(await long.raw.closed());
  await healthy();
});

test('headers within 8 KiB pass', async () => {
  const { raw, status } = await exchange(server, head('GET /healthz HTTP/1.1', `X-Wide: ${'w'.repeat(6500)}`));
  assert.equal(status, 200, raw.text.slice(0, 300));
  raw.end();
});

test('a dripping body is cut at body_timeout', async () => {
  const raw = await Raw.open(server);
  const start = Date.now();
  raw.write(head(PATH, KEY, TYPE, 'Content-Length: 1000'));
  while (!raw.ended && Date.now() - start < 8000) { raw.write('x'); await sleep(100); }
  const seconds = (Date.now() - start) / 1000;
  assert.ok(raw.ended, 'still open after 8 s');
  assert.ok(seconds > 0.8 && seconds < 5, `${seconds} s`);
  raw.end();
  await healthy();
});

test('a client that leaves in the middle of a body or before the answer harms nothing', async () => {
  for (let i = 0; i < 20; i += 1) {
    const body = newBody();
    const raw = await Raw.open(server);
    raw.write(head(PATH, KEY, TYPE, `Content-Length: ${body.length}`) + body.slice(0, i % 2 ? undefined : 5));
    raw.end();
  }
  await healthy();
  await admin.post('/admin/clients', { _id: 'after', nickname: 'After' });
});

test('Upgrade: h2c is refused', async () => {
  for (const target of ['/ws', '/healthz']) {
    const { raw, status } = await exchange(server, head(`GET ${target} HTTP/1.1`, 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'), 3000);
    assert.notEqual(status, 101, raw.text);
    raw.end();
  }
  const prior = await exchange(server, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 2000);
  assert.ok(!prior.raw.text.startsWith('\u0000'), 'no HTTP/2 frames come back');
  prior.raw.end();
  await healthy();
});

test('an upgrade to anything but websocket, or away from /ws, gets no 101', async () => {
  const lines = upgradeLines();
  const good = await exchange(server, head('GET /ws HTTP/1.1', ...lines));
  assert.equal(good.status, 101, good.raw.text);
  good.raw.end();
  const strange = await exchange(server, head('GET /ws HTTP/1.1', 'Upgrade: websocket2', ...lines.slice(1)), 3000);
  assert.notEqual(strange.status, 101);
  strange.raw.end();
  const away = await exchange(server, head('GET /rooms HTTP/1.1', ...upgradeLines()), 3000);
  assert.notEqual(away.status, 101, away.raw.text);
  away.raw.end();
});

test('an upgrade does the same whole or in pieces, and with frames right behind it, which wait for the token in their order', async () => {
  const frame = (text) => { // masked with zeros
    const length = text.length < 126 ? [0x80 | text.length] : [0xfe, text.length >> 8, text.length & 0xff];
    return `${String.fromCharCode(0x81, ...length, 0, 0, 0, 0)}${text}`;
  };
  const behind = (text) => Array.from({ length: 5 }, (_, i) => frame(JSON.stringify({ op: 'ping', id: i + 1, text }))).join('');
  for (const text of ['', 'x'.repeat(400)]) {
    for (const cut of [[], [4], [40], [-10], [-4 - behind(text).length]]) {
      const lines = upgradeLines();
      const key = lines.find((line) => line.startsWith('Sec-WebSocket-Key: ')).slice(19);
      const bytes = head('GET /ws HTTP/1.1', ...lines, `IM-CLIENT-KEY: ${APP.client_key}`, `IM-Authorization: ${ann.token}`) + behind(text);
      const raw = await Raw.open(server);
      for (const part of cut.length ? [bytes.slice(0, cut[0]), bytes.slice(cut[0])] : [bytes]) {
        raw.write(Buffer.from(part, 'latin1'));
        await sleep(20);
      }
      assert.ok(await raw.until(() => (raw.text.match(/"op":"pong"/g) ?? []).length === 5), raw.text);
      const proof = crypto.createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      assert.match(raw.text, /^HTTP\/1\.1 101 /);
      assert.ok(raw.text.includes(`Sec-WebSocket-Accept: ${proof}`) && /sec-websocket-protocol: recall\.v1\r\n/i.test(raw.text), raw.text);
      assert.deepEqual([...raw.text.matchAll(/"op":"(ready|pong)"(?:,"id":(\d+))?/g)].map((found) => found[2] ?? found[1]),
        ['ready', '1', '2', '3', '4', '5']);
      raw.end();
    }
  }
});

test('garbage instead of HTTP is answered or cut, and harms nothing', async () => {
  for (const bytes of ['\u0000\u0001\u0002\u0003\r\n\r\n', 'GET\r\n\r\n', 'FROB / HTTP/1.1\r\nHost: x\r\n\r\n', '\r\n\r\n\r\n', 'GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n']) {
    const { raw } = await exchange(server, bytes, 1000);
    raw.end();
  }
  await healthy();
});

test('HEAD and OPTIONS get an answer', async () => {
  for (const method of ['HEAD', 'OPTIONS']) {
    const { raw, status } = await exchange(server, head(`${method} /healthz HTTP/1.1`), 3000);
    assert.ok(status !== null || raw.ended, `${method} hangs`);
    raw.end();
  }
  await healthy();
});

// recalld --demo: the app, users and room that it promises, on the loopback only, with keys that everyone knows.
import assert from 'node:assert/strict';
import path from 'node:path';
import { Api, Device, ROOT, client, curl, exchange, fileServer, memberIds, newId, platform, runToExit, startServer, tempDir, test } from './lib/suite.mjs';

const DEMO = { name: 'SampleApp', client_key: 'demo-client-key', api_key: 'demo-api-key' };
const dir = tempDir('demo');
const STORE = `sqlite:${path.join(dir, 'demo.db')}`;
const env = { RECALLD_SERVER_LISTEN: '127.0.0.1:0', RECALLD_SERVER_STORE: STORE,
  RECALLD_SERVER_DEMO_FILES: path.join(ROOT, 'clients/demo/dist') };
const server = await fileServer({ args: ['--demo'], env, dir });
const anyone = new Api(server.base);
const tokenOf = (user) => anyone.post('/demo/token', { user });

test('a notice says that the keys are public', () => {
  assert.match(server.log() + server.output(), /public/i);
});

test('POST /demo/token answers the token of ann, ben and cho, and of nobody else', async () => {
  for (const user of ['ann', 'ben', 'cho']) {
    const { token } = await tokenOf(user);
    assert.equal((await client(server, DEMO, token).get('/rooms/demo-room'))._id, 'demo-room');
  }
  await anyone.fails([[400, 403, 404]], 'POST', '/demo/token', { user: 'mallory' });
  await anyone.fails([400], 'POST', '/demo/token', {});
  await anyone.fails([400], 'POST', '/demo/token', { user: 5 });
});

test('a second window with the same user does not invalidate the first one\'s token', async () => {
  const [first, second] = [await tokenOf('ann'), await tokenOf('ann')];
  for (const { token } of [first, second]) await client(server, DEMO, token).get('/rooms');
});

test('demo-room has ann, ben and cho', async () => {
  const room = await platform(server, DEMO).get('/rooms/demo-room');
  assert.deepEqual(memberIds(room), ['ann', 'ben', 'cho']);
});

test('a message sent by curl with the platform key, and recalled by it as the page shows', async () => {
  const { token } = await tokenOf('ben');
  const device = await Device.follow(server, DEMO, { token }, 'demo-room');
  const id = newId();
  const post = (data, ...headers) => curl('-X', 'POST', `${server.base}/rooms/demo-room/message`, ...headers, '-H', 'Content-Type: application/json; charset=utf-8', '-d', data);
  const key = ['-H', 'IM-API-KEY: demo-api-key'];
  assert.equal((await post(`{"_id": "${id}", "message": "hi", "messageType": "text", "sender": "ann"}`, ...key)).status, 200);
  await device.waitEvent('message', id);
  const answer = await post(`{"_id": "${id}", "messageType": "recall"}`, ...key);
  assert.deepEqual([answer.status, JSON.parse(answer.body).result.messageType], [200, 'recall']);
  await device.waitEvent('recall', id);
});

test('the page is served at /demo/ with a strict content security policy', async () => {
  const page = await curl(`${server.base}/demo/`);
  assert.equal(page.status, 200, page.body.slice(0, 200));
  assert.match(page.headers, /^content-type: text\/html/im);
  assert.match(page.body, /<!doctype html>/i);
  const policy = /^content-security-policy: (.*)$/im.exec(page.headers)?.[1] ?? '';
  assert.match(policy, /default-src|script-src/);
  assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval/);
  assert.doesNotMatch(page.body, /<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|<style/i, 'nothing inline');
  const files = [...page.body.matchAll(/(?:src|href)="([^"#:]+)"/g)].map((match) => match[1]);
  assert.ok(files.some((file) => file.endsWith('.js')), String(files));
  for (const file of files) {
    const answer = await curl(new URL(file, `${server.base}/demo/`).href);
    assert.equal(answer.status, 200, file);
    if (file.endsWith('.js')) assert.match(answer.headers, /^content-type: (text|application)\/javascript/im);
    if (file.endsWith('.css')) assert.match(answer.headers, /^content-type: text\/css/im);
  }
});

test('no path leads out of the page\'s files', async () => {
  for (const target of ['/demo/../../../../etc/passwd', '/demo/..%2f..%2f..%2f..%2fetc/passwd', '/demo/%2e%2e/%2e%2e/etc/passwd', '/demo//etc/passwd', '/demo/missing.js']) {
    const { raw, status } = await exchange(server, `GET ${target} HTTP/1.1\r\nHost: ${server.host}\r\n\r\n`);
    assert.notEqual(status, 200, target);
    assert.doesNotMatch(raw.text, /root:/);
    raw.end();
  }
});

test('the demo starts again on its own database', async () => {
  const own = tempDir('again');
  const settings = { args: ['--demo'], dir: own, env: { ...env, RECALLD_SERVER_STORE: `sqlite:${path.join(own, 'demo.db')}` } };
  for (let start = 0; start < 2; start += 1) {
    const one = await startServer(settings);
    assert.deepEqual(memberIds(await platform(one, DEMO).get('/rooms/demo-room')), ['ann', 'ben', 'cho']);
    await one.stop();
  }
});

test('without --demo there is no demo token', async (t) => {
  const plain = await startServer();
  t.after(() => plain.stop());
  await new Api(plain.base).fails([[401, 404]], 'POST', '/demo/token', { user: 'ann' });
});

test('the demo listens on the loopback only', async () => {
  const cwd = tempDir('loopback');
  const end = await runToExit(['--demo'], { cwd, ms: 4000, env: { RECALLD_SERVER_LISTEN: '0.0.0.0:0', RECALLD_SERVER_STORE: 'sqlite:./demo.db' } });
  if (end.code === null) assert.match(end.stdout, /ready http=127\./, 'it may ignore the address, not obey it');
  else assert.ok(end.code === 1 || end.code === 2, end.stderr);
});

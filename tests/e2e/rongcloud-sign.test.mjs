// RongCloud's signature and its errors: each code with its HTTP status, always JSON with a number.
import assert from 'node:assert/strict';
import { APP, OTHER_APP, Raw, eventually, fileServer, head, ownServer, test } from './lib/suite.mjs';
import { RongCloud, checkAnswer, exchangeHttp, formOf, signed } from './lib/rongcloud.mjs';

const server = await fileServer({ apps: [APP, OTHER_APP] });
const rc = new RongCloud(server, APP);
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const ONLINE = '/user/checkOnline.json';

/** One call with these headers; its answer, checked. */
async function ask(headers, { path = ONLINE, body = 'userId=ann', method = 'POST', to = server } = {}) {
  const answer = await exchangeHttp(to, { method, path, body, headers: { ...FORM, ...headers } });
  return { ...answer, data: checkAnswer(answer, path) };
}

test('both header families and both units of Timestamp are taken', async () => {
  for (const family of ['', 'RC-']) {
    for (const timestamp of [Math.floor(Date.now() / 1000), Date.now(), 1408710653000, 1]) {
      assert.equal((await ask(signed(APP, { family, timestamp }))).data.code, 200, `${family} ${timestamp}`);
    }
  }
  const lower = Object.fromEntries(Object.entries(signed(APP)).map(([name, value]) => [name.toLowerCase(), value]));
  assert.equal((await ask(lower)).data.code, 200);
});

test('a nonce is any text of 1 to 64 characters, and may come again and again', async () => {
  for (const nonce of ['1', '14314', 'n'.repeat(64), 'a-b_c.d~!', '0']) {
    assert.equal((await ask(signed(APP, { nonce }))).data.code, 200, nonce);
    assert.equal((await ask(signed(APP, { nonce }))).data.code, 200, nonce);
  }
  assert.equal((await ask(signed(APP, { nonce: 'n'.repeat(65) }))).data.code, 1004);
  assert.equal((await ask(signed(APP, { nonce: '' }))).data.code, 1004);
});

test('an unknown App-Key is 1002, a wrong signature 1004, another app\'s secret 1001', async () => {
  assert.equal((await ask(signed({ ...APP, app_key: 'no-such-key' }))).data.code, 1002);
  assert.equal((await ask({})).data.code, 1002);
  assert.equal((await ask(signed(APP, { secret: 'wrong' }))).data.code, 1004);
  assert.equal((await ask(signed(APP, { signature: 'f'.repeat(40) }))).data.code, 1004);
  for (const signature of ['', 'x', 'g'.repeat(40), 'f'.repeat(39), 'f'.repeat(41)]) {
    assert.equal((await ask(signed(APP, { signature }))).data.code, 1004, signature);
  }
  assert.equal((await ask(signed(APP, { timestamp: 'now' }))).data.code, 1004);
  assert.equal((await ask(signed(APP, { secret: OTHER_APP.app_secret }))).data.code, 1001);
  for (const name of ['Nonce', 'Timestamp', 'Signature']) {
    const headers = signed(APP);
    delete headers[name];
    const { data } = await ask(headers);
    assert.equal(data.code, 1004);
    assert.ok(data.errorMessage.includes(name), data.errorMessage);
  }
});

test('no secret and no signature stands in an answer or in the log', async () => {
  const headers = signed(APP);
  const { text } = await ask({ ...headers, Signature: `${headers.Signature.slice(1)}0` });
  for (const secret of [APP.app_secret, headers.Signature]) {
    assert.ok(!text.includes(secret));
    assert.ok(!server.log().includes(secret));
  }
});

test('a locked app is 1006, and only with the right signature', async (t) => {
  const app = { ...APP, locked: 'on' };
  const to = await ownServer(t, { apps: [app] });
  assert.equal((await ask(signed(app), { to })).data.code, 1006);
  assert.equal((await ask(signed(app, { secret: 'wrong' }), { to })).data.code, 1004);
});

test('signature_max_skew refuses a clock that is off, either way', async (t) => {
  const app = { ...APP, signature_max_skew: 60 };
  const to = await ownServer(t, { apps: [app] });
  const now = Math.floor(Date.now() / 1000);
  assert.equal((await ask(signed(app, { timestamp: now - 30 }), { to })).data.code, 200);
  assert.equal((await ask(signed(app, { timestamp: (now + 30) * 1000 }), { to })).data.code, 200);
  for (const timestamp of [now - 90, now + 90, 1408710653000]) {
    const { data } = await ask(signed(app, { timestamp }), { to });
    assert.equal(data.code, 1004);
    assert.match(data.errorMessage, /Timestamp/);
  }
});

test('signature_reject_replay takes a signature once', async (t) => {
  const app = { ...APP, signature_reject_replay: 'on' };
  const to = await ownServer(t, { apps: [app] });
  const headers = signed(app, { nonce: '14314', timestamp: 1408710653000 });
  assert.equal((await ask(headers, { to })).data.code, 200);
  const { data } = await ask(headers, { to });
  assert.equal(data.code, 1004);
  assert.match(data.errorMessage, /Nonce/);
  const moved = { ...headers, Nonce: '143141', Timestamp: '408710653000' }; // the same text, cut elsewhere
  assert.equal((await ask(moved, { to })).data.code, 1004);
  assert.equal((await ask({ ...headers, Signature: headers.Signature.toUpperCase() }, { to })).data.code, 1004);
  assert.equal((await ask(signed(app, { nonce: '14315', timestamp: 1408710653000 }), { to })).data.code, 200);
});

test('an unknown path and another method are 404, signed or not', async () => {
  for (const [method, path] of [['POST', '/user/block.json'], ['POST', '/no/such.json'], ['GET', ONLINE], ['PUT', ONLINE], ['DELETE', ONLINE],
    ['PATCH', ONLINE], ['POST', '/message/recall.xml.json'], ['POST', '/'.repeat(3) + 'x.json']]) {
    assert.equal((await ask(signed(APP), { method, path })).data.code, 404, `${method} ${path}`);
  }
  assert.equal((await ask({}, { path: '/no/such.json' })).data.code, 404);
  assert.equal((await ask(signed(APP), { path: '/no/such' })).data.code, 404);
  const answer = await exchangeHttp(server, { method: 'GET', path: '/rooms/room.json', headers: { 'IM-API-KEY': APP.api_key } });
  assert.equal(JSON.parse(answer.text).RC, 404, 'a room whose id ends in .json is IMKit\'s');
});

test('doubled slashes collapse', async () => {
  for (const path of [`/${ONLINE}`, '/user//checkOnline.json', '///user///checkOnline.json']) {
    assert.equal((await ask(signed(APP), { path })).data.code, 200, path);
  }
});

test('no body is 1003, whether it is empty or not announced', async () => {
  assert.equal((await ask(signed(APP), { body: '' })).data.code, 1003);
  const lines = Object.entries(signed(APP)).map(([name, value]) => `${name}: ${value}`);
  const raw = await Raw.open(server);
  raw.write(head(`POST ${ONLINE} HTTP/1.1`, ...lines));
  assert.equal(await raw.status(), 400);
  assert.ok(await raw.until((one) => one.text.includes('"code":1003')), raw.text);
  raw.end();
});

test('a content of 128 KiB passes however it is encoded; a larger one is 1005, and a body above 512 KiB 413', async () => {
  const content = JSON.stringify({ content: '"'.repeat(60000) }); // 117 KiB that become three times as much
  assert.ok(content.length < 131072 && encodeURIComponent(content).length > 262144);
  const params = { fromUserId: 'ann', toUserId: 'ben', objectName: 'RC:TxtMsg' };
  await rc.ok('/message/private/publish.json', { ...params, content });
  await rc.ok('/message/private/publish.json', { ...params, content: `{"content":"${'x'.repeat(131072 - 14)}"}` });
  await rc.fails(1005, 'content', '/message/private/publish.json', { ...params, content: `{"content":"${'x'.repeat(131073 - 14)}"}` });
  const answer = await exchangeHttp(server, { path: '/message/private/publish.json', headers: { ...FORM, ...signed(APP) },
    body: `${formOf(params)}&content=${'x'.repeat(600000)}` });
  assert.equal(answer.status, 413);
  assert.equal(checkAnswer(answer, '/message/private/publish.json').code, 1005);
});

test('what the edge refuses is in the dialect too', async () => {
  const cases = [
    [head(`POST ${ONLINE} HTTP/1.1`, 'Transfer-Encoding: chunked'), 411, 1003],
    [head(`POST ${ONLINE} HTTP/1.1`, 'Content-Length: 3', 'Expect: a miracle'), 417, 1002],
    [head(`BREW ${ONLINE} HTTP/1.1`), 404, 404],
  ];
  for (const [bytes, status, code] of cases) {
    const raw = await Raw.open(server);
    raw.write(bytes);
    assert.equal(await raw.status(), status, bytes);
    assert.ok(await raw.until((one) => one.text.endsWith('}')), raw.text);
    const data = JSON.parse(raw.text.slice(raw.text.indexOf('{')));
    assert.equal(data.code, code);
    assert.equal(data.url, ONLINE);
    raw.end();
  }
});

test('X-Request-ID is echoed and logged, in good answers and in refusals', async () => {
  for (const [id, headers] of [['req-1', signed(APP)], ['r'.repeat(36), signed(APP, { secret: 'x' })]]) {
    const answer = await ask({ ...headers, 'X-Request-ID': id });
    assert.equal(answer.headers['x-request-id'], id);
    await eventually('its log line', () => server.logLines().some((line) => line.includes(`"id":"${id}"`) && line.includes(ONLINE)));
  }
  const answer = await ask({ ...signed(APP), 'X-Request-ID': 'r'.repeat(37) });
  assert.notEqual(answer.headers['x-request-id'], 'r'.repeat(37));
});

test('a call on a connection that is closed after each, as an SDK does, and one that is kept', async () => {
  for (const connection of ['close', 'keep-alive']) assert.equal((await ask({ ...signed(APP), Connection: connection })).data.code, 200);
});

test('apps see nothing of each other', async () => {
  const other = new RongCloud(server, OTHER_APP);
  const [{ messageUID }] = await rc.publish('private', 'ann', 'ben', 'of the first app');
  await other.fails(1002, 'messageUID', '/message/recall.json', { fromUserId: 'ann', conversationType: 1, targetId: 'ben', messageUID });
  await rc.ok('/group/create.json', { userId: 'ann', groupId: 'only-here' });
  await other.fails(1002, 'roup', '/group/user/query.json', { groupId: 'only-here' });
});

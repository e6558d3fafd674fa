// Authentication of a WebSocket: headers or first frame, refusals and their close codes, Origin, devices.
import assert from 'node:assert/strict';
import { sleep } from './lib/server.mjs';
import { APP, Device, OTHER_APP, eventually, fileServer, makeRoom, makeUsers, ownServer, platform, signToken, test } from './lib/suite.mjs';

const server = await fileServer();
const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
const headersOf = (user, more = {}) => ({ 'IM-CLIENT-KEY': APP.client_key, 'IM-Authorization': user.token, ...more });
const isReady = (frame) => frame.op === 'ready';

function checkReady(ready, user) {
  assert.ok(typeof ready.session === 'string' && ready.session.length > 0);
  assert.deepEqual([ready.user._id, ready.user.nickname], [user.id, user.nickname]);
  assert.equal(ready.pingMS, 25000);
  assert.deepEqual([ready.limits.frame, ready.limits.rooms], [65536, 1024]);
}

test('the first frame authenticates: ready with its id, session, user, ping time and limits', async () => {
  const device = await Device.login(server, APP, ann, { device: 'phone' });
  assert.equal(device.welcome.id, 1);
  checkReady(device.welcome, ann);
  await device.close();
});

test('headers at the upgrade authenticate: ready without an id', async () => {
  const device = await Device.connect(server, { headers: headersOf(ann, { 'IM-Device-ID': 'tablet', 'IM-Caps': 'recall,quote,ack', 'IM-App-Package': 'com.example.chat' }) });
  const ready = await device.waitFor(isReady);
  assert.equal(ready.id, undefined);
  checkReady(ready, ann);
  await device.subscribe('all');
  await device.close();
});

test('without a device id the server makes one and tells it', async () => {
  const [first, second] = [await Device.login(server, APP, ann), await Device.login(server, APP, ann)];
  assert.ok(typeof first.welcome.device === 'string' && first.welcome.device.length > 0, JSON.stringify(first.welcome));
  assert.notEqual(first.welcome.device, second.welcome.device);
  assert.ok(first.stillOpen(), 'the two do not push each other out');
  const byHeaders = await Device.connect(server, { headers: headersOf(ann) });
  assert.ok((await byHeaders.waitFor(isReady)).device);
});

test('the subprotocol is recall.v1 and no extension is negotiated', async () => {
  const device = await Device.connect(server, { perMessageDeflate: true });
  assert.equal(device.ws.protocol, 'recall.v1');
  assert.equal(device.ws.extensions, '');
  await device.close();
});

test('any other op before auth is answered RC 401 and closes 4401', async () => {
  for (const op of ['subscribe', 'send', 'recall', 'ping', 'nonsense']) {
    const device = await Device.connect(server);
    device.sendFrame({ op, id: 9 });
    const reply = await device.waitFor((frame) => frame.id === 9);
    assert.deepEqual([reply.op, reply.RC], ['reply', 401]);
    await device.closedWith(4401);
  }
});

test('a wrong token or client key in the frame closes 4401', async () => {
  for (const [clientKey, token] of [[APP.client_key, 'wrong'], ['wrong', ann.token], [APP.client_key, `${ann.token}x`]]) {
    const device = await Device.connect(server);
    device.sendFrame({ op: 'auth', id: 1, clientKey, token });
    await device.closedWith(4401);
    assert.ok(!device.frames.some(isReady));
  }
});

test('an auth frame without token or key, or with wrong types, is refused', async () => {
  for (const fields of [{ clientKey: APP.client_key }, { token: ann.token }, {}, { clientKey: APP.client_key, token: 5 }, { clientKey: [], token: ann.token }]) {
    const device = await Device.connect(server);
    device.sendFrame({ op: 'auth', id: 1, ...fields });
    const answer = await Promise.race([device.closed, device.waitFor((frame) => frame.id === 1)]);
    assert.ok(answer.code === 4401 || [400, 401].includes(answer.RC), JSON.stringify(answer));
    assert.ok(!device.frames.some(isReady));
  }
});

test('a wrong token in the headers is refused, by status 401 or by close 4401', async () => {
  const tried = await Device.connect(server, { headers: headersOf({ token: 'wrong' }) }).catch((error) => error);
  if (tried instanceof Error) assert.equal(tried.status, 401);
  else await tried.closedWith(4401);
});

test('no auth within 10 s closes 4408', async () => {
  const device = await Device.connect(server);
  const start = Date.now();
  await device.closedWith(4408, 16000);
  const seconds = (Date.now() - start) / 1000;
  assert.ok(seconds > 8.5 && seconds < 14, `${seconds} s`);
});

test('a device id over 64 bytes is refused and named', async () => {
  const device = await Device.connect(server);
  device.sendFrame({ op: 'auth', id: 1, clientKey: APP.client_key, token: ann.token, device: 'd'.repeat(65) });
  const reply = await device.waitFor((frame) => frame.id === 1);
  assert.deepEqual([reply.op, reply.RC], ['reply', 400]);
  assert.ok(`${reply.RM} ${reply.error?.message}`.includes('device'), JSON.stringify(reply));
});

test('the same device elsewhere closes the earlier connection with 4409', async () => {
  const first = await Device.follow(server, APP, ann, 'all', { device: 'one-device' });
  const second = await Device.login(server, APP, ann, { device: 'one-device' });
  await first.closedWith(4409);
  await second.ping();
  const others = await Device.login(server, APP, ben, { device: 'one-device' });
  await others.ping();
  assert.ok(second.stillOpen(), 'another user\'s device of the same name is another device');
});

test('the same device on another thread is found too', async (t) => {
  const threaded = await ownServer(t, { server: { threads: 2 } });
  const { ann: user } = await makeUsers(threaded, APP, 'ann');
  let last = await Device.login(threaded, APP, user, { device: 'one' });
  for (let i = 0; i < 6; i += 1) {
    const next = await Device.login(threaded, APP, user, { device: 'one' });
    await last.closedWith(4409);
    last = next;
  }
  await last.ping();
});

test('a device that was noted before replaces its older connection, on whichever thread that is', async (t) => {
  const threaded = await ownServer(t, { server: { threads: 2 } });
  const { ann: user } = await makeUsers(threaded, APP, 'ann');
  let last = await Device.login(threaded, APP, user, { device: 'one' });
  for (let i = 0; i < 6; i += 1) {
    await sleep(150); // what is for later is written after 50 ms: from now on nothing is to be written
    const next = await Device.login(threaded, APP, user, { device: 'one' });
    await last.closedWith(4409);
    last = next;
  }
  await last.ping();
});

test('a later auth renews the token of the connection', async () => {
  const device = await Device.login(server, APP, ben, { device: 'renewing' });
  device.sendFrame({ op: 'auth', id: 50, clientKey: APP.client_key, token: signToken(APP, { sub: 'ben' }), device: 'renewing' });
  const ready = await device.waitFor((frame) => frame.id === 50);
  assert.equal(ready.op, 'ready', JSON.stringify(ready));
  await device.ping();
});

test('without a list of origins the same host passes, another is 403, none passes', async () => {
  const same = await Device.connect(server, { headers: { Origin: `http://${server.host}:${server.port}` } });
  same.sendFrame({ op: 'auth', id: 1, clientKey: APP.client_key, token: ann.token });
  await same.waitFor(isReady);
  for (const origin of ['https://evil.example', `http://${server.host}.evil.example:${server.port}`, `http://${server.host}:${server.port + 1}`, 'null']) {
    const error = await Device.connect(server, { headers: { Origin: origin } }).catch((one) => one);
    assert.equal(error.status, 403, origin);
  }
});

test('with lists: the union at the upgrade, the app\'s own at auth', async (t) => {
  const listed = await ownServer(t, { apps: [{ ...APP, origins: 'https://one.example' }, { ...OTHER_APP, origins: 'https://two.example' }] });
  const { ann: mine } = await makeUsers(listed, APP, 'ann');
  const withOrigin = (Origin) => Device.connect(listed, { headers: { Origin } });
  assert.equal((await withOrigin('https://three.example').catch((error) => error)).status, 403);
  const good = await withOrigin('https://one.example');
  good.sendFrame({ op: 'auth', id: 1, clientKey: APP.client_key, token: mine.token });
  await good.waitFor(isReady);
  const foreign = await withOrigin('https://two.example');
  foreign.sendFrame({ op: 'auth', id: 1, clientKey: APP.client_key, token: mine.token });
  await foreign.closedWith(4403);
  const native = await Device.login(listed, APP, mine);
  await native.ping();
});

test('connections that come and go leave no count behind', async () => {
  const admin = platform(server, APP);
  Device.closeAll();
  const connections = async () => JSON.stringify(await admin.get('/admin/connection-count'));
  const zero = await eventually('no connection', async () => {
    const now = await connections();
    return /^\D*0\D/.test(`${now} `) && now;
  });
  const room = await makeRoom(ann);
  for (let i = 0; i < 30; i += 1) {
    const device = await Device.follow(server, APP, ann, room, { device: `come-and-go-${i}` });
    if (i % 2) device.ws.terminate(); else await device.close();
  }
  await eventually('the count of the start', async () => (await connections()) === zero);
});

// Tokens that end while a device is connected.
import assert from 'node:assert/strict';
import { APP, Device, fileServer, makeUsers, newId, platform, signToken, sleep, test } from './lib/suite.mjs';

const server = await fileServer({ server: { threads: 2 } });
const admin = platform(server, APP);

test('a token that ends: expiring is told at once when less than 60 s are left, then 4401', async () => {
  await admin.post('/admin/clients', { _id: 'short', nickname: 'Short' });
  const exp = Math.floor(Date.now() / 1000) + 5;
  const device = await Device.login(server, APP, { token: signToken(APP, { sub: 'short', exp }) });
  const frame = await device.waitFor((one) => one.op === 'expiring');
  assert.ok(frame.inMS > 1000 && frame.inMS <= 5000, `inMS ${frame.inMS}`);
  await device.closedWith(4401, 8000);
  assert.ok(Date.now() >= exp * 1000 - 50, 'not before its end');
});

test('the same for a token that the caller bound', async () => {
  const token = `bound-${newId()}`;
  await admin.post('/admin/clients', { _id: 'bound', nickname: 'B', token, expirationDate: new Date(Date.now() + 4000).toISOString() });
  const device = await Device.login(server, APP, { token });
  await device.waitFor((one) => one.op === 'expiring');
  await device.closedWith(4401, 8000);
});

test('a token with time left is not told to expire', async () => {
  const { ann } = await makeUsers(server, APP, 'ann');
  const device = await Device.login(server, APP, ann);
  await sleep(500);
  await device.ping();
  assert.ok(!device.frames.some((one) => one.op === 'expiring'));
});

test('renewing in time keeps the connection', async () => {
  await admin.post('/admin/clients', { _id: 'renew', nickname: 'Renew' });
  const now = Math.floor(Date.now() / 1000);
  const device = await Device.login(server, APP, { token: signToken(APP, { sub: 'renew', exp: now + 5 }) }, { device: 'd' });
  await device.waitFor((one) => one.op === 'expiring');
  device.sendFrame({ op: 'auth', id: 9, clientKey: APP.client_key, device: 'd', token: signToken(APP, { sub: 'renew', exp: now + 600 }) });
  await device.waitFor((one) => one.op === 'ready' && one.id === 9);
  await sleep(6500);
  await device.ping();
  assert.ok(device.stillOpen());
});

test('renewing with another user\'s token is refused', async () => {
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const device = await Device.login(server, APP, ann);
  device.sendFrame({ op: 'auth', id: 9, clientKey: APP.client_key, token: ben.token });
  const answer = await Promise.race([device.closed, device.waitFor((one) => one.id === 9)]);
  assert.ok(answer.code >= 4400 || answer.RC >= 400, JSON.stringify(answer));
});

test('revoking all of a user\'s tokens closes its devices with 4401, on every thread, and nobody else\'s', async () => {
  const { cho, dan } = await makeUsers(server, APP, 'cho', 'dan');
  const devices = [];
  for (let i = 0; i < 4; i += 1) devices.push(await Device.login(server, APP, cho, { device: `d${i}` }));
  const other = await Device.login(server, APP, dan);
  await admin.delete('/admin/clients/cho/token');
  for (const device of devices) await device.closedWith(4401);
  await other.ping();
  assert.ok(other.stillOpen());
});

test('revoking one bound token closes the device that came with it', async () => {
  const token = `revoked-${newId()}`;
  await admin.post('/admin/clients', { _id: 'eve', nickname: 'Eve', token, expirationDate: new Date(Date.now() + 600000).toISOString() });
  const device = await Device.login(server, APP, { token });
  await admin.delete('/admin/clients/eve/token', { token });
  await device.closedWith(4401);
});

test('an invalidated token opens no new connection', async () => {
  const { fay } = await makeUsers(server, APP, 'fay');
  await makeUsers(server, APP, 'fay');
  const device = await Device.connect(server);
  device.sendFrame({ op: 'auth', id: 1, clientKey: APP.client_key, token: fay.token });
  await device.closedWith(4401);
});

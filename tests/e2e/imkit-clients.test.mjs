// POST /admin/clients and its neighbours: users, tokens issued and bound, reissue and revocation, counts.
import assert from 'node:assert/strict';
import { APP, Device, claimsOf, client, fileServer, makeUser, newId, platform, signToken, sleep, test } from './lib/suite.mjs';

const server = await fileServer();
const admin = platform(server, APP);
const inSeconds = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
const works = async (token) => (await client(server, APP, token).call('GET', '/rooms')).status === 200;
const checkInvalid = (token) => client(server, APP, token).fails([401, 'INVALID_TOKEN'], 'GET', '/rooms');

test('an upsert makes a user, a second one changes it, other fields are kept', async () => {
  const made = await admin.post('/admin/clients', { _id: 'tom', nickname: 'Tom', avatarUrl: 'http://a.example/t.png', city: 'Bonn' });
  assert.deepEqual([made._id, made.nickname, made.avatarUrl], ['tom', 'Tom', 'http://a.example/t.png']);
  assert.equal(made.token, undefined, 'no token unless asked for');
  const changed = await admin.post('/admin/clients', { _id: 'tom', nickname: 'Thomas' });
  assert.equal(changed.nickname, 'Thomas');
  const { token } = await makeUser(server, APP, 'tom', 'Thomas');
  const room = await client(server, APP, token).post('/rooms/createAndJoin', { name: 'r', roomType: 'group' });
  const message = await client(server, APP, token).send(room._id, 'hi');
  assert.equal(message.sender.nickname, 'Thomas');
});

test('issueAccessToken answers a JWT with the documented claims and an end 7 days ahead', async () => {
  const { token, expirationDate } = await makeUser(server, APP, 'jwt-user');
  const claims = claimsOf(token);
  assert.deepEqual([claims.sub, claims.app], ['jwt-user', 'SampleApp']);
  for (const name of ['iat', 'exp']) assert.ok(Number.isInteger(claims[name]), name);
  assert.equal(typeof claims.jti, 'string');
  assert.match(expirationDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/);
  const days = (Date.parse(expirationDate) - Date.now()) / 86400000;
  assert.ok(Math.abs(days - 7) < 0.01, `${days} days`);
  assert.ok(Math.abs(claims.exp * 1000 - Date.parse(expirationDate)) < 2000);
  assert.ok(await works(token));
});

test('a token of the caller is bound until its end', async () => {
  const token = `bound-${newId()}`;
  await admin.post('/admin/clients', { _id: 'bound', nickname: 'Bound', token, expirationDate: inSeconds(600) });
  assert.ok(await works(token));
  const short = `short-${newId()}`;
  await admin.post('/admin/clients', { _id: 'bound2', nickname: 'B2', token: short, expirationDate: inSeconds(4) });
  assert.ok(await works(short));
  await sleep(4500);
  await checkInvalid(short);
});

test('a reissue invalidates the earlier token, at once and within the same second', async () => {
  const first = await makeUser(server, APP, 'reissue');
  assert.ok(await works(first.token));
  const second = await makeUser(server, APP, 'reissue');
  assert.ok(await works(second.token));
  await checkInvalid(first.token);
});

test('an upsert without a token leaves the token valid', async () => {
  const { token } = await makeUser(server, APP, 'steady');
  await admin.post('/admin/clients', { _id: 'steady', nickname: 'Still steady' });
  assert.ok(await works(token));
});

test('PUT token replaces: the new one is valid, the earlier one is not', async () => {
  const { token: first } = await makeUser(server, APP, 'replace');
  const token = `mine-${newId()}`;
  await admin.put('/admin/clients/replace/token', { token, expirationDate: inSeconds(600) });
  assert.ok(await works(token));
  await checkInvalid(first);
});

test('DELETE token revokes the one given', async () => {
  const token = `revoke-${newId()}`;
  await admin.post('/admin/clients', { _id: 'revoke', nickname: 'R', token, expirationDate: inSeconds(600) });
  assert.ok(await works(token));
  await admin.delete('/admin/clients/revoke/token', { token });
  await checkInvalid(token);
});

test('DELETE token without one revokes all of the user, and a new one works at once', async () => {
  const { token: issued } = await makeUser(server, APP, 'all');
  const { token: other } = await makeUser(server, APP, 'not-all');
  const signed = signToken(APP, { sub: 'all' });
  assert.ok(await works(signed));
  await admin.delete('/admin/clients/all/token');
  await checkInvalid(issued);
  await checkInvalid(signed);
  assert.ok(await works(other), 'nobody else is touched');
  const { token } = await makeUser(server, APP, 'all');
  assert.ok(await works(token));
});

test('a token signed by the app itself with its secret is accepted', async () => {
  await admin.post('/admin/clients', { _id: 'signed', nickname: 'Signed' });
  assert.ok(await works(signToken(APP, { sub: 'signed' })));
});

test('a forged, altered, expired or foreign token is 401 INVALID_TOKEN', async () => {
  await admin.post('/admin/clients', { _id: 'target', nickname: 'Target' });
  const now = Math.floor(Date.now() / 1000);
  const good = signToken(APP, { sub: 'target' });
  assert.ok(await works(good));
  const [header, , signature] = good.split('.');
  const otherBody = Buffer.from(JSON.stringify({ sub: 'all', app: APP.name, iat: now, exp: now + 600, jti: 'x' })).toString('base64url');
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
  const bad = {
    'another secret': signToken(APP, { sub: 'target' }, { secret: 'guess' }),
    'an altered body': `${header}.${otherBody}.${signature}`,
    'no algorithm, no signature': `${none}.${good.split('.')[1]}.`,
    'no algorithm, with signature': signToken(APP, { sub: 'target' }, { header: { alg: 'none' } }),
    'another algorithm named': signToken(APP, { sub: 'target' }, { header: { alg: 'RS256' } }),
    'expired': signToken(APP, { sub: 'target', iat: now - 7200, exp: now - 3600 }),
    'not yet': signToken(APP, { sub: 'target', nbf: now + 3600 }),
    'of another app': signToken(APP, { sub: 'target', app: 'OtherApp' }),
    'no user': signToken(APP, { sub: undefined }),
    'no end': signToken(APP, { sub: 'target', exp: undefined }),
    'cut short': good.slice(0, -1),
    'empty parts': '..',
    'not a token': 'hello',
    'too long': signToken(APP, { sub: 'target', pad: 'x'.repeat(4200) }),
  };
  for (const [what, token] of Object.entries(bad)) {
    const answer = await client(server, APP, token).call('GET', '/rooms');
    assert.equal(answer.status, 401, `${what}: ${answer.status} ${JSON.stringify(answer.data)}`);
    assert.equal(answer.data.error.code, 'INVALID_TOKEN', what);
  }
});

test('a list makes and changes several users', async () => {
  const result = await admin.post('/admin/clients/list', [
    { _id: 'list-a', nickname: 'A', issueAccessToken: true }, { _id: 'list-b', nickname: 'B' }]);
  const users = Array.isArray(result) ? result : result.data;
  assert.deepEqual(users.map((user) => user._id), ['list-a', 'list-b']);
  assert.ok(await works(users[0].token));
  assert.equal(users[1].nickname, 'B');
});

test('admin calls want the platform key', async () => {
  const { api } = await makeUser(server, APP, 'plain');
  for (const [method, path, body] of [['POST', '/admin/clients', { _id: 'x', nickname: 'X' }],
    ['POST', '/admin/clients/list', [{ _id: 'x' }]], ['DELETE', '/admin/clients/plain/token'],
    ['PUT', '/admin/clients/plain/token', { token: 't', expirationDate: inSeconds(60) }],
    ['GET', '/admin/stats'], ['GET', '/admin/connection-count']]) {
    await api.fails([[401, 403]], method, path, body);
  }
});

test('the token of an unknown user cannot be replaced or revoked: 404 CLIENT_NOT_FOUND', async () => {
  await admin.fails([404, 'CLIENT_NOT_FOUND'], 'DELETE', '/admin/clients/nobody-here/token');
  await admin.fails([404, 'CLIENT_NOT_FOUND'], 'PUT', '/admin/clients/nobody-here/token',
    { token: 'some-token', expirationDate: inSeconds(60) });
});

test('connection-count counts the open connections; stats and it print no key', async () => {
  const { ...user } = await makeUser(server, APP, 'counted');
  const numbers = (value) => (typeof value === 'number' ? [value] : Object.values(value ?? {}).filter((one) => typeof one === 'number'));
  const before = numbers(await admin.get('/admin/connection-count'));
  const devices = [];
  for (let i = 0; i < 3; i += 1) devices.push(await Device.login(server, APP, user, { device: `counted-${i}` }));
  const now = numbers(await admin.get('/admin/connection-count'));
  assert.ok(now.some((value, index) => value === before[index] + 3), `${before} then ${now}`);
  const text = JSON.stringify([await admin.get('/admin/stats'), await admin.get('/admin/connection-count')]);
  for (const key of [APP.client_key, APP.api_key, APP.app_secret, APP.token_secret]) assert.ok(!text.includes(key));
  for (const device of devices) await device.close();
});

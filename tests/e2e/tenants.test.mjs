// Two apps on one server with the same user, room and message ids never see each other.
import assert from 'node:assert/strict';
import { APP, Device, OTHER_APP, client, fileServer, listOf, makeUsers, platform, signToken, test } from './lib/suite.mjs';

const server = await fileServer({ apps: [APP, OTHER_APP] });
const ROOM = 'the-room';
const ID = 'the-same-message-id';
const sides = [];
for (const app of [APP, OTHER_APP]) {
  const users = await makeUsers(server, app, 'ann', 'ben');
  await users.ann.api.post('/rooms/createAndJoin', { _id: ROOM, name: `of ${app.name}`, roomType: 'group', invitee: ['ben'] });
  await users.ben.api.send(ROOM, `text of ${app.name}`, { _id: ID });
  sides.push({ app, ...users, admin: platform(server, app) });
}
const [one, two] = sides;

test('the same ids are other things in another app', async () => {
  for (const side of sides) {
    assert.equal((await side.ann.api.get(`/rooms/${ROOM}`)).name, `of ${side.app.name}`);
    const message = await side.ann.api.message(ROOM, ID);
    assert.deepEqual([message.message, message.appID], [`text of ${side.app.name}`, side.app.name]);
    assert.equal(listOf(await side.ann.api.get('/rooms')).length, 1);
  }
});

test('a recall in one app touches nothing and tells nobody in the other', async () => {
  const [mine, foreign] = [await Device.follow(server, one.app, one.ann, 'all'), await Device.follow(server, two.app, two.ann, 'all')];
  await one.admin.recall(ROOM, ID);
  await mine.waitEvent('recall', ID);
  await foreign.barrier(two.ann.api, ROOM);
  assert.deepEqual(foreign.events('recall'), []);
  assert.equal((await two.ann.api.message(ROOM, ID)).message, `text of ${two.app.name}`);
  assert.equal((await one.ann.api.message(ROOM, ID)).message, '');
});

test('keys and tokens of one app open nothing of the other', async () => {
  await two.admin.post('/rooms/', { _id: 'only-two', name: 'x', roomType: 'group', invitee: ['ann'] });
  await one.admin.fails([404, 'ROOM_NOT_FOUND'], 'GET', '/rooms/only-two');
  await one.ann.api.fails([403, 'NOT_ROOM_MEMBER'], 'GET', '/rooms/only-two');
  await client(server, one.app, two.ann.token).fails([401, 'INVALID_TOKEN'], 'GET', '/rooms');
  await client(server, one.app, signToken(two.app, { sub: 'ann' })).fails([401, 'INVALID_TOKEN'], 'GET', '/rooms');
  await client(server, one.app, signToken(two.app, { sub: 'ann', app: one.app.name })).fails([401, 'INVALID_TOKEN'], 'GET', '/rooms');
});

test('a device of one app and one of the other with the same user and device id stay both', async () => {
  const devices = [];
  for (const side of sides) devices.push(await Device.login(server, side.app, side.ben, { device: 'the-device' }));
  for (const device of devices) {
    await device.ping();
    assert.ok(device.stillOpen());
  }
});

test('a foreign token on the WebSocket closes with 4401', async () => {
  const device = await Device.connect(server);
  device.sendFrame({ op: 'auth', id: 1, clientKey: one.app.client_key, token: two.ann.token });
  await device.closedWith(4401);
});

// Rooms and membership over HTTP.
import assert from 'node:assert/strict';
import { APP, fileServer, listOf, makeRoom, makeUsers, memberIds, newId, platform, test } from './lib/suite.mjs';

const server = await fileServer();
const admin = platform(server, APP);
const { ann, ben, cho, dan } = await makeUsers(server, APP, 'ann', 'ben', 'cho', 'dan');
const members = async (room) => memberIds(await admin.get(`/rooms/${room}`));
const isMember = async (who, room) => (await who.api.call('GET', `/rooms/${room}/messages/v3`)).status === 200;

test('createAndJoin makes a room under an id of the caller or its own and joins the caller', async () => {
  const own = await ann.api.post('/rooms/createAndJoin', { name: 'Named by the server', roomType: 'group' });
  assert.ok(typeof own._id === 'string' && own._id.length > 0);
  assert.equal(own.name, 'Named by the server');
  assert.deepEqual(await members(own._id), ['ann']);
  const id = `mine-${newId()}`;
  const mine = await ann.api.post('/rooms/createAndJoin', { _id: id, name: 'Mine', roomType: 'group', invitee: ['ben', 'cho'] });
  assert.equal(mine._id, id);
  assert.deepEqual(await members(id), ['ann', 'ben', 'cho']);
});

test('an invitee may be one string', async () => {
  const room = await ann.api.post('/rooms/createAndJoin', { name: 'Two', roomType: 'direct', invitee: 'ben' });
  assert.deepEqual(await members(room._id), ['ann', 'ben']);
  assert.equal(room.roomType, 'direct');
});

test('POST /rooms/ makes a room with its invitees', async () => {
  const room = await admin.post('/rooms/', { name: 'By the platform', roomType: 'group', invitee: ['ben', 'cho'] });
  assert.deepEqual(await members(room._id), ['ben', 'cho']);
  assert.equal((await admin.get(`/rooms/${room._id}`)).name, 'By the platform');
});

test('GET /rooms/{id} tells lastMessage, unread, members and memberProperties', async () => {
  const id = await makeRoom(ann, [ben]);
  const message = await ann.api.send(id, 'hello');
  const room = await ben.api.get(`/rooms/${id}`);
  assert.equal(room._id, id);
  assert.equal(room.unread, 1);
  assert.equal(room.lastMessage._id, message._id);
  assert.deepEqual(memberIds(room), ['ann', 'ben']);
  const properties = Object.fromEntries(room.memberProperties.map((one) => [one.client._id ?? one.client, one]));
  assert.deepEqual(Object.keys(properties).sort(), ['ann', 'ben']);
  assert.equal(properties.ben.badge, 1);
  assert.ok('lastRead' in properties.ben && 'role' in properties.ben, JSON.stringify(properties.ben));
  assert.notEqual(properties.ann.role, properties.ben.role, 'the owner has another role than a member');
});

test('GET /rooms lists the rooms of the caller, and only those', async () => {
  const [both, without] = [await makeRoom(ann, [dan]), await makeRoom(ann, [ben])];
  await ann.api.send(both, 'hello');
  const list = listOf(await dan.api.get('/rooms'));
  const ids = list.map((room) => room._id);
  assert.ok(ids.includes(both) && !ids.includes(without));
  const entry = list.find((room) => room._id === both);
  assert.equal(entry.unread, 1);
  assert.equal(entry.lastMessage.message, 'hello');
});

test('any member may add others, by invitees, invitee or members', async () => {
  const room = await makeRoom(ann, [ben]);
  await ben.api.post(`/rooms/${room}/members`, { invitees: ['cho'] });
  assert.deepEqual(await members(room), ['ann', 'ben', 'cho']);
  await admin.post(`/rooms/${room}/members`, { members: ['dan'] });
  assert.ok(await isMember(dan, room));
  const other = await makeRoom(ann);
  await ann.api.post(`/rooms/${other}/members`, { invitee: 'dan' });
  assert.ok(await isMember(dan, other));
});

test('owner and managers remove members, a member only itself', async () => {
  const room = await makeRoom(ann, [ben, cho, dan]);
  await ben.api.fails([403, 'INSUFFICIENT_PERMISSION'], 'POST', `/rooms/${room}/delete/members`, { members: ['cho'] });
  assert.ok(await isMember(cho, room));
  await ann.api.post(`/rooms/${room}/delete/members`, { members: ['cho'] });
  assert.ok(!await isMember(cho, room));
  await dan.api.post(`/rooms/${room}/delete/members`, { members: ['dan'] });
  assert.ok(!await isMember(dan, room));
  await ann.api.put(`/rooms/${room}/member/ben`, { property: 'role', value: 'manager' });
  await ann.api.post(`/rooms/${room}/members`, { invitees: ['cho'] });
  await ben.api.post(`/rooms/${room}/delete/members`, { members: ['cho'] });
  assert.deepEqual(await members(room), ['ann', 'ben']);
});

test('a closed room lets nobody in by themselves, an open one any user', async () => {
  const closed = await makeRoom(ann);
  await ben.api.fails([403], 'POST', `/rooms/${closed}/join`, {});
  assert.ok(!await isMember(ben, closed));
  const open = await makeRoom(ann, [], { opening: 1 });
  await ben.api.post(`/rooms/${open}/join`, {});
  assert.ok(await isMember(ben, open));
});

test('a room one is no member of and a missing one look the same to a client: 403 NOT_ROOM_MEMBER', async () => {
  const room = await makeRoom(ann);
  for (const path of [`/rooms/${room}`, '/rooms/no-such-room']) {
    await ben.api.fails([403, 'NOT_ROOM_MEMBER'], 'GET', path);
    await ben.api.fails([403, 'NOT_ROOM_MEMBER'], 'GET', `${path}/messages/v3`);
    await ben.api.fails([403, 'NOT_ROOM_MEMBER'], 'POST', `${path}/message`, { message: 'x', messageType: 'text' });
    await ben.api.fails([403, 'NOT_ROOM_MEMBER'], 'POST', `${path}/members`, { invitees: ['ben'] });
  }
});

test('a missing room is 404 ROOM_NOT_FOUND to the platform', async () => {
  await admin.fails([404, 'ROOM_NOT_FOUND'], 'GET', '/rooms/no-such-room');
  await admin.fails([404, 'ROOM_NOT_FOUND'], 'GET', '/rooms/no-such-room/messages/v3');
  await admin.fails([404, 'ROOM_NOT_FOUND'], 'POST', '/rooms/no-such-room/members', { invitees: ['ben'] });
});

test('names beginning with ~ are the server\'s: no caller makes one', async () => {
  await ann.api.fails([[400, 403], undefined, '_id'], 'POST', '/rooms/createAndJoin', { _id: '~broadcast', name: 'x', roomType: 'group' });
  await admin.fails([[400, 403], undefined, '_id'], 'POST', '/rooms/', { _id: '~private/a/b', name: 'x', roomType: 'group' });
});

test('an id with other letters works, percent-encoded in the path', async () => {
  const id = `Büro 7 ${newId()}`;
  await ann.api.post('/rooms/createAndJoin', { _id: id, name: 'Umlaut', roomType: 'group' });
  const message = await ann.api.send(encodeURIComponent(id), 'grüße');
  assert.equal(message.room, id);
  assert.equal((await ann.api.history(encodeURIComponent(id))).data[0].message, 'grüße');
});

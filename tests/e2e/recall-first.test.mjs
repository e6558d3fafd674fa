// A recall that comes before its message: remembered, fanned out, and the late message is never seen with its content.
import assert from 'node:assert/strict';
import { APP, Device, listOf, makeRoom, makeUsers, newId, ownServer, platform, test } from './lib/suite.mjs';

async function setting(t, more = {}) {
  const server = await ownServer(t, { server: { threads: 2 }, apps: [{ ...APP, recall_unseen: 'platform', ...more }] });
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const room = await makeRoom(ann, [ben]);
  return { server, ann, ben, room, admin: platform(server, APP) };
}

test('the platform recalls an id not seen yet: members hear of it, the late message comes recalled', async (t) => {
  const { server, ann, ben, room, admin } = await setting(t);
  const device = await Device.follow(server, APP, ben, room);
  const id = newId();
  const answer = await admin.recall(room, id);
  assert.deepEqual([answer._id, answer.message, answer.messageType, answer.room], [id, '', 'recall', room]);
  const command = await device.waitEvent('recall', id);
  assert.equal(command.content.messageUId, id);
  await ann.api.send(room, 'too late to be read', { _id: id });
  const event = await device.waitEvent('message', id);
  assert.deepEqual([event.message.message, event.message.messageType], ['', 'recall']);
  assert.ok(!JSON.stringify([device.frames, await ben.api.history(room), await ben.api.get(`/rooms/${room}/events?since=0`)]).includes('too late'));
  const count = device.events(undefined, room).length;
  await admin.recall(room, id);
  await device.ping();
  assert.equal(device.events(undefined, room).length, count, 'a repeat emits nothing');
});

test('a client may not recall what it has not seen', async (t) => {
  const { ann, room } = await setting(t);
  await ann.api.fails([404, 'MESSAGE_NOT_FOUND'], 'POST', `/rooms/${room}/message`, { _id: newId(), messageType: 'recall' });
});

test('limited to an author: another\'s use of the id is refused, the author\'s message comes recalled', async (t) => {
  const { ann, ben, room, admin } = await setting(t);
  const id = newId();
  await admin.recall(room, id, { author: 'ann' });
  await ben.api.fails([409], 'POST', `/rooms/${room}/message`, { _id: id, message: 'not mine to lose', messageType: 'text' });
  assert.equal((await ann.api.send(room, 'mine', { _id: id })).messageType, 'recall');
  await ann.api.fails([409], 'POST', `/rooms/${room}/message`, { _id: id, message: 'again', messageType: 'text' });
  assert.equal(listOf(await ben.api.history(room)).find((one) => one._id === id).message, '');
});

test('the id of a recall in one room cannot be taken in another, which would hear of that recall', async (t) => {
  const { ann, ben, room, admin } = await setting(t);
  const other = await makeRoom(ann, [ben]);
  const id = newId();
  await admin.recall(room, id, { extra: 'for the first room' });
  const refused = await ann.api.call('POST', `/rooms/${other}/message`, { _id: id, message: 'hello', messageType: 'text' });
  assert.equal(refused.status, 409);
  assert.match(refused.data.RM, /another room/);
  assert.equal((await ann.api.send(room, 'late', { _id: id })).messageType, 'recall');
});

test('how many may wait is limited, and what came frees its place', async (t) => {
  const { ann, room, admin } = await setting(t, { recall_unseen_count: 2 });
  const ids = [newId(), newId(), newId()];
  await admin.recall(room, ids[0]);
  await admin.recall(room, ids[1]);
  const refused = await admin.call('POST', `/rooms/${room}/message`, { _id: ids[2], messageType: 'recall' });
  assert.deepEqual([refused.status, refused.data.error.code], [429, 'RATE_LIMIT_EXCEEDED']);
  assert.ok(Number(refused.headers['retry-after']) > 0);
  await ann.api.send(room, 'late', { _id: ids[0] });
  await admin.recall(room, ids[2]);
});

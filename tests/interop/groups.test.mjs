// The SDK's groups and chatrooms: who is in them is who hears of what is said and recalled there.
import assert from 'node:assert/strict';
import { FREE, bad, client, commandFor, deviceOf, fileServer, framesAbout, good, memberIds, newId, platform, register, sdkOf, sdkPost, test } from './lib.mjs';

const server = await fileServer({ apps: [FREE] });
const rc = sdkOf(server, FREE);
const { Group: groups, Chatroom: chatrooms } = rc;
const { ben, cho } = await register(rc, 'ann', 'ben', 'cho', 'dan');
const admin = platform(server, FREE);
const ids = (...users) => users.map((id) => ({ id }));
const membersOf = async (id) => good(await groups.get({ id })).members.map((one) => one.id).sort();
const say = async (group, words) => good(await rc.Message.Group.send({ senderId: 'ann', targetId: group, objectName: 'RC:TxtMsg', content: { content: words } })).messageUIDs[0].messageUID;

test('Group.create, join, quit and get keep the members; the group is a room with the same id', async () => {
  const id = `g-${newId()}`;
  good(await groups.create({ id, name: 'A group 组', members: ids('ann', 'ben') }));
  assert.deepEqual(await membersOf(id), ['ann', 'ben']);
  good(await groups.join({ id, name: 'A group 组', member: { id: 'cho' } }));
  good(await groups.join({ id, member: { id: 'cho' } }));
  assert.deepEqual(await membersOf(id), ['ann', 'ben', 'cho'], 'joined once, and a name that is "undefined" is none');
  good(await groups.quit({ id, member: { id: 'ben' } }));
  assert.deepEqual(await membersOf(id), ['ann', 'cho']);
  const room = await admin.get(`/rooms/${id}`);
  assert.deepEqual([room._id, room.name, memberIds(room)], [id, 'A group 组', ['ann', 'cho']]);
});

test('who joins hears from then on, who quits no more', async () => {
  const id = `g-${newId()}`;
  good(await groups.create({ id, name: 'Coming and going', members: ids('ann', 'cho') }));
  const [b, c] = [await deviceOf(server, FREE, ben), await deviceOf(server, FREE, cho)];
  const before = await say(id, 'before ben');
  await c.waitEvent('message', before);
  good(await groups.join({ id, name: 'Coming and going', member: { id: 'ben' } }));
  const during = await say(id, 'with ben');
  await Promise.all([b, c].map((device) => device.waitEvent('message', during)));
  good(await groups.quit({ id, member: { id: 'ben' } }));
  good(await rc.Message.Group.recall({ senderId: 'ann', targetId: id, uId: during, sentTime: 0 }));
  await commandFor(c, during);
  const after = good(await rc.Message.Private.send({ senderId: 'ann', targetId: 'ben', objectName: 'RC:TxtMsg', content: { content: 'mark' } }));
  await b.waitEvent('message', after.messageUIDs[0].messageUID);
  assert.equal(b.events('recall').length, 0);
  assert.deepEqual(framesAbout(b, before), []);
  await Promise.all([b.close(), c.close()]);
});

test('Group.update renames, Group.dismiss leaves nobody in it', async () => {
  const id = `g-${newId()}`;
  good(await groups.create({ id, name: 'Old', members: ids('ann', 'ben') }));
  good(await groups.update({ id, name: 'New' }));
  assert.equal((await admin.get(`/rooms/${id}`)).name, 'New');
  const b = await deviceOf(server, FREE, ben);
  assert.ok(id in b.positions);
  good(await groups.dismiss({ id, member: { id: 'ann' } }));
  await client(server, FREE, ben.token).fails([[403, 404]], 'GET', `/rooms/${id}/messages/v3`);
  const sent = await rc.Message.Group.send({ senderId: 'ann', targetId: id, objectName: 'RC:TxtMsg', content: { content: 'anybody?' } });
  if (sent.code === 200) assert.deepEqual(framesAbout(b, sent.messageUIDs[0].messageUID), []);
  assert.deepEqual((await groups.get({ id })).members ?? [], []);
  await b.close();
});

test('a group of many members, as repeated keys', async () => {
  const id = `g-${newId()}`;
  const many = Array.from({ length: 300 }, (_, i) => `member-${String(i).padStart(3, '0')}`);
  good(await groups.create({ id, name: 'Many', members: ids(...many) }));
  assert.deepEqual(await membersOf(id), many);
});

test('Chatroom.create takes one or several; destroyed, it cannot be followed any more', async () => {
  const [one, two] = [`c-${newId()}`, `c-${newId()}`];
  good(await chatrooms.create([{ id: one, name: 'First' }, { id: two, name: 'Second 厅' }]));
  good(await chatrooms.create({ id: one, name: 'First' }));
  const b = await deviceOf(server, FREE, ben);
  const places = await b.subscribe([`~chatroom/${one}`, `~chatroom/${two}`, '~chatroom/never-made']);
  assert.ok(Number.isInteger(places[`~chatroom/${one}`].seq) && Number.isInteger(places[`~chatroom/${two}`].seq), JSON.stringify(places));
  assert.ok(places['~chatroom/never-made'].error?.code, JSON.stringify(places));
  const send = (id) => rc.Message.Chatroom.send({ senderId: 'ann', targetId: id, objectName: 'RC:TxtMsg', content: { content: 'hello hall' } });
  await b.waitEvent('message', good(await send(two)).messageUIDs[0].messageUID);
  good(await chatrooms.destroy({ id: two }));
  good(await chatrooms.destory({ id: two }));
  bad(await send(two), 1002);
  const c = await deviceOf(server, FREE, cho);
  assert.ok((await c.subscribe([`~chatroom/${two}`]))[`~chatroom/${two}`].error?.code);
  await Promise.all([b.close(), c.close()]);
});

test('chatroom/create_new makes one by its id', async () => {
  const id = `c-${newId()}`;
  good(await sdkPost('chatroom/create_new', { chatroomId: id }));
  const b = await deviceOf(server, FREE, ben);
  assert.ok(Number.isInteger((await b.subscribe([`~chatroom/${id}`]))[`~chatroom/${id}`].seq));
  await b.close();
});

test('a message to several chatrooms, and its recall in one of them', async () => {
  const rooms = [`c-${newId()}`, `c-${newId()}`];
  good(await chatrooms.create(rooms.map((id) => ({ id, name: id }))));
  const b = await deviceOf(server, FREE, ben);
  await b.subscribe(rooms.map((id) => `~chatroom/${id}`));
  const answer = good(await rc.Message.Chatroom.send({ senderId: 'ann', targetId: rooms, objectName: 'RC:TxtMsg', content: { content: 'to both' } }));
  assert.deepEqual(answer.messageUIDs.map((one) => one.chatroomId), rooms);
  const [first, second] = answer.messageUIDs.map((one) => one.messageUID);
  await Promise.all([first, second].map((uid) => b.waitEvent('message', uid)));
  good(await sdkPost('message/recall', { fromUserId: 'ann', conversationType: 4, targetId: rooms[0], messageUID: first }));
  assert.equal((await commandFor(b, first)).room, `~chatroom/${rooms[0]}`);
  assert.equal(b.events('recall').length, 1);
  await b.close();
});

// The ledger of recalls in RongCloud's dialect: its devices are those of the receivers, and of nobody else.
import assert from 'node:assert/strict';
import { FREE, client, commandFor, deviceOf, eventually, fileServer, good, newId, platform, register, sdkOf, sdkPost, test } from './lib.mjs';

const server = await fileServer({ apps: [FREE] });
const rc = sdkOf(server, FREE);
const users = await register(rc, 'ann', 'ben', 'cho');
const admin = platform(server, FREE);
const txt = { objectName: 'RC:TxtMsg', content: { content: 'x' } };
const uidOf = (answer) => good(answer).messageUID ?? answer.messageUIDs[0].messageUID;

const devices = Object.fromEntries(await Promise.all(Object.entries(users).map(async ([id, user]) => [id, await deviceOf(server, FREE, user, { device: `${id}-phone` })])));

/** These devices get the recall and ack it; the ledger then has them as acked and `others` as it says. */
async function accounted(room, uid, ...ids) {
  for (const id of ids) {
    const { seq } = await commandFor(devices[id], uid);
    devices[id].sendFrame({ op: 'ack', room, seq });
  }
  const path = `/rooms/${encodeURIComponent(room)}/messages/${uid}/recall`;
  const ledger = await eventually('the acks', async () => {
    const now = await admin.get(path);
    return now.counts.acked === ids.length && now;
  });
  assert.deepEqual(ledger.devices.map((one) => `${one.user} ${one.device} ${one.state}`).sort(), ids.map((id) => `${id} ${id}-phone acked`));
  assert.deepEqual([ledger._id, ledger.room], [uid, room]);
  return path;
}

test('a private recall is accounted for by the two users\' devices; the two may read it, others not', async () => {
  const uid = uidOf(await rc.Message.Private.send({ senderId: 'ann', targetId: 'ben', ...txt }));
  good(await rc.Message.Private.recall({ senderId: 'ann', targetId: 'ben', uId: uid, sentTime: 0 }));
  const path = await accounted('~private/ann/ben', uid, 'ann', 'ben');
  const mine = await client(server, FREE, users.ann.token).get(path);
  assert.equal(mine.counts.acked, 2);
  await client(server, FREE, users.cho.token).fails([[403, 404]], 'GET', path);
});

test('a system recall by the user\'s devices', async () => {
  const uid = uidOf(await rc.Message.System.send({ senderId: 'news', targetId: 'ben', ...txt }));
  good(await sdkPost('message/recall', { fromUserId: 'news', conversationType: 6, targetId: 'ben', messageUID: uid }));
  await accounted('~system/ben', uid, 'ben');
});

test('the recall of a directed group message by its receivers\' devices', async () => {
  const group = `g-${newId()}`;
  good(await rc.Group.create({ id: group, name: 'Directed', members: [{ id: 'ann' }, { id: 'ben' }, { id: 'cho' }] }));
  const uid = uidOf(await rc.Message.Group.send({ senderId: 'ann', targetId: group, toUserId: ['cho'], ...txt }));
  good(await rc.Message.Group.recall({ senderId: 'ann', targetId: group, uId: uid, sentTime: 0 }));
  await accounted(group, uid, 'cho');
});

test('a broadcast recall by all devices, one by tag by those of the users who had it', async () => {
  const all = uidOf(await rc.Message.System.broadcast({ senderId: 'news', objectName: 'RC:TxtMsg', content: { content: 'x' } }));
  good(await sdkPost('message/broadcast/recall', { fromUserId: 'news', messageUID: all }));
  await accounted('~broadcast', all, 'ann', 'ben', 'cho');
  good(await rc.User.Tag.set({ id: 'cho', tags: ['blue'] }));
  const { messageUID } = good(await rc.Push.message({
    platform: ['ios'], fromUserId: 'news', audience: { tag: ['blue'], is_to_all: false }, notification: { alert: 'x' },
    message: { content: '{"content":"x"}', objectName: 'RC:TxtMsg' } }));
  good(await rc.User.Tag.remove({ id: 'cho' }));
  good(await sdkPost('message/broadcast/recall', { fromUserId: 'news', messageUID }));
  await accounted('~broadcast', messageUID, 'cho');
});

test('a chatroom recall by the devices that have a place in it', async () => {
  const id = `c-${newId()}`;
  good(await rc.Chatroom.create({ id, name: 'Hall' }));
  await devices.ann.subscribe([`~chatroom/${id}`]);
  const uid = uidOf(await rc.Message.Chatroom.send({ senderId: 'ben', targetId: id, ...txt }));
  good(await sdkPost('message/recall', { fromUserId: 'ben', conversationType: 4, targetId: id, messageUID: uid }));
  await accounted(`~chatroom/${id}`, uid, 'ann');
});

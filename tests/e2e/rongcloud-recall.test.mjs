// RongCloud's recalls: every way they come, what each parameter does, whose they are, and how often.
import assert from 'node:assert/strict';
import { APP, Device, checkOrder, fileServer, makeRoom, makeUser, ownServer, platform, sleep, test } from './lib/suite.mjs';
import { RongCloud, UID, rcUser } from './lib/rongcloud.mjs';

const FREE = { ...APP, broadcasts_per_hour: 0, broadcasts_per_day: 0, broadcast_recalls_per_hour: 0, broadcast_recalls_per_day: 0 };
const server = await fileServer({ apps: [FREE] });
const rc = new RongCloud(server, FREE);
const text = (value) => JSON.stringify({ content: value });

async function people(...ids) {
  const users = {};
  for (const id of ids) users[id] = await rcUser(rc, id, id.toUpperCase());
  return users;
}
const { ann, ben, cho } = await people('ann', 'ben', 'cho');
const follow = (user) => Device.follow(server, FREE, user, 'all');

test('a private message is recalled on the receiver\'s and the sender\'s devices', async () => {
  const [device, own] = [await follow(ben), await follow(ann)];
  const [{ userId, messageUID }] = await rc.publish('private', 'ann', 'ben', 'for ben alone');
  assert.equal(userId, 'ben');
  assert.match(messageUID, UID);
  assert.equal((await device.waitEvent('message', messageUID)).message.message, 'for ben alone');
  await rc.recall('ann', 1, 'ben', messageUID, { extra: 'why? & x', sentTime: 0 });
  for (const one of [device, own]) {
    const event = await one.waitEvent('recall', messageUID);
    assert.equal(event.objectName, 'RC:RcCmd');
    assert.deepEqual(event.content, { ...event.content, messageUId: messageUID, targetId: 'ben', conversationType: 1, isAdmin: false,
      isDelete: false, extra: 'why? & x', disableUpdateLastMsg: false, originalFromUserId: 'ann' });
    assert.equal(event.content.user.id, 'ann');
    assert.equal(event.message.messageType, 'recall');
    assert.ok(!JSON.stringify(event).includes('for ben alone'));
  }
});

test('isAdmin, isDelete, extra and disableUpdateLastMsg reach the clients as booleans and text', async () => {
  const device = await follow(ben);
  const [{ messageUID }] = await rc.publish('private', 'ann', 'ben', 'x');
  await rc.recall('ann', '1', 'ben', messageUID, { isAdmin: 1, isDelete: 1, extra: '{"a":"b"}', disableUpdateLastMsg: true, disablePush: 'true' });
  const { content } = await device.waitEvent('recall', messageUID);
  assert.equal(content.isAdmin, true);
  assert.equal(content.isDelete, true);
  assert.equal(content.disableUpdateLastMsg, true);
  assert.equal(content.extra, '{"a":"b"}');
});

test('a second recall answers the same and emits nothing', async () => {
  const device = await follow(ben);
  const [{ messageUID }] = await rc.publish('private', 'ann', 'ben', 'twice');
  await rc.recall('ann', 1, 'ben', messageUID);
  await rc.recall('ann', 1, 'ben', messageUID, { isDelete: 1 });
  const [{ messageUID: mark }] = await rc.publish('private', 'ann', 'ben', 'mark');
  await device.waitEvent('message', mark);
  assert.equal(device.events('recall').filter((event) => event.message._id === messageUID).length, 1);
});

test('group, ultra group, chatroom and system messages are recalled where they are', async () => {
  await rc.ok('/group/create.json', { userId: ['ann', 'ben'], groupId: 'g-recall', groupName: 'G' });
  await rc.ok('/chatroom/create.json', { 'chatroom[c-recall]': 'C' });
  const device = await follow(ben);
  await device.subscribe('~chatroom/c-recall');
  const cases = [['group', 3, 'g-recall', 'g-recall'], ['group', 10, 'g-recall', 'g-recall'], ['chatroom', 4, 'c-recall', '~chatroom/c-recall'],
    ['system', 6, 'ben', '~system/ben']];
  for (const [kind, type, target, room] of cases) {
    const [{ messageUID }] = await rc.publish(kind, 'ann', target, `in ${kind}`);
    await device.waitEvent('message', messageUID);
    await rc.recall('ann', type, target, messageUID, { busChannel: 'undefined' });
    const event = await device.waitEvent('recall', messageUID);
    assert.equal(event.room, room);
    assert.equal(event.content.targetId, target, kind);
  }
});

test('fromUserId must be the author unless isAdmin=1, and the refusal says so', async () => {
  const [{ messageUID }] = await rc.publish('private', 'ann', 'ben', 'mine');
  for (const from of ['ben', 'cho', 'nobody']) {
    await rc.fails(1007, 'isAdmin', '/message/recall.json', { fromUserId: from, conversationType: 1, targetId: 'ben', messageUID });
  }
  await rc.recall('cho', 1, 'ben', messageUID, { isAdmin: 1 });
});

test('recall_requires_author = off lets anyone, as the vendor does', async (t) => {
  const app = { ...APP, recall_requires_author: 'off' };
  const other = new RongCloud(await ownServer(t, { apps: [app] }), app);
  const [{ messageUID }] = await other.publish('private', 'ann', 'ben', 'x');
  await other.recall('ben', 1, 'ben', messageUID);
});

test('what is missing or unknown is 1002 and named', async () => {
  const [{ messageUID }] = await rc.publish('private', 'ann', 'ben', 'still here');
  const all = { fromUserId: 'ann', conversationType: 1, targetId: 'ben', messageUID };
  for (const name of Object.keys(all)) {
    await rc.fails(1002, name, '/message/recall.json', { ...all, [name]: 'undefined' });
  }
  await rc.fails(1002, 'messageUID', '/message/recall.json', { ...all, messageUID: 'AAAA-BBBB-CCCC-DDDD' });
  await rc.fails(1002, 'messageUID', '/message/recall.json', { ...all, targetId: 'cho' });
  await rc.fails(1002, 'conversationType', '/message/recall.json', { ...all, conversationType: 2 });
  await rc.fails(1002, 'isDelete', '/message/recall.json', { ...all, isDelete: 'maybe' });
  await rc.fails(1002, 'sentTime', '/message/recall.json', { ...all, sentTime: 'yesterday' });
  await rc.fails(1002, 'conversationType', '/message/recall.json', { fromUserId: 'ann', messageUID });
  await rc.fails(1002, 'messageUID', '/message/broadcast/recall.json', { fromUserId: 'ann', messageUID });
  await rc.fails(1002, 'fromUserId', '/message/broadcast/recall.json', { messageUID });
  const imkit = await platform(server, FREE).get(`/rooms/${encodeURIComponent('~private/ann/ben')}/messages/v3`);
  assert.ok(imkit.data.some((one) => one._id === messageUID && one.message === 'still here'));
});

test('a recall that looks in the wrong place is told the right one', async () => {
  const [{ messageUID }] = await rc.publish('private', 'ann', 'ben', 'not for all');
  const all = (await rc.broadcast('ann', 'for all')).messageUID;
  await rc.fails(1002, '/message/recall.json', '/message/broadcast/recall.json', { fromUserId: 'ann', messageUID });
  await rc.fails(1002, '/message/broadcast/recall.json', '/message/recall.json', { fromUserId: 'ann', conversationType: 6, targetId: 'ben', messageUID: all });
  await rc.fails(1002, 'as in the send', '/message/recall.json', { fromUserId: 'ann', conversationType: 3, targetId: 'ben', messageUID });
});

test('what is too long is 1005 and named', async () => {
  const all = { fromUserId: 'ann', conversationType: 1, targetId: 'ben', messageUID: 'AAAA-BBBB-CCCC-DDDD' };
  await rc.fails(1005, 'extra', '/message/recall.json', { ...all, extra: 'x'.repeat(16385) });
  await rc.fails(1005, 'fromUserId', '/message/recall.json', { ...all, fromUserId: 'u'.repeat(65) });
  await rc.fails(1005, 'messageUID', '/message/recall.json', { ...all, messageUID: 'u'.repeat(65) });
});

test('a broadcast is recalled for everyone, by its own path, by the seed\'s example and in the legacy form', async () => {
  const device = await follow(cho);
  const ways = [
    (uid) => rc.ok('/message/broadcast/recall.json', { fromUserId: 'ann', messageUID: uid, sentTime: '1507778882124', isAdmin: 0, isDelete: 0, extra: 'e' }),
    (uid) => rc.ok('/message/recall.json', { fromUserId: 'ann', messageUID: uid, sentTime: '1507778882124' }),
    (uid) => rc.ok('/message/broadcast.json', { fromUserId: 'ann', objectName: 'RC:RcCmd',
      content: JSON.stringify({ messageUId: uid, conversationType: 6, isAdmin: 0, isDelete: 0 }) }),
    (uid) => rc.ok('/message/broadcast.json', { fromUserId: 'ann', objectName: 'RC:RcCmd',
      content: JSON.stringify({ messageUId: uid, conversationType: '6', isAdmin: '0', isDelete: '1', sentTime: '1507778882124' }) }),
  ];
  for (const way of ways) {
    const { messageUID } = await rc.broadcast('ann', 'to all');
    await device.waitEvent('message', messageUID);
    const answer = await way(messageUID);
    assert.equal(answer.code, 200);
    const event = await device.waitEvent('recall', messageUID);
    assert.equal(event.room, '~broadcast');
    assert.equal(event.content.conversationType, 6);
    assert.equal(event.content.isDelete, way === ways[3]);
  }
  checkOrder(device.events(undefined, '~broadcast'), device.positions['~broadcast'].seq);
});

test('an RC:RcCmd sent as a message is that recall, in each conversation', async () => {
  await rc.ok('/group/create.json', { userId: ['ann', 'ben'], groupId: 'g-cmd' });
  await rc.ok('/chatroom/create.json', { 'chatroom[c-cmd]': 'C' });
  const device = await follow(ben);
  await device.subscribe('~chatroom/c-cmd');
  const targets = { private: ['toUserId', ['cho', 'ben']], group: ['toGroupId', 'g-cmd'], chatroom: ['toChatroomId', 'c-cmd'], system: ['toUserId', 'ben'] };
  for (const [kind, [name, target]] of Object.entries(targets)) {
    const [{ messageUID }] = await rc.publish(kind, 'ann', [target].flat().at(-1), `cmd ${kind}`);
    await rc.ok(`/message/${kind}/publish.json`, { fromUserId: 'ann', [name]: target, objectName: 'RC:RcCmd',
      content: JSON.stringify({ messageUId: messageUID, isDelete: '1' }) });
    assert.equal((await device.waitEvent('recall', messageUID)).content.isDelete, true, kind);
  }
  await rc.fails(1002, 'content', '/message/private/publish.json', { fromUserId: 'ann', toUserId: 'ben', objectName: 'RC:RcCmd', content: 'no json' });
  await rc.fails(1002, 'messageUID', '/message/private/publish.json', { fromUserId: 'ann', toUserId: 'ben', objectName: 'RC:RcCmd', content: '{}' });
});

test('the id that /push.json answers is good for every recall', async () => {
  await rc.okJson('/user/tag/set.json', { userId: 'cho', tags: ['vip'] });
  const device = await follow(cho);
  const ways = [(id) => rc.ok('/message/broadcast/recall.json', { fromUserId: 'ann', messageUID: id }),
    (id) => rc.ok('/message/broadcast.json', { fromUserId: 'ann', objectName: 'RC:RcCmd', content: JSON.stringify({ messageUId: id }) })];
  for (const way of ways) {
    const { id } = await rc.okJson('/push.json', { platform: ['ios', 'android'], fromuserid: 'ann', audience: { tag: ['vip'], is_to_all: false },
      message: { content: text('tagged'), objectName: 'RC:TxtMsg' }, notification: { alert: 'a' } });
    await device.waitEvent('message', id);
    await way(id);
    await device.waitEvent('recall', id);
  }
});

test('a message sent in one dialect is recalled in the other, and a group is the room with the same id', async () => {
  const owner = await makeUser(server, FREE, 'owner');
  const room = await makeRoom(owner, [{ id: 'ben' }]);
  const device = await follow(ben);
  const imkit = await owner.api.send(room, 'by IMKit');
  await rc.recall('owner', 3, room, imkit._id);
  assert.equal((await device.waitEvent('recall', imkit._id)).content.conversationType, 3);
  const [{ messageUID }] = await rc.publish('group', 'owner', room, 'by RongCloud');
  await device.waitEvent('message', messageUID);
  await platform(server, FREE).recall(room, messageUID, { extra: 'back' });
  assert.equal((await device.waitEvent('recall', messageUID)).content.extra, 'back');
});

test('a recall of a broadcast counts when it is new, whichever way it came; then 1008 with the time to wait', async (t) => {
  const app = { ...APP, broadcasts_per_hour: 0, broadcasts_per_day: 0 };
  const own = new RongCloud(await ownServer(t, { apps: [app] }), app);
  const uids = [];
  for (let i = 0; i < 4; i += 1) uids.push((await own.broadcast('ann', `b${i}`)).messageUID);
  const recall = (uid) => own.call('/message/broadcast/recall.json', { fromUserId: 'ann', messageUID: uid });
  assert.equal((await recall('AAAA-BBBB-CCCC-DDDD')).data.code, 1002); // not new: does not count
  assert.equal((await recall(uids[0])).data.code, 200);
  assert.equal((await recall(uids[0])).data.code, 200); // neither does a repeat
  await own.ok('/message/broadcast.json', { fromUserId: 'ann', objectName: 'RC:RcCmd', content: JSON.stringify({ messageUId: uids[1] }) });
  const answer = await recall(uids[2]);
  assert.equal(answer.data.code, 1008);
  const wait = Number(answer.headers['retry-after']);
  assert.ok(wait > 3500 && wait <= 3600, `an hour slides: ${wait}`);
  assert.equal((await own.call('/message/recall.json', { fromUserId: 'ann', messageUID: uids[3] })).data.code, 1008);
  assert.equal((await recall('AAAA-BBBB-CCCC-DDDD')).data.code, 1008, 'the quota is looked at before existence');
  assert.equal((await recall(uids[0])).data.code, 200, 'whoever missed the answer asks again, and gets it');
  await own.fails(1002, 'fromUserId', '/message/broadcast/recall.json', { messageUID: uids[2] });
});

test('the quotas of an hour and a day outlive a restart', async (t) => {
  const app = { ...APP, broadcasts_per_hour: 2, broadcast_recalls_per_hour: 0, broadcast_recalls_per_day: 1 };
  const leftOfDay = 86400000 - (Date.now() % 86400000);
  if (leftOfDay < 20000) await sleep(leftOfDay); // all of it is of one calendar day
  const first = await ownServer(t, { apps: [app] });
  let own = new RongCloud(first, app);
  const { messageUID } = await own.broadcast('ann', 'one');
  const second = await own.broadcast('ann', 'two');
  await own.ok('/message/broadcast/recall.json', { fromUserId: 'ann', messageUID });
  await first.stop();
  own = new RongCloud(await ownServer(t, { apps: [app], dir: first.dir }), app);
  await own.fails(1008, 'hour', '/message/broadcast.json', { fromUserId: 'ann', objectName: 'RC:TxtMsg', content: text('three') });
  await own.fails(1008, 'day', '/message/broadcast/recall.json', { fromUserId: 'ann', messageUID: second.messageUID });
});

test('recalls_per_second bounds /message/recall.json, and only what is new counts', async (t) => {
  const app = { ...APP, recalls_per_second: 2 };
  const own = new RongCloud(await ownServer(t, { apps: [app] }), app);
  const uids = (await own.publish('private', 'ann', ['a', 'b', 'c', 'd', 'e', 'f'], 'x'));
  const codes = [];
  for (let i = 0; i < 5; i += 1) {
    codes.push((await own.call('/message/recall.json', { fromUserId: 'ann', conversationType: 1, targetId: 'a', messageUID: 'AAAA-BBBB-CCCC-DDDD' })).data.code);
  }
  assert.deepEqual(codes, [1002, 1002, 1002, 1002, 1002]);
  const answers = await Promise.all(uids.map(({ userId, messageUID }) => own.call('/message/recall.json',
    { fromUserId: 'ann', conversationType: 1, targetId: userId, messageUID })));
  assert.ok(answers.some((answer) => answer.data.code === 200) && answers.some((answer) => answer.data.code === 1008),
    JSON.stringify(answers.map((answer) => answer.data)));
});

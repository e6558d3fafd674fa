// RongCloud's sends: what each answers, who gets it, and how leniently parameters are read.
import assert from 'node:assert/strict';
import { APP, Device, fileServer, ownServer, test } from './lib/suite.mjs';
import { RongCloud, UID, rcUser } from './lib/rongcloud.mjs';

const FREE = { ...APP, broadcasts_per_hour: 0, broadcasts_per_day: 0, broadcast_recalls_per_hour: 0, broadcast_recalls_per_day: 0 };
const server = await fileServer({ apps: [FREE] });
const rc = new RongCloud(server, FREE);
const content = JSON.stringify({ content: 'hi' });
const base = { fromUserId: 'ann', objectName: 'RC:TxtMsg', content };
const users = {};
for (const id of ['ann', 'ben', 'cho', 'dee']) users[id] = await rcUser(rc, id);
const follow = (id) => Device.follow(server, FREE, users[id], 'all');

/** Waits for a broadcast that is sent now: what came before it has come. */
async function barrier(...devices) {
  const { messageUID } = await rc.broadcast('ann', 'mark');
  await Promise.all(devices.map((device) => device.waitEvent('message', messageUID)));
}
const got = (device, id) => device.events('message').some((event) => event.message._id === id);

test('each send answers its targets and their messageUIDs', async () => {
  await rc.ok('/group/create.json', { userId: ['ann', 'ben'], groupId: 'g1' });
  await rc.ok('/group/create.json', { userId: ['ann', 'ben'], groupId: 'g2' });
  await rc.ok('/chatroom/create.json', { 'chatroom[c1]': 'one', 'chatroom[c2]': 'two' });
  for (const [kind, name, targets] of [['private', 'userId', ['ben', 'cho', 'nobody yet']], ['group', 'groupId', ['g1', 'g2']],
    ['chatroom', 'chatroomId', ['c1', 'c2']], ['system', 'userId', ['ben', 'cho']]]) {
    const list = await rc.publish(kind, 'ann', targets, kind);
    assert.deepEqual(list.map((one) => one[name]), targets);
    for (const one of list) assert.match(one.messageUID, UID);
    assert.equal(new Set(list.map((one) => one.messageUID)).size, targets.length);
    assert.deepEqual(Object.keys(list[0]).sort(), ['messageUID', name].sort());
  }
  const answer = await rc.broadcast('ann', 'all');
  assert.match(answer.messageUID, UID);
  assert.deepEqual(Object.keys(answer).sort(), ['code', 'messageUID']);
});

test('a message reaches its receivers with type, content and the fields that were sent', async () => {
  const device = await follow('ben');
  const [{ messageUID }] = await rc.publish('private', 'ann', 'ben', 'hello', { pushContent: 'p', pushData: 'd', pushExt: '{}', isPersisted: 1, isCounted: 1,
    isIncludeSender: 0, disablePush: false, expansion: true, extraContent: '{"k":"v"}', disableUpdateLastMsg: false });
  const { message } = await device.waitEvent('message', messageUID);
  assert.equal(message.message, 'hello');
  assert.equal(message.messageType, 'text');
  assert.equal(message.sender._id, 'ann');
  const own = await rc.ok('/message/private/publish.json', { ...base, toUserId: 'ben', objectName: 'App:Card', content: '{"a":[1,{"b":2}]}' });
  const card = (await device.waitEvent('message', own.messageUIDs[0].messageUID)).message;
  assert.equal(card.messageType, 'App:Card');
  assert.equal(card.objectName, 'App:Card');
  assert.deepEqual(card.content, { a: [1, { b: 2 }] });
});

test('msgRandom makes a send idempotent', async () => {
  const device = await follow('ben');
  const first = await rc.publish('private', 'ann', 'ben', 'once', { msgRandom: 77123 });
  assert.deepEqual(await rc.publish('private', 'ann', 'ben', 'once', { msgRandom: 77123 }), first);
  const all = await rc.broadcast('ann', 'once for all', { msgRandom: 9 });
  assert.deepEqual(await rc.broadcast('ann', 'once for all', { msgRandom: 9 }), all);
  await barrier(device);
  for (const id of [first[0].messageUID, all.messageUID]) {
    assert.equal(device.events('message').filter((event) => event.message._id === id).length, 1);
  }
});

test('a target that stands twice gets one message', async () => {
  const list = await rc.publish('private', 'ann', ['ben', 'ben', 'cho', 'ben'], 'x');
  assert.deepEqual(list.map((one) => one.userId), ['ben', 'cho']);
});

test('a directed group message reaches its receivers alone, and the sender with isIncludeSender=1', async () => {
  await rc.ok('/group/create.json', { userId: ['ann', 'ben', 'cho'], groupId: 'g-some' });
  const [ann, ben, cho] = await Promise.all(['ann', 'ben', 'cho'].map(follow));
  const [{ messageUID: some }] = await rc.publish('group', 'ann', 'g-some', 'for ben', { toUserId: ['ben'] });
  const [{ messageUID: both }] = await rc.publish('group', 'ann', 'g-some', 'for ben and me', { toUserId: ['ben'], isIncludeSender: 1 });
  const [{ messageUID: every }] = await rc.publish('group', 'ann', 'g-some', 'for all');
  await Promise.all([ann, ben, cho].map((device) => device.waitEvent('message', every)));
  assert.deepEqual([ann, ben, cho].map((device) => [got(device, some), got(device, both)]), [[false, true], [true, true], [false, false]]);
  await rc.recall('ann', 3, 'g-some', some);
  await ben.waitEvent('recall', some);
  await barrier(cho, ann);
  assert.equal(cho.events('recall', 'g-some').length + ann.events('recall', 'g-some').length, 0, 'the recall too');
  await rc.fails(1002, 'toUserId', '/message/group/publish.json', { ...base, toGroupId: ['g1', 'g2'], toUserId: 'ben' });
});

test('bounds: number of targets, objectName, content', async () => {
  const many = (n) => Array.from({ length: n }, (_, i) => `u${i}`);
  const cases = [['private', 'toUserId', 1000], ['group', 'toGroupId', 3], ['chatroom', 'toChatroomId', 10], ['system', 'toUserId', 100]];
  for (const [kind, name, max] of cases) {
    await rc.fails(1005, name, `/message/${kind}/publish.json`, { ...base, [name]: many(max + 1) });
    await rc.fails(1002, name, `/message/${kind}/publish.json`, { ...base, [name]: 'undefined' });
    for (const missing of Object.keys(base)) {
      await rc.fails(1002, missing, `/message/${kind}/publish.json`, { ...base, [name]: 'ben', [missing]: '' });
    }
  }
  assert.equal((await rc.publish('private', 'ann', many(1000), 'x')).length, 1000);
  const to = { ...base, toUserId: 'ben' };
  await rc.fails(1005, 'objectName', '/message/private/publish.json', { ...to, objectName: 'A'.repeat(33) });
  await rc.fails(1002, 'objectName', '/message/private/publish.json', { ...to, objectName: 'RC:Mine' });
  for (const objectName of ['RC:CardMsg', 'RC:CombineMsg', 'RC:CombineV2Msg', 'RC:InfoNtf', 'RC:StkMsg']) {
    await rc.ok('/message/private/publish.json', { ...to, objectName });
  }
  await rc.fails(1005, 'fromUserId', '/message/private/publish.json', { ...to, fromUserId: 'é'.repeat(33) });
  await rc.fails(1002, 'isCounted', '/message/private/publish.json', { ...to, isCounted: 'perhaps' });
});

test('a group or chatroom that is not there is 1002, and nothing is sent to the others', async () => {
  const device = await follow('ben');
  await rc.ok('/group/create.json', { userId: ['ann', 'ben'], groupId: 'g-there' });
  await rc.fails(1002, 'g-missing', '/message/group/publish.json', { ...base, toGroupId: ['g-there', 'g-missing'] });
  await rc.fails(1002, 'c-missing', '/message/chatroom/publish.json', { ...base, toChatroomId: 'c-missing' });
  await barrier(device);
  assert.equal(device.events('message', 'g-there').length, 0);
});

test('what an SDK sends unencoded arrives as it was meant', async () => {
  const device = await follow('ben');
  const body = 'fromUserId=ann&toUserId=ben&objectName=RC:TxtMsg&content={"content":"see http://h/p?q=1 & 100% of it"}&pushContent=a: b/c?&extra=undefined';
  const { data } = await rc.send('/message/private/publish.json', body);
  assert.equal(data.code, 200);
  const { message } = await device.waitEvent('message', data.messageUIDs[0].messageUID);
  assert.equal(message.message, 'see http://h/p?q=1 & 100% of it');
});

test('a JSON body is read where a form is expected', async () => {
  const device = await follow('ben');
  const { messageUIDs } = await rc.okJson('/message/private/publish.json', { ...base, toUserId: ['ben', 'cho'], isCounted: 0, expansion: false });
  assert.deepEqual(messageUIDs.map((one) => one.userId), ['ben', 'cho']);
  await device.waitEvent('message', messageUIDs[0].messageUID);
  assert.equal((await rc.callJson('/message/private/publish.json', '{"fromUserId":')).data.code, 1002);
});

test('a push reaches by tag, tag_or, userid, packageName and everyone, and no one else', async () => {
  await rc.okJson('/user/tag/set.json', { userId: 'ben', tags: ['a', 'b'] });
  await rc.okJson('/user/tag/set.json', { userId: 'cho', tags: ['a', 'c'] });
  const dee = await Device.connect(server, { headers: { 'IM-CLIENT-KEY': FREE.client_key, 'IM-Authorization': users.dee.token, 'IM-Device-ID': 'd1',
    'IM-App-Package': 'com.example.app' } });
  await dee.waitFor((frame) => frame.op === 'ready');
  await dee.subscribe('all');
  const devices = { ben: await follow('ben'), cho: await follow('cho'), dee };
  const cases = [
    [{ tag: ['a'] }, ['ben', 'cho']], [{ tag: ['a', 'b'] }, ['ben']], [{ tag_or: ['b', 'c'] }, ['ben', 'cho']], [{ tag: ['a'], tag_or: ['c', 'x'] }, ['cho']],
    [{ userid: ['dee', 'nobody'] }, ['dee']], [{ userid: ['ben'], tag: ['c'], packageName: 'com.example.app' }, ['ben']],
    [{ packageName: 'com.example.app' }, ['dee']], [{ packageName: 'com.example.app', tag: ['a'] }, []], [{ is_to_all: true }, ['ben', 'cho', 'dee']],
  ];
  for (const [audience, receivers] of cases) {
    const answer = await rc.okJson('/push.json', { platform: ['ios', 'android'], fromuserid: 'ann', audience: { is_to_all: false, ...audience },
      message: { content, objectName: 'RC:TxtMsg', disableUpdateLastMsg: false }, notification: { alert: 'x' } });
    assert.equal(answer.id, answer.messageUID);
    await barrier(...Object.values(devices));
    assert.deepEqual(Object.keys(devices).filter((id) => got(devices[id], answer.id)), receivers, JSON.stringify(audience));
    await rc.ok('/message/broadcast/recall.json', { fromUserId: 'ann', messageUID: answer.id });
    await Promise.all(receivers.map((id) => devices[id].waitEvent('recall', answer.id)));
    await barrier(...Object.values(devices));
    assert.deepEqual(Object.keys(devices).filter((id) => devices[id].events('recall').some((event) => event.content.messageUId === answer.id)), receivers);
  }
});

test('the content of a push is read percent-encoded and as an object too', async () => {
  const device = await follow('ben');
  const push = (value) => rc.okJson('/push.json', { platform: ['ios'], fromuserid: 'ann', audience: { userid: ['ben'], is_to_all: false },
    message: { content: value, objectName: 'RC:TxtMsg' } });
  for (const value of [encodeURIComponent('{"content":"50% & more"}'), { content: '50% & more' }, '{"content":"50% & more"}']) {
    const { id } = await push(value);
    assert.equal((await device.waitEvent('message', id)).message.message, '50% & more');
  }
});

test('bounds and faults of a push are named', async () => {
  const push = { platform: ['ios'], fromuserid: 'ann', audience: { tag: ['a'], is_to_all: false }, message: { content, objectName: 'RC:TxtMsg' } };
  const fails = async (code, naming, change) => {
    const { data, text } = await rc.callJson('/push.json', { ...push, ...change });
    assert.equal(data.code, code, text);
    assert.ok(data.errorMessage.includes(naming), text);
  };
  const many = (n) => Array.from({ length: n }, (_, i) => `t${i}`);
  await fails(1002, 'audience', { audience: undefined });
  await fails(1002, 'audience', { audience: { is_to_all: false } });
  await fails(1002, 'audience', { audience: { tag: [], is_to_all: false } });
  await fails(1005, 'audience.tag', { audience: { tag: many(21) } });
  await fails(1005, 'audience.tag_or', { audience: { tag_or: many(21) } });
  await fails(1005, 'audience.userid', { audience: { userid: many(1001) } });
  await fails(1005, 'audience.tag', { audience: { tag: ['x'.repeat(41)] } });
  await fails(1002, 'audience.tag', { audience: { tag: [1] } });
  await fails(1002, 'fromuserid', { fromuserid: undefined });
  await fails(1002, 'message.content', { message: { objectName: 'RC:TxtMsg' } });
  await fails(1002, 'message.objectName', { message: { content } });
  await fails(1005, 'message.content', { message: { content: 'x'.repeat(131073), objectName: 'RC:TxtMsg' } });
  assert.equal((await rc.call('/push.json', { fromuserid: 'ann' })).data.code, 1002);
});

test('a push without a message lands in no conversation and shares the broadcasts\' quota', async (t) => {
  const own = new RongCloud(await ownServer(t, { apps: [APP] }), APP);
  const answer = await own.okJson('/push.json', { platform: ['ios'], audience: { is_to_all: true }, notification: { alert: 'x' } });
  assert.match(answer.id, UID);
  assert.equal(answer.messageUID, undefined);
  await own.broadcast('ann', 'second', { msgRandom: 5 });
  const third = await own.call('/message/broadcast.json', base);
  assert.equal(third.data.code, 1008);
  assert.equal((await own.callJson('/push.json', { platform: ['ios'], audience: { is_to_all: true }, notification: { alert: 'x' } })).data.code, 1008);
  await own.broadcast('ann', 'second', { msgRandom: 5 }); // a repeat is nothing new
  await own.fails(1002, 'content', '/message/broadcast.json', { ...base, content: '' });
});

test('a large message to the most receivers does not keep other writes waiting', async () => {
  const targets = Array.from({ length: 1000 }, (_, i) => `many-${i}`);
  const large = JSON.stringify({ content: 'x'.repeat(100 << 10) });
  let sent;
  const whole = rc.ok('/message/private/publish.json', { ...base, toUserId: targets, content: large }).then((answer) => { sent = answer.messageUIDs; });
  let between = 0;
  while (!sent) {
    await rc.publish('private', 'ann', 'ben', 'between');
    if (!sent) between += 1;
  }
  await whole;
  assert.ok(between >= 5, `writes that came in between: ${between}`);
  assert.deepEqual(sent.map((one) => one.userId), targets);
  assert.equal(new Set(sent.map((one) => one.messageUID)).size, targets.length);
  const last = sent.at(-1);
  await rc.recall('ann', 1, last.userId, last.messageUID);
});

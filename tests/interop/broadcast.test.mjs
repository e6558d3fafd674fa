// Broadcasts and pushes by the SDK: to everyone, by tag, by user, by package; and their recalls, which reach exactly those who got them.
import assert from 'node:assert/strict';
import { Device, FREE, UID, bad, checkCommand, checkMessage, commandFor, cursorsOf, deviceOf, fileServer, framesAbout, good, newId, ownServer, post, register,
  sdkOf, sdkPost, signed, test, APP } from './lib.mjs';

const server = await fileServer({ apps: [FREE] });
const rc = sdkOf(server, FREE);
const users = await register(rc, 'ann', 'ben', 'cho', 'dan');
const { ann, ben, cho } = users;
const tags = (id, ...list) => rc.User.Tag.set({ id, tags: list }).then(good);
const text = () => `for the many ${newId()}`;
const txt = (words, more = {}) => ({ objectName: 'RC:TxtMsg', content: { content: words }, ...more });
const broadcast = async (words, more) => good(await rc.Message.System.broadcast({ senderId: 'news', ...txt(words, more) })).messageUID;
const recallBroadcast = (uid, more = {}) => sdkPost('message/broadcast/recall', { fromUserId: 'news', messageUID: uid, ...more }).then(good);

async function devices(t, ...whose) {
  const all = await Promise.all(whose.map((user) => deviceOf(server, FREE, user, { device: `d-${newId()}` })));
  t.after(() => Promise.all(all.map((device) => device.close())));
  return all;
}

async function push(words, audience, more = {}) {
  const answer = good(await rc.Push.message({
    platform: ['ios', 'android'], fromUserId: 'news', audience: { is_to_all: false, ...audience },
    message: { content: JSON.stringify({ content: words }), objectName: 'RC:TxtMsg' },
    notification: { alert: 'this is a push', ios: { alert: 'override', extras: { id: '1' } } }, ...more,
  }));
  assert.ok(typeof answer.id === 'string' && answer.id.length > 0, JSON.stringify(answer));
  return answer;
}

/** What was sent and recalled came to these devices and to no other, and likewise when they come back. */
async function reached(uid, got, others) {
  await recallBroadcast(uid);
  const all = await broadcast('mark');
  await Promise.all([...got, ...others].map((device) => device.waitEvent('message', all)));
  for (const device of got) {
    assert.equal(framesAbout(device, uid).length, 2, `message and recall for ${device.welcome.user._id}`);
    checkCommand(await commandFor(device, uid), { room: '~broadcast', uid, from: 'news', targetId: 'news', conversationType: 6 });
  }
  for (const device of others) assert.deepEqual(framesAbout(device, uid), [], device.welcome.user._id);
}

test('System.broadcast reaches everyone and answers its messageUID at once; so does its recall', async (t) => {
  const [a, b] = await devices(t, ann, ben);
  const words = text();
  const uid = await broadcast(words);
  assert.match(uid, UID);
  for (const device of [a, b]) checkMessage(await device.waitEvent('message', uid), { room: '~broadcast', from: 'news', uid, text: words });
  const sentTime = (await a.waitEvent('message', uid)).message.messageTimeMS;
  await recallBroadcast(uid, { sentTime, extra: 'why? & x', isDelete: 0, disableUpdateLastMsg: true });
  for (const device of [a, b]) {
    checkCommand(await commandFor(device, uid), {
      room: '~broadcast', uid, from: 'news', targetId: 'news', conversationType: 6, extra: 'why? & x', disableUpdateLastMsg: true, sentTime });
  }
});

test('the legacy RC:RcCmd broadcast is a recall, with numbers or texts as values', async (t) => {
  const [a] = await devices(t, ann);
  for (const [isAdmin, isDelete] of [[0, 0], ['0', '1'], [1, 1]]) {
    const uid = await broadcast(text());
    const answer = good(await rc.Message.System.broadcast({
      senderId: 'news', objectName: 'RC:RcCmd', content: { messageUId: uid, conversationType: 6, isAdmin, isDelete },
    }));
    assert.equal(answer.code, 200);
    checkCommand(await commandFor(a, uid), {
      room: '~broadcast', uid, from: 'news', targetId: 'news', conversationType: 6, isAdmin: Number(isAdmin) === 1, isDelete: Number(isDelete) === 1 });
  }
  assert.ok(!a.events('message').some((one) => one.message.objectName === 'RC:RcCmd'), 'the command is no message');
});

test('a device that was away gets what was sent and recalled meanwhile as recalled', async () => {
  const away = await deviceOf(server, FREE, cho, { device: 'cho-away' });
  const cursors = cursorsOf(away);
  await away.close();
  const words = text();
  const uid = await broadcast(words);
  await recallBroadcast(uid, { isDelete: 1 });
  const stays = await broadcast('this one stays');
  const back = await deviceOf(server, FREE, cho, { device: 'cho-away', since: cursors });
  await back.waitEvent('message', stays);
  checkCommand(await commandFor(back, uid), { room: '~broadcast', uid, from: 'news', targetId: 'news', conversationType: 6, isDelete: true });
  assert.ok(!JSON.stringify(back.frames).includes(words));
  await back.close();
});

test('a user who is made later gets no old broadcast', async () => {
  const uid = await broadcast(text());
  const { late } = await register(rc, 'late');
  const device = await deviceOf(server, FREE, late);
  await device.waitEvent('message', await broadcast('mark'));
  assert.deepEqual(framesAbout(device, uid), []);
  await device.close();
});

test('push: tag means all of them, tag_or any, both together both', async (t) => {
  await Promise.all([tags('ann', 'red', 'tall'), tags('ben', 'red'), tags('cho', 'blue', 'tall'), tags('dan')]);
  const [a, b, c, d] = await devices(t, ...Object.values(users));
  const words = text();
  const all = await push(words, { tag: ['red', 'tall'] });
  checkMessage(await a.waitEvent('message', all.messageUID), { room: '~broadcast', from: 'news', uid: all.messageUID, text: words });
  await reached(all.messageUID, [a], [b, c, d]);
  await reached((await push(text(), { tag_or: ['red', 'blue'] })).messageUID, [a, b, c], [d]);
  await reached((await push(text(), { tag: ['tall'], tag_or: ['blue', 'green'] })).messageUID, [c], [a, b, d]);
});

test('push: a recall reaches who had the tag at the send, whatever tags they have by then', async (t) => {
  await Promise.all([tags('ann', 'then'), tags('ben')]);
  const [a, b] = await devices(t, ann, ben);
  const cursors = [cursorsOf(a), cursorsOf(b)];
  const { messageUID } = await push(text(), { tag: ['then'] });
  await a.waitEvent('message', messageUID);
  await Promise.all([tags('ann'), tags('ben', 'then')]);
  await reached(messageUID, [a], [b]);
  const later = await Promise.all([ann, ben].map((user, i) => deviceOf(server, FREE, user, { device: `l-${newId()}`, since: cursors[i] })));
  const mark = await broadcast('mark');
  await Promise.all(later.map((device) => device.waitEvent('message', mark)));
  await commandFor(later[0], messageUID);
  assert.deepEqual(framesAbout(later[1], messageUID), []);
  await Promise.all(later.map((device) => device.close()));
});

test('push: userid wins over tags', async (t) => {
  await Promise.all([tags('ann', 'vip'), tags('ben')]);
  const [a, b, c] = await devices(t, ann, ben, cho);
  const { messageUID } = await push(text(), { userid: ['ben', 'cho'], tag: ['vip'], packageName: 'com.example.none' });
  await reached(messageUID, [b, c], [a]);
});

test('push: packageName reaches users with a device of that package, with tags those who have both', async (t) => {
  await Promise.all([tags('ann', 'beta'), tags('ben', 'beta'), tags('cho')]);
  const headers = (user, name) => ({
    headers: { 'IM-CLIENT-KEY': FREE.client_key, 'IM-Authorization': user.token, 'IM-Caps': 'recall,quote,ack', ...(name && { 'IM-App-Package': name }) } });
  const open = async (user, name) => {
    const device = await Device.connect(server, headers(user, name));
    device.welcome = await device.waitFor((frame) => frame.op === 'ready');
    await device.subscribe('all');
    t.after(() => device.close());
    return device;
  };
  const [a, b, c] = [await open(ann, 'com.example.one'), await open(ben), await open(cho, 'com.example.one')];
  await reached((await push(text(), { packageName: 'com.example.one' })).messageUID, [a, c], [b]);
  await reached((await push(text(), { packageName: 'com.example.one', tag: ['beta'] })).messageUID, [a], [b, c]);
});

test('push to all; its id is an alias in both recalls', async (t) => {
  const [a, b] = await devices(t, ann, ben);
  const first = await push(text(), { is_to_all: true, tag: ['nobody-has-this'] });
  await Promise.all([a, b].map((device) => device.waitEvent('message', first.messageUID)));
  await recallBroadcast(first.id);
  await commandFor(a, first.messageUID);
  const second = await push(text(), { is_to_all: true });
  good(await rc.Message.System.broadcast({ senderId: 'news', objectName: 'RC:RcCmd', content: { messageUId: second.id, conversationType: 6, isAdmin: 0, isDelete: 0 } }));
  for (const device of [a, b]) await commandFor(device, second.messageUID);
});

test('Push.push without a message leaves nothing in any conversation', async (t) => {
  const [a] = await devices(t, ann);
  const answer = good(await rc.Push.push({ platform: ['ios'], fromUserId: 'news', audience: { is_to_all: true }, notification: { alert: 'only shown' } }));
  assert.ok(answer.id);
  await a.waitEvent('message', await broadcast('mark'));
  assert.equal(a.events('message', '~broadcast').length, 1);
});

test('push as the Python SDK sends it: percent-encoded content, RC- headers', async (t) => {
  const [a] = await devices(t, ann);
  const body = {
    platform: ['ios', 'android'], fromuserid: 'news', audience: { is_to_all: true }, notification: { alert: 'x' },
    message: { content: encodeURIComponent(JSON.stringify({ content: 'früh & spät' })), objectName: 'RC:TxtMsg' },
  };
  // Without the headers that `post` sets by itself.
  const headers = { 'Content-Type': 'application/json', 'App-Key': null, Nonce: null, Timestamp: null, Signature: null };
  const answer = await post(server, FREE, '/push.json', JSON.stringify(body), { ...headers, ...signed(FREE, { prefix: 'RC-', timestamp: Math.floor(Date.now() / 1000) }) });
  assert.equal(answer.data.code, 200, JSON.stringify(answer.data));
  const frame = await a.waitEvent('message', answer.data.messageUID);
  assert.equal(frame.message.message, 'früh & spät');
});

test('wrong pushes are refused before anything is stored', async () => {
  const audiences = [{}, { tag: Array.from({ length: 21 }, (_, i) => `t${i}`) }, { userid: Array.from({ length: 1001 }, (_, i) => `u${i}`) }];
  for (const audience of audiences) {
    const answer = await rc.Push.message({
      platform: ['ios'], fromUserId: 'news', audience: { is_to_all: false, ...audience }, notification: { alert: 'x' },
      message: { content: '{"content":"x"}', objectName: 'RC:TxtMsg' } });
    bad(answer, [1002, 1005]);
  }
});

test('two broadcasts an hour by default, pushes counted with them, told with the time to wait, kept across a restart', async (t) => {
  const own = await ownServer(t, { apps: [APP] });
  const send = (at) => post(at, APP, '/message/broadcast.json', { fromUserId: 'news', objectName: 'RC:TxtMsg', content: '{"content":"hi"}' });
  const push1 = (at) => post(at, APP, '/push.json', JSON.stringify({
    platform: ['ios'], fromuserid: 'news', audience: { is_to_all: true }, notification: { alert: 'x' }, message: { content: '{"content":"hi"}', objectName: 'RC:TxtMsg' },
  }), { 'Content-Type': 'application/json' });
  const first = await send(own);
  assert.equal(first.status, 200, JSON.stringify(first.data));
  assert.equal((await push1(own)).status, 200);
  for (const answer of [await send(own), await push1(own)]) {
    assert.deepEqual([answer.status, answer.data.code], [429, 1008], JSON.stringify(answer.data));
    assert.match(answer.data.errorMessage, /\d/);
    assert.ok(Number(answer.headers['retry-after']) > 3000, `Retry-After: ${answer.headers['retry-after']}`);
  }
  assert.equal((await post(own, APP, '/message/broadcast.json', { fromUserId: 'news', objectName: 'RC:TxtMsg' })).data.code, 1002, 'parameters come before the quota');
  await own.kill9();
  const again = await ownServer(t, { dir: own.dir, apps: [APP] });
  assert.equal((await send(again)).data.code, 1008);
  const recall = (uid) => post(again, APP, '/message/broadcast/recall.json', { fromUserId: 'news', messageUID: uid });
  for (let i = 0; i < 4; i += 1) assert.equal((await recall(first.data.messageUID)).status, 200, 'a repeat is no new recall');
});

// The rest of RongCloud's surface: users, tags, online state, groups, chatrooms, the history log and the queries.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { APP, Device, client, eventually, fileServer, makeUser, ownServer, platform, tempDir, test } from './lib/suite.mjs';
import { RongCloud, UID, checkAnswer, exchangeHttp, rcUser } from './lib/rongcloud.mjs';

const FREE = { ...APP, broadcasts_per_hour: 0, broadcasts_per_day: 0, broadcast_recalls_per_hour: 0, broadcast_recalls_per_day: 0 };
const server = await fileServer({ apps: [FREE] });
const rc = new RongCloud(server, FREE);
const hourOf = (ms) => new Date(ms).toISOString().replace(/[-T:]/g, '').slice(0, 10);

test('getToken makes and updates a user; its tokens are good in both dialects, and earlier ones stay so', async () => {
  const first = await rcUser(rc, 'u1', 'One');
  const second = await rcUser(rc, 'u1', 'Two');
  for (const user of [first, second]) {
    const device = await Device.login(server, FREE, user);
    assert.deepEqual(device.welcome.user, { _id: 'u1', nickname: 'Two' });
    await client(server, FREE, user.token).get('/rooms');
    await device.close();
  }
  const long = await rcUser(rc, 'ü'.repeat(32)); // 64 bytes: a signed token would be too long
  assert.equal((await Device.login(server, FREE, long)).welcome.user._id, 'ü'.repeat(32));
  await rc.fails(1005, 'userId', '/user/getToken.json', { userId: 'ü'.repeat(33), name: 'n' });
  await rc.fails(1002, 'userId', '/user/getToken.json', { name: 'n' });
});

test('refresh changes what was given, and only that', async () => {
  await rcUser(rc, 'u2', 'Before');
  await rc.ok('/user/refresh.json', { userId: 'u2', name: 'After', portraitUri: 'undefined' });
  await rc.ok('/group/create.json', { userId: 'u2', groupId: 'g-refresh' });
  await rc.publish('group', 'u2', 'g-refresh', 'x');
  const { data } = await platform(server, FREE).get('/rooms/g-refresh/messages/v3');
  assert.equal(data[0].sender.nickname, 'After');
  assert.equal(data[0].sender.avatarUrl, 'http://h/p.png');
  await rc.fails(1002, 'userId', '/user/refresh.json', { userId: 'never made', name: 'x' });
});

test('checkOnline tells by text whether a device is connected', async () => {
  const user = await rcUser(rc, 'u3');
  const status = async () => (await rc.ok('/user/checkOnline.json', { userId: 'u3' })).status;
  assert.equal(await status(), '0');
  const device = await Device.login(server, FREE, user);
  assert.equal(await status(), '1');
  await device.close();
  await eventually('offline', async () => await status() === '0');
});

test('tags are set for one and for many, replaced as a whole, and told', async () => {
  await rc.okJson('/user/tag/set.json', { userId: 't1', tags: ['b', 'a'] });
  await rc.okJson('/user/tag/batch/set.json', { userIds: ['t2', 't3'], tags: ['女', 'a b'] });
  const tags = async (ids) => (await rc.ok('/user/tags/get.json', { userIds: ids })).result;
  assert.deepEqual(await tags(['t1', 't2', 't3', 't4']), { t1: ['a', 'b'], t2: ['a b', '女'], t3: ['a b', '女'], t4: [] });
  await rc.okJson('/user/tag/set.json', { userId: 't1', tags: ['c'] });
  await rc.okJson('/user/tag/batch/set.json', { userIds: ['t2'], tags: [] });
  assert.deepEqual(await tags(['t1', 't2']), { t1: ['c'], t2: [] });
  const cases = [[1005, { userId: 't1', tags: Array.from({ length: 21 }, (_, i) => `t${i}`) }], [1005, { userId: 't1', tags: ['x'.repeat(41)] }],
    [1002, { userId: 't1' }], [1002, { tags: ['x'] }],
    [1002, { userId: 't1', tags: [['x']] }], [1002, { userId: 't1', tags: [{}] }], [1002, { userId: [['t1']], tags: ['x'] }]];
  for (const [code, body] of cases) assert.equal((await rc.callJson('/user/tag/set.json', body)).data.code, code, JSON.stringify(body));
  assert.deepEqual(await tags('t1'), { t1: ['c'] });
});

test('groups are made, joined, left, renamed, listed and dismissed; IMKit sees the same room', async () => {
  const ids = async () => (await rc.ok('/group/user/query.json', { groupId: 'g1' })).users.map((one) => one.id).sort();
  await rc.ok('/group/create.json', { userId: ['a', 'b'], groupId: 'g1', groupName: 'First' });
  assert.deepEqual(await ids(), ['a', 'b']);
  await rc.ok('/group/join.json', { userId: ['b', 'c', 'd'], groupId: 'g1', groupName: 'First' });
  await rc.ok('/group/quit.json', { userId: 'a', groupId: 'g1' });
  assert.deepEqual(await ids(), ['b', 'c', 'd']);
  await rc.ok('/group/refresh.json', { groupId: 'g1', groupName: 'Second' });
  assert.equal((await platform(server, FREE).get('/rooms/g1')).name, 'Second');
  await rc.ok('/group/dismiss.json', { userId: 'undefined', groupId: 'g1' });
  await rc.fails(1002, 'g1', '/message/group/publish.json', { fromUserId: 'b', toGroupId: 'g1', objectName: 'RC:TxtMsg', content: '{"content":"x"}' });
  await rc.fails(1002, 'groupId', '/group/create.json', { userId: 'a' });
  await rc.fails(1002, 'userId', '/group/create.json', { groupId: 'g9' });
  await rc.fails(1002, 'groupName', '/group/refresh.json', { groupId: 'g1' });
  await rc.fails(1002, 'groupId', '/group/create.json', { userId: 'a', groupId: '~g' });
  await rc.fails(1005, 'groupId', '/group/create.json', { userId: 'a', groupId: 'g'.repeat(129) });
});

test('chatrooms are made by chatroom[ID]=NAME and by id, and destroyed', async () => {
  await rc.ok('/chatroom/create.json', { 'chatroom[c one]': 'One', 'chatroom[c2]': '二' });
  await rc.ok('/chatroom/create_new.json', { chatroomId: 'c3' });
  await rc.publish('chatroom', 'a', ['c one', 'c2', 'c3'], 'x');
  await rc.ok('/chatroom/destroy.json', { chatroomId: ['c2', 'c3'] });
  await rc.ok('/chatroom/destroy.json', { chatroomId: 'c2' });
  await rc.fails(1002, 'c2', '/message/chatroom/publish.json', { fromUserId: 'a', toChatroomId: 'c2', objectName: 'RC:TxtMsg', content: '{"content":"x"}' });
  await rc.publish('chatroom', 'a', 'c one', 'still here');
  await rc.fails(1002, 'chatroom', '/chatroom/create.json', { room: 'x' });
  await rc.fails(1005, 'chatroom', '/chatroom/create.json', { [`chatroom[${'c'.repeat(65)}]`]: 'x' });
});

/** The lines of an hour's log, by way of the link and of `unzip`. */
async function readLog(on, date) {
  const { url, ...answer } = await on.ok('/message/history.json', { date });
  assert.deepEqual(answer, { code: 200, date });
  const link = new URL(url);
  assert.equal(link.host, `${on.server.host}:${on.server.port}`);
  const zip = await exchangeHttp(on.server, { method: 'GET', path: link.pathname });
  assert.equal(zip.status, 200);
  assert.equal(zip.headers['content-type'], 'application/zip');
  const file = path.join(tempDir('zip'), 'log.zip');
  fs.writeFileSync(file, zip.bytes);
  const script = 'import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nsys.stdout.buffer.write(z.read(z.namelist()[0]))';
  const text = execFileSync('python3', ['-c', script, file], { encoding: 'utf8' });
  return { lines: text.split('\n').filter(Boolean).map((line) => JSON.parse(line)), link, text };
}

test('the log of the current hour holds every message, the command, and not what was recalled', async (t) => {
  const own = new RongCloud(await ownServer(t, { apps: [{ ...FREE, time_zone: '+08:00' }] }), FREE);
  await own.ok('/group/create.json', { userId: ['a', 'b'], groupId: 'g' });
  const date = hourOf(Date.now() + 8 * 3600000);
  const [{ messageUID: gone }] = await own.publish('group', 'a', 'g', 'taken back');
  const [{ messageUID: kept }] = await own.publish('private', 'a', 'b', 'kept');
  await own.recall('a', 3, 'g', gone, { extra: 'e' });
  const { lines, text } = await readLog(own, date);
  if (hourOf(Date.now() + 8 * 3600000) !== date) return; // the hour changed under the test
  assert.ok(!text.includes('taken back'));
  const one = lines.find((line) => line.msgUID === kept);
  assert.equal(one.fromUserId, 'a');
  assert.equal(one.targetId, 'b');
  assert.equal(one.classname, 'RC:TxtMsg');
  assert.deepEqual(one.content, { content: 'kept' });
  assert.equal(Date.parse(`${one.dateTime.replace(' ', 'T')}+08:00`), one.timestamp);
  assert.ok(lines.some((line) => line.msgUID === gone && line.GroupId === 'g'));
  const command = lines.find((line) => line.classname === 'RC:RcCmd');
  assert.equal(command.content.messageUId, gone);
  assert.match(command.msgUID, UID);
  await own.ok('/message/recall.json', { fromUserId: 'a', conversationType: 1, targetId: 'b', messageUID: kept, sentTime: one.dateTime });
});

test('the link of a log is its key: unguessable, expiring, and not logged', async () => {
  const date = hourOf(Date.now());
  const { link } = await readLog(rc, date);
  const key = link.pathname.slice('/history/'.length, -'.zip'.length);
  const again = (await readLog(rc, date)).link;
  assert.ok(again, 'a link may be used again');
  const other = key.endsWith('A') ? 'B' : 'A'; // one key in some dozens ends with an A itself
  for (const bad of [`/history/${key.slice(0, -1)}${other}.zip`, `/history/${key}A.zip`, `/history/A${key}.zip`, `/history/${key}`, '/history/x.zip', '/history/.zip']) {
    const answer = await exchangeHttp(server, { method: 'GET', path: bad });
    assert.equal(checkAnswer(answer, bad).code, 404, bad);
  }
  assert.equal(checkAnswer(await exchangeHttp(server, { method: 'POST', path: link.pathname, body: '' }), link.pathname).code, 404);
  assert.equal((await exchangeHttp(server, { method: 'GET', path: link.pathname.replace('history', '%68istory') })).status, 200);
  assert.ok(!server.log().includes(key));
});

test('dates of the log are checked; an hour in which nothing was said is an empty log; deleting answers 200', async () => {
  assert.deepEqual((await readLog(rc, '2017010101')).lines, []);
  await rc.ok('/message/history/delete.json', { date: '2017010101' });
  for (const date of ['20170101', '2017010124', '2017130101', '2017023001', 'yesterday!', '201701010100']) {
    await rc.fails(1002, 'date', '/message/history.json', { date });
    await rc.fails(1002, 'date', '/message/history/delete.json', { date });
  }
  await rc.fails(1002, 'date', '/message/history.json', { date: 'undefined' });
});

test('the queries tell a conversation\'s messages, as JSON or form', async () => {
  await rc.ok('/group/create.json', { userId: ['a', 'b'], groupId: 'g-query' });
  await rc.ok('/chatroom/create.json', { 'chatroom[c-query]': 'C' });
  for (const [kind, target] of [['private', 'b'], ['group', 'g-query'], ['chatroom', 'c-query']]) {
    const uids = [];
    for (const text of ['one', 'two', 'three']) uids.push((await rc.publish(kind, 'a', target, `${kind} ${text}`))[0].messageUID);
    const query = { userId: 'a', targetId: target, startTime: 0, endTime: Date.now() + 1000, pageSize: 100 };
    for (const { data } of [await rc.okJson(`/v3/message/${kind}/query.json`, query), await rc.ok(`/v3/message/${kind}/query.json`, query)]) {
      const mine = data.filter((one) => uids.includes(one.messageUID));
      assert.deepEqual(mine.map((one) => one.messageUID).sort(), [...uids].sort());
      assert.deepEqual(Object.keys(mine[0]).filter((name) => ['targetId', 'fromUserId', 'messageUID', 'msgTime', 'objectName', 'content'].includes(name)).length, 6);
      assert.equal(JSON.parse(mine[0].content).content.startsWith(kind), true);
    }
    await rc.recall('a', { private: 1, group: 3, chatroom: 4 }[kind], target, uids[1]);
    const { data } = await rc.okJson(`/v3/message/${kind}/query.json`, query);
    assert.ok(!JSON.stringify(data).includes(`${kind} two`));
    assert.ok(data.some((one) => one.objectName === 'RC:RcCmd' && one.content.includes(uids[1])));
    assert.equal((await rc.okJson(`/v3/message/${kind}/query.json`, { ...query, pageSize: 1 })).data.length, 1);
    assert.equal((await rc.callJson(`/v3/message/${kind}/query.json`, { ...query, pageSize: 101 })).data.code, 1002);
    assert.equal((await rc.callJson(`/v3/message/${kind}/query.json`, { ...query, targetId: '' })).data.code, 1002);
  }
});

test('what IMKit sent is in the log and the queries', async () => {
  const owner = await makeUser(server, FREE, 'imkit-owner');
  await owner.api.post('/rooms/createAndJoin', { _id: 'imkit-room', name: 'R', roomType: 'group' });
  const sent = await owner.api.send('imkit-room', 'from the other dialect');
  const { data } = await rc.okJson('/v3/message/group/query.json', { userId: 'imkit-owner', targetId: 'imkit-room', startTime: 0, endTime: 0, pageSize: 10 });
  assert.equal(data[0].messageUID, sent._id);
  assert.equal(data[0].objectName, 'RC:TxtMsg');
});

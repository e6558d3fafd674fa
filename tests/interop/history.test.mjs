// The history that the SDK's users get their messageUID and sentTime from: the log by the hour, and the newer queries.
import assert from 'node:assert/strict';
import axios from 'axios';
import { FREE, UID, bad, checkRefused, fileServer, good, newId, post, register, sdkOf, sdkPost, test, unzip } from './lib.mjs';

const server = await fileServer({ apps: [FREE] });
const rc = sdkOf(server, FREE);
await register(rc, 'ann', 'ben');
const txt = (words) => ({ objectName: 'RC:TxtMsg', content: { content: words } });
const hour = (ms = Date.now()) => new Date(ms).toISOString().slice(0, 13).replace(/[-T]/g, '');

/** The lines of the log of the hours given. */
async function linesOf(...dates) {
  const lines = [];
  for (const date of new Set(dates)) {
    const answer = good(await rc.Message.History.get({ date }));
    assert.equal(String(answer.date), date);
    assert.match(answer.url, /^https?:\/\/.+\.zip/);
    const zip = await axios.get(answer.url, { responseType: 'arraybuffer' });
    assert.equal(zip.headers['content-type'], 'application/zip');
    for (const file of Object.values(unzip(Buffer.from(zip.data)))) lines.push(...file.split('\n').filter(Boolean).map((line) => JSON.parse(line)));
  }
  return lines;
}

test('the hour\'s log holds each message with its ids and times, and its link is for who asked alone', async () => {
  const from = hour();
  const words = `logged ${newId()}`;
  const group = `g-${newId()}`;
  good(await rc.Group.create({ id: group, name: 'Logged', members: [{ id: 'ann' }] }));
  const one = good(await rc.Message.Private.send({ senderId: 'ann', targetId: 'ben', ...txt(words) })).messageUIDs[0].messageUID;
  const two = good(await rc.Message.Group.send({ senderId: 'ann', targetId: group, ...txt(words) })).messageUIDs[0].messageUID;
  const lines = await linesOf(from, hour());
  const line = lines.find((entry) => entry.msgUID === one);
  assert.ok(line, JSON.stringify(lines));
  assert.deepEqual([line.fromUserId, line.targetId, Number(line.targetType), line.classname], ['ann', 'ben', 1, 'RC:TxtMsg']);
  assert.equal((typeof line.content === 'string' ? JSON.parse(line.content) : line.content).content, words);
  assert.ok(Number.isSafeInteger(line.timestamp) && Math.abs(Date.now() - line.timestamp) < 60000);
  assert.match(line.dateTime, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
  assert.equal(Date.parse(`${line.dateTime.replace(' ', 'T')}Z`), line.timestamp);
  const inGroup = lines.find((entry) => entry.msgUID === two);
  assert.deepEqual([Number(inGroup.targetType), inGroup.GroupId || inGroup.targetId], [3, group]);

  const { url } = good(await rc.Message.History.get({ date: hour() }));
  const key = url.replace(/\.zip.*$/, '');
  const guessed = `${key.slice(0, -2)}${key.endsWith('AA') ? 'BB' : 'AA'}.zip`;
  const refused = await axios.get(guessed, { validateStatus: () => true });
  assert.ok([403, 404].includes(refused.status), String(refused.status));
});

test('dateTime of the log is accepted as sentTime, and a wrong sentTime harms nothing', async () => {
  const send = async () => good(await rc.Message.Private.send({ senderId: 'ann', targetId: 'ben', ...txt(`x ${newId()}`) })).messageUIDs[0].messageUID;
  for (const sentTime of ['2022-01-21 15:40:28.920', 1642750828920, 0, undefined]) {
    good(await rc.Message.Private.recall({ senderId: 'ann', targetId: 'ben', uId: await send(), sentTime: sentTime ?? 'undefined' }));
  }
});

test('after a recall the log has the command, and in the original\'s place none of its content', async () => {
  const from = hour();
  const words = `to be taken back ${newId()}`;
  const uid = good(await rc.Message.System.broadcast({ senderId: 'news', ...txt(words) })).messageUID;
  good(await sdkPost('message/broadcast/recall', { fromUserId: 'news', messageUID: uid, isDelete: 1 }));
  const lines = await linesOf(from, hour());
  assert.ok(!JSON.stringify(lines).includes(words));
  const original = lines.find((entry) => entry.msgUID === uid);
  assert.ok(original, 'the original has its place');
  const command = lines.find((entry) => entry.classname === 'RC:RcCmd' && JSON.stringify(entry.content).includes(uid));
  assert.ok(command, JSON.stringify(lines));
  assert.match(command.msgUID, UID);
  const content = typeof command.content === 'string' ? JSON.parse(command.content) : command.content;
  assert.deepEqual([content.messageUId, content.isDelete, content.isAdmin], [uid, true, false]);
  assert.ok(command.timestamp >= original.timestamp);
});

test('History.remove is accepted (archives are not kept); an hour without messages is an empty log', async () => {
  good(await rc.Message.History.remove({ date: '2001010100' }));
  assert.deepEqual(await linesOf('2001010100'), []);
  bad(await rc.Message.History.get({ date: 'yesterday' }), 1002, 'date');
});

/** One page of a newer query. */
const query = async (kind, body) => good(await sdkPost(`v3/message/${kind}/query`, body)).data;

test('the newer queries answer the messages of a conversation, with the command after a recall', async () => {
  const start = Date.now() - 1;
  const ids = [];
  for (let i = 0; i < 5; i += 1) {
    ids.push(good(await rc.Message.Private.send({ senderId: 'ann', targetId: 'ben', ...txt(`query ${i}`) })).messageUIDs[0].messageUID);
  }
  const ask = (more) => query('private', { userId: 'ann', targetId: 'ben', startTime: start, endTime: Date.now() + 1000, pageSize: 100, ...more });
  const all = await ask();
  assert.deepEqual(all.map((one) => one.messageUID), ids);
  const [first] = all;
  assert.deepEqual([first.fromUserId, first.targetId, first.objectName], ['ann', 'ben', 'RC:TxtMsg']);
  assert.equal((typeof first.content === 'string' ? JSON.parse(first.content) : first.content).content, 'query 0');
  assert.ok(Number(first.msgTime) >= start);
  assert.deepEqual((await ask({ pageSize: 2 })).map((one) => one.messageUID), ids.slice(0, 2));
  good(await rc.Message.Private.recall({ senderId: 'ann', targetId: 'ben', uId: ids[2], sentTime: 0 }));
  const after = await ask();
  assert.ok(!JSON.stringify(after).includes('query 2'), JSON.stringify(after));
  assert.ok(after.some((one) => one.objectName === 'RC:RcCmd' && JSON.stringify(one.content).includes(ids[2])), JSON.stringify(after));
});

test('the newer queries for groups and chatrooms, and their limits', async () => {
  const group = `g-${newId()}`;
  good(await rc.Group.create({ id: group, name: 'Asked', members: [{ id: 'ann' }] }));
  const inGroup = good(await rc.Message.Group.send({ senderId: 'ann', targetId: group, ...txt('in the group') })).messageUIDs[0].messageUID;
  good(await rc.Chatroom.create({ id: group, name: 'Hall' }));
  const inHall = good(await rc.Message.Chatroom.send({ senderId: 'ann', targetId: group, ...txt('in the hall') })).messageUIDs[0].messageUID;
  const times = { startTime: Date.now() - 60000, endTime: Date.now() + 60000, pageSize: 20 };
  assert.deepEqual((await query('group', { userId: 'ann', targetId: group, ...times })).map((one) => one.messageUID), [inGroup]);
  assert.deepEqual((await query('chatroom', { userId: 'ann', targetId: group, ...times })).map((one) => one.messageUID), [inHall]);
  for (const pageSize of [0, 101, 'many']) {
    checkRefused(await post(server, FREE, '/v3/message/group/query.json', { userId: 'ann', targetId: group, ...times, pageSize }), 400, 1002, 'pageSize');
  }
});

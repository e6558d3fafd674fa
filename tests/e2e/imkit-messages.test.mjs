// Sending, reading and removing messages over HTTP.
import assert from 'node:assert/strict';
import { APP, Device, eventually, fileServer, listOf, makeRoom, makeUsers, memberIds, newId, platform, sleep, test } from './lib/suite.mjs';

const server = await fileServer();
const admin = platform(server, APP);
const { ann, ben, cho } = await makeUsers(server, APP, 'ann', 'ben', 'cho');

/** A room with messages 'm0' … one after the other, a few ms apart. */
async function filledRoom(count) {
  const room = await makeRoom(ann, [ben, cho]);
  const sent = [];
  for (let i = 0; i < count; i += 1) { sent.push(await ann.api.send(room, `m${i}`)); await sleep(3); }
  return { room, sent };
}
const texts = (list) => list.map((one) => one.message).sort();

test('the server makes ids of 24 hex digits; callers may bring their own of 1 to 64 characters', async () => {
  const room = await makeRoom(ann);
  assert.match((await ann.api.send(room, 'x'))._id, /^[0-9a-f]{24}$/);
  for (const id of [`a`, `b${newId()}`.padEnd(64, 'z')]) {
    const { _id } = await ann.api.send(room, 'x', { _id: id + (id.length < 64 ? newId() : '') });
    assert.ok(_id.startsWith(id));
  }
});

test('text of every kind comes back as it was sent', async () => {
  const room = await makeRoom(ann, [ben]);
  for (const text of ['<b>&amp;"\'\\ \u2028 \ud83d\ude00 \u00e9', '   ', 'a\r\nb\tc', '\\u0041', 'x'.repeat(30000)]) {
    const sent = await ann.api.send(room, text);
    assert.equal(sent.message, text);
    assert.equal((await ben.api.message(room, sent._id)).message, text);
  }
});

test('a large message within the body limit passes', async () => {
  const room = await makeRoom(ann);
  const text = 'y'.repeat(128 * 1024);
  assert.equal((await ann.api.send(room, text)).message.length, text.length);
});

test('an _id of somebody else\'s message cannot be edited by another; the platform may', async () => {
  const { room, sent } = await filledRoom(1);
  await ben.api.fails([403, 'INSUFFICIENT_PERMISSION'], 'POST', `/rooms/${room}/message`, { _id: sent[0]._id, message: 'mine now', messageType: 'text' });
  assert.equal((await ann.api.message(room, sent[0]._id)).message, 'm0');
  const edited = await admin.send(room, 'by the platform', { _id: sent[0]._id });
  assert.equal(edited.message, 'by the platform');
  assert.equal((await ben.api.message(room, sent[0]._id)).message, 'by the platform');
});

test('POST /messages sends as the named user, with the platform key alone', async () => {
  const room = await makeRoom(ann, [ben]);
  const message = await admin.post('/messages', { room, sender: 'ben', message: 'for ben', messageType: 'text' });
  assert.deepEqual([message.sender._id, message.sender.nickname, message.room], ['ben', 'Ben', room]);
  await ann.api.fails([[401, 403]], 'POST', '/messages', { room, sender: 'ben', message: 'no', messageType: 'text' });
});

test('with the platform key the room\'s call takes a sender; without one the sender is null', async () => {
  const room = await makeRoom(ann, [ben]);
  assert.equal((await admin.send(room, 'as ben', { sender: 'ben' })).sender._id, 'ben');
  assert.equal((await admin.send(room, 'as nobody')).sender, null);
});

test('a batch replaces patterns in message and extra, for rooms and for receivers', async () => {
  const room = await makeRoom(ann, [ben]);
  const result = await admin.post('/messages/batch', { message: 'Dear $name$, $what$', messageType: 'text', sender: 'ann', extra: 'for $name$',
    paras: [{ receiver: 'cho', $name$: 'Cho', $what$: 'hello' }, { room, $name$: 'all', $what$: 'good day' }] });
  assert.equal(result.count, 2);
  assert.ok(result.batchID);
  const inRoom = await eventually('the batch in the room', async () => (
    (await ben.api.history(room)).data.find((one) => one.message === 'Dear all, good day')));
  assert.deepEqual([inRoom.extra, inRoom.sender._id, inRoom.batchID], ['for all', 'ann', result.batchID]);
  const direct = await eventually('the direct room of ann and cho', async () => (
    listOf(await cho.api.get('/rooms')).find((one) => one.lastMessage?.message === 'Dear Cho, hello')));
  assert.deepEqual(memberIds(await cho.api.get(`/rooms/${direct._id}`)), ['ann', 'cho']);
  await admin.post('/messages/batch', { message: 'again', messageType: 'text', sender: 'ann', paras: [{ receiver: 'cho' }] });
  await eventually('the same direct room again', async () => (
    (await cho.api.history(direct._id)).data.some((one) => one.message === 'again')));
});

test('history pages: limit, beforeMessage, afterMessage, totalCount', async () => {
  const { room, sent } = await filledRoom(25);
  const first = await ben.api.history(room);
  assert.equal(first.data.length, 20, 'the default limit');
  assert.equal(typeof first.totalCount, 'number');
  assert.ok(Array.isArray(first.userDeletedIDs));
  const newest = await ben.api.history(room, '?limit=3');
  assert.deepEqual(texts(newest.data), ['m22', 'm23', 'm24']);
  const before = await ben.api.history(room, `?limit=2&beforeMessage=${sent[10]._id}`);
  assert.deepEqual(texts(before.data), ['m8', 'm9']);
  const after = await ben.api.history(room, `?limit=50&afterMessage=${sent[21]._id}`);
  assert.deepEqual(texts(after.data), ['m22', 'm23', 'm24']);
  const seen = new Set();
  for (let cursor = ''; ;) {
    const page = (await ben.api.history(room, `?limit=7${cursor}`)).data;
    if (page.length === 0) break;
    for (const one of page) { assert.ok(!seen.has(one._id), 'no message twice'); seen.add(one._id); }
    const oldest = page.reduce((a, b) => (a.updatedAtMS <= b.updatedAtMS ? a : b));
    cursor = `&beforeMessage=${oldest._id}`;
  }
  assert.equal(seen.size, 25);
});

test('afterTime takes ISO 8601 and epoch milliseconds', async () => {
  const { room, sent } = await filledRoom(4);
  const moment = sent[1].updatedAtMS;
  for (const time of [String(moment), encodeURIComponent(new Date(moment).toISOString())]) {
    for (const field of ['', '&timeRangeField=createdAt', '&timeRangeField=messageTime', '&timeRangeField=updatedAt']) {
      const { data } = await ben.api.history(room, `?afterTime=${time}${field}`);
      assert.ok(texts(data).join().endsWith('m2,m3') && data.length <= 3, `${time}${field}: ${texts(data)}`);
    }
  }
});

test('bad history parameters are 400 and named', async () => {
  const room = await makeRoom(ann);
  for (const [name, value] of [['limit', 'x'], ['limit', '-1'], ['afterTime', 'yesterday'], ['timeRangeField', 'size']]) {
    await ann.api.fails([400, undefined, name], 'GET', `/rooms/${room}/messages/v3?${name}=${value}`);
  }
});

test('the messages around one', async () => {
  const { room, sent } = await filledRoom(9);
  const around = listOf(await ben.api.get(`/rooms/${room}/messages/${sent[4]._id}?before=2&after=1`));
  assert.deepEqual(texts(around), ['m2', 'm3', 'm4', 'm5']);
  await ben.api.fails([404, 'MESSAGE_NOT_FOUND'], 'GET', `/rooms/${room}/messages/missing?before=1&after=1`);
});

test('lastRead lowers the badge and signals the room', async () => {
  const { room, sent } = await filledRoom(3);
  const device = await Device.follow(server, APP, ann, room);
  const result = await ben.api.put(`/rooms/${room}/lastRead`, { message: sent[1]._id });
  assert.deepEqual([result.client._id ?? result.client, result.lastRead._id ?? result.lastRead, result.badge], ['ben', sent[1]._id, 1]);
  assert.equal((await ben.api.get(`/rooms/${room}`)).unread, 1);
  const signal = await device.waitFor((frame) => frame.op === 'signal' && frame.type === 'read' && frame.room === room);
  assert.deepEqual([signal.client, signal.lastRead, signal.seq], ['ben', sent[1]._id, undefined]);
  await ben.api.put(`/rooms/${room}/lastRead`, { message: sent[0]._id });
  assert.equal((await ben.api.get(`/rooms/${room}`)).unread, 1, 'reading never goes back');
  await ben.api.fails([404, 'MESSAGE_NOT_FOUND'], 'PUT', `/rooms/${room}/lastRead`, { message: 'missing' });
});

test('user-delete hides for the caller only', async () => {
  const { room, sent } = await filledRoom(3);
  await ben.api.post('/messages/user-delete', { room, messages: [sent[1]._id] });
  const mine = await ben.api.history(room);
  assert.deepEqual(texts(mine.data), ['m0', 'm2']);
  assert.ok(mine.userDeletedIDs.includes(sent[1]._id));
  const others = await cho.api.history(room);
  assert.deepEqual(texts(others.data), ['m0', 'm1', 'm2']);
  assert.ok(!others.userDeletedIDs.includes(sent[1]._id));
});

test('a hard delete by the platform removes one message or all', async () => {
  const { room, sent } = await filledRoom(4);
  await ben.api.fails([[401, 403]], 'DELETE', `/rooms/${room}/messages/${sent[0]._id}`);
  const one = await admin.delete(`/rooms/${room}/messages/${sent[0]._id}`);
  assert.deepEqual([one.deletedCount, one.roomID, one.messageID], [1, room, sent[0]._id]);
  assert.ok('deletedBy' in one && 'deletedAt' in one);
  assert.deepEqual(texts((await ben.api.history(room)).data), ['m1', 'm2', 'm3']);
  await ben.api.fails([404, 'MESSAGE_NOT_FOUND'], 'GET', `/rooms/${room}/messages/${sent[0]._id}`);
  const all = await admin.delete(`/rooms/${room}/messages/_all`);
  assert.equal(all.deletedCount, 3);
  assert.deepEqual((await ben.api.history(room)).data, []);
  assert.equal((await ben.api.get(`/rooms/${room}`)).lastMessage ?? null, null);
});

test('health, readiness and metrics answer without a key', async () => {
  for (const path of ['/healthz', '/readyz']) {
    assert.equal((await admin.call('GET', path, undefined, { 'IM-API-KEY': undefined })).status, 200, path);
  }
  const metrics = await admin.call('GET', '/metrics', undefined, { 'IM-API-KEY': undefined });
  assert.equal(metrics.status, 200);
  assert.match(String(metrics.data), /^# (HELP|TYPE) \w+/m);
  for (const secret of [APP.api_key, APP.client_key, APP.token_secret]) assert.ok(!String(metrics.data).includes(secret));
});

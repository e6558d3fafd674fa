// Single frames: what is malformed, too large, too many, unknown or unauthorised, and what the answer is.
import assert from 'node:assert/strict';
import { APP, Device, Raw, fileServer, head, makeRoom, makeUsers, ownServer, sleep, test, upgradeLines } from './lib/suite.mjs';

const server = await fileServer();
const { ann, ben, eve } = await makeUsers(server, APP, 'ann', 'ben', 'eve');
const room = await makeRoom(ann, [ben]);

test('ping is answered by pong with its id and the time; a WebSocket ping by a pong', async () => {
  const device = await Device.login(server, APP, ann);
  const pong = await device.request({ op: 'ping' });
  assert.equal(pong.op, 'pong');
  assert.ok(Math.abs(pong.tsMS - Date.now()) < 60000);
  const payload = new Promise((resolve) => { device.ws.once('pong', (data) => resolve(String(data))); });
  device.ws.ping('are you there');
  assert.equal(await payload, 'are you there');
});

test('a missing or unknown op is answered RC 400 and the connection stays', async () => {
  const device = await Device.login(server, APP, ann);
  await device.refused(400, undefined, { op: 'frobnicate' });
  await device.refused(400, undefined, {});
  await device.refused(400, undefined, { op: 5 });
  await device.refused(400, undefined, { op: null });
  await device.ping();
});

test('unknown fields are ignored', async () => {
  const device = await Device.login(server, APP, ann);
  const sent = await device.do({ op: 'send', room, messageType: 'text', message: 'x', somethingNew: { a: [1] } });
  assert.equal(sent.message, 'x');
});

test('text that is no JSON object closes 4400', async () => {
  for (const frame of ['hello', '{', '[]', '5', '"x"', 'null', '{"op":"ping"} x', '']) {
    const device = await Device.login(server, APP, ann);
    device.sendFrame(frame);
    await device.closedWith(4400);
  }
});

test('the same before auth', async () => {
  const device = await Device.connect(server);
  device.sendFrame('not json');
  await device.closedWith(4400);
});

test('a binary frame closes 1003', async () => {
  const device = await Device.login(server, APP, ann);
  device.ws.send(Buffer.from('{"op":"ping","id":1}'), { binary: true });
  await device.closedWith(1003);
});

/** A frame as a client masks it, with a mask of zeros. */
const masked = (first, text) => Buffer.concat([
  text.length < 126 ? Buffer.from([first, 0x80 | text.length]) : Buffer.from([first, 0xfe, text.length >> 8, text.length & 0xff]),
  Buffer.alloc(4), Buffer.from(text)]);

test('nothing follows a close frame, whoever closed and whatever happens in the rooms that were followed', async () => {
  for (const closing of [masked(0x82, 'binary'), masked(0x88, Buffer.from([0x03, 0xe8]))]) { // ours, which is never answered, and the client's
    const raw = await Raw.open(server);
    raw.write(head('GET /ws HTTP/1.1', ...upgradeLines(), `IM-CLIENT-KEY: ${APP.client_key}`, `IM-Authorization: ${ann.token}`));
    assert.equal(await raw.status(), 101, raw.text);
    raw.write(masked(0x81, JSON.stringify({ op: 'subscribe', id: 1, rooms: [{ room }] })));
    assert.ok(await raw.until(() => raw.text.includes('"seq"')), raw.text);
    await ben.api.send(room, 'before the close');
    assert.ok(await raw.until(() => raw.text.includes('before the close')), raw.text);
    raw.write(closing);
    assert.ok(await raw.until(() => /"before the close[^]*\x88/.test(raw.text) || raw.ended), 'no close frame');
    for (let i = 0; i < 5; i += 1) await ben.api.send(room, `after the close ${i}`);
    assert.ok(await raw.closed(6000), 'still open');
    assert.ok(!raw.text.includes('after the close'), raw.text);
    raw.end();
  }
});

test('text that is not UTF-8 closes 1007', async () => {
  const device = await Device.login(server, APP, ann);
  device.ws.send(Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]), { binary: false });
  await device.closedWith(1007);
});

test('a frame over 64 KiB closes 4413; one within passes', async () => {
  const device = await Device.login(server, APP, ann);
  const text = 'z'.repeat(60000);
  assert.equal((await device.do({ op: 'send', room, messageType: 'text', message: text })).message.length, 60000);
  device.sendFrame({ op: 'send', id: 1, room, messageType: 'text', message: 'z'.repeat(66000) });
  await device.closedWith(4413);
});

test('a message in many fragments counts as a whole', async () => {
  const device = await Device.login(server, APP, ann);
  const frame = JSON.stringify({ op: 'ping', id: 77, pad: 'x'.repeat(900) });
  for (let at = 0; at < frame.length; at += 100) device.ws.send(frame.slice(at, at + 100), { fin: at + 100 >= frame.length });
  await device.waitFor((answer) => answer.id === 77);
  for (let i = 0; i < 80; i += 1) device.ws.send('x'.repeat(1000), { fin: false });
  await device.closedWith([4413, 1009]);
});

test('a frame that announces 2^62 bytes is cut off', async () => {
  const raw = await Raw.open(server);
  raw.write(head('GET /ws HTTP/1.1', ...upgradeLines()));
  assert.equal(await raw.status(), 101, raw.text);
  raw.write(Buffer.from([0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]));
  const end = Date.now() + 8000;
  while (!raw.ended && Date.now() < end) { raw.write(Buffer.alloc(16384, 0x20)); await sleep(20); }
  assert.ok(raw.ended, 'still open');
  raw.end();
});

test('JSON deeper than 64 is refused, by RC 400 or by close 4400, and the server lives', async () => {
  const device = await Device.login(server, APP, ann);
  device.sendFrame(`{"op":"ping","id":5,"x":${'['.repeat(20000)}${']'.repeat(20000)}}`);
  const end = await Promise.race([device.closed, device.waitFor((frame) => frame.id === 5 || frame.RC === 400)]);
  assert.ok(end.code === 4400 || end.RC === 400, JSON.stringify(end));
  await (await Device.login(server, APP, ann)).ping();
});

test('more frames than allowed close 4429; within the allowance none is lost', async (t) => {
  const strict = await ownServer(t, { server: { frames_per_second: 5, frames_burst: 20 } });
  const { ann: user } = await makeUsers(strict, APP, 'ann');
  const device = await Device.login(strict, APP, user);
  for (let i = 0; i < 12; i += 1) await device.ping();
  for (let i = 0; i < 100; i += 1) device.sendFrame({ op: 'ping', id: 1000 + i });
  await device.closedWith(4429);
});

test('wrong types in a frame are RC 400 and the connection stays', async () => {
  const device = await Device.login(server, APP, ann);
  for (const frame of [{ op: 'subscribe', rooms: 'x' }, { op: 'subscribe', rooms: [5] }, { op: 'subscribe' },
    { op: 'send', room: 5, message: 'x', messageType: 'text' }, { op: 'send', message: 'x', messageType: 'text' },
    { op: 'send', room, message: 5, messageType: 'text' }, { op: 'recall', room }, { op: 'recall', room, _id: 5 },
    { op: 'recall', room, _id: 'a', isDelete: 'yes' }, { op: 'recall', room, _id: 'i'.repeat(65) }]) {
    const answer = await device.request(frame);
    assert.deepEqual([answer.op, answer.RC], ['reply', 400], `${JSON.stringify(frame)}: ${JSON.stringify(answer)}`);
    assert.ok(answer.error?.code);
  }
  await device.ping();
});

test('send over the WebSocket is the HTTP send: object, event, history', async () => {
  const [author, reader] = [await Device.follow(server, APP, ann, room), await Device.follow(server, APP, ben, room)];
  const quoted = await ben.api.send(room, 'to be quoted');
  const sent = await author.do({ op: 'send', room, messageType: 'text', message: 'over ws', reply: quoted._id });
  assert.deepEqual([sent.message, sent.sender._id, sent.room, sent.reply.message], ['over ws', 'ann', room, 'to be quoted']);
  for (const device of [author, reader]) assert.deepEqual((await device.waitEvent('message', sent._id)).message._id, sent._id);
  assert.equal((await ben.api.message(room, sent._id)).message, 'over ws');
});

test('clientMsgId makes a send idempotent', async () => {
  const device = await Device.follow(server, APP, ann, room);
  const frame = { op: 'send', room, messageType: 'text', message: 'once', clientMsgId: 'b7d0-1' };
  const first = await device.do(frame);
  const second = await device.do(frame);
  assert.equal(second._id, first._id);
  const elsewhere = await Device.login(server, APP, ann);
  assert.equal((await elsewhere.do(frame))._id, first._id, 'after a reconnect too');
  const other = await (await Device.login(server, APP, ben)).do(frame);
  assert.notEqual(other._id, first._id, 'it is the sender\'s own');
  await device.barrier(ann.api, room);
  assert.equal(device.events('message', room).filter((one) => one.message._id === first._id).length, 1);
});

test('sending where one is no member is RC 403, a missing room alike', async () => {
  const device = await Device.login(server, APP, eve);
  await device.refused(403, 'NOT_ROOM_MEMBER', { op: 'send', room, messageType: 'text', message: 'x' });
  await device.refused(403, 'NOT_ROOM_MEMBER', { op: 'send', room: 'no-such-room', messageType: 'text', message: 'x' });
  await device.refused(403, 'NOT_ROOM_MEMBER', { op: 'recall', room, _id: 'x' });
  await device.ping();
});

test('a peer that never answers pings is dropped; one that answers stays', async (t) => {
  const watchful = await ownServer(t, { server: { ping_interval: 1, ping_timeout: 4 } });
  const users = await makeUsers(watchful, APP, 'ann', 'ben');
  const raw = await Raw.open(watchful);
  raw.write(head('GET /ws HTTP/1.1', `IM-CLIENT-KEY: ${APP.client_key}`, `IM-Authorization: ${users.ann.token}`, ...upgradeLines()));
  assert.equal(await raw.status(), 101);
  const lively = await Device.login(watchful, APP, users.ben);
  assert.ok(await raw.closed(8500), 'a silent peer is still there after 8.5 s'); // by the default of ping_timeout it would be
  await lively.ping();
  assert.ok(lively.stillOpen());
  raw.end();
});

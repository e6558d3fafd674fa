// Following rooms: subscribe to some or to all, refusals, and membership that changes while connected.
import assert from 'node:assert/strict';
import { APP, Device, checkOrder, eventually, fileServer, makeRoom, makeUsers, ownServer, platform, sleep, test } from './lib/suite.mjs';

const server = await fileServer({ server: { threads: 2 } });
const admin = platform(server, APP);
const { ann, ben, cho } = await makeUsers(server, APP, 'ann', 'ben', 'cho');
const silentFor = async (device, room, ms = 300) => {
  const before = device.events(undefined, room).length;
  await sleep(ms);
  await device.ping();
  return device.events(undefined, room).length === before;
};

test('subscribe tells room, epoch and seq; events go on from there', async () => {
  const room = await makeRoom(ann, [ben]);
  await ann.api.send(room, 'before');
  const device = await Device.follow(server, APP, ben, room);
  const { epoch, seq } = device.positions[room];
  assert.ok(typeof epoch === 'string' && epoch.length > 0);
  assert.ok(Number.isInteger(seq) && seq >= 1);
  for (const text of ['one', 'two', 'three']) await ann.api.send(room, text);
  await device.barrier(ann.api, room);
  const events = device.events(undefined, room);
  checkOrder(events, seq);
  assert.equal(events[0].epoch, epoch);
  assert.deepEqual(events.map((event) => event.message.message), ['one', 'two', 'three', 'mark'], 'nothing from before');
});

test('a message event carries the message object and nothing is sent twice to one device', async () => {
  const room = await makeRoom(ann, [ben]);
  const device = await Device.follow(server, APP, ben, room);
  await device.subscribe(room);
  await device.subscribe('all');
  const sent = await ann.api.send(room, 'hello');
  const event = await device.waitEvent('message', sent._id);
  assert.deepEqual([event.message.message, event.message.sender._id, event.message.room], ['hello', 'ann', room]);
  await device.barrier(ann.api, room);
  assert.equal(device.events('message', room).filter((one) => one.message._id === sent._id).length, 1);
});

test('refused rooms have an error each; the others are followed', async () => {
  const [mine, foreign] = [await makeRoom(ann, [ben]), await makeRoom(ann)];
  const device = await Device.login(server, APP, ben);
  const entries = await device.subscribe([mine, foreign, 'no-such-room']);
  assert.equal(entries[mine].error, undefined);
  for (const room of [foreign, 'no-such-room']) {
    assert.equal(entries[room].error.code, 'NOT_ROOM_MEMBER');
    assert.equal(typeof entries[room].error.message, 'string');
  }
  await ann.api.send(foreign, 'not for ben');
  await device.barrier(ann.api, mine);
  assert.deepEqual(device.events(undefined, foreign), []);
});

test('rooms over max_rooms are refused one by one', async (t) => {
  const small = await ownServer(t, { server: { max_rooms: 2 } });
  const { ann: user } = await makeUsers(small, APP, 'ann');
  const rooms = [await makeRoom(user), await makeRoom(user), await makeRoom(user)];
  const device = await Device.login(small, APP, user);
  const entries = await device.subscribe(rooms);
  assert.deepEqual(rooms.map((room) => Boolean(entries[room].error)), [false, false, true]);
  await device.barrier(user.api, rooms[0]);
  await device.barrier(user.api, rooms[1]);
});

test('all follows every room and tells each seq, with ~broadcast and ~system/USER always', async () => {
  const { dan } = await makeUsers(server, APP, 'dan');
  const rooms = [await makeRoom(dan), await makeRoom(dan)];
  const device = await Device.follow(server, APP, dan, 'all');
  assert.deepEqual(Object.keys(device.positions).sort(), [...rooms, '~broadcast', '~system/dan'].sort());
  for (const entry of Object.values(device.positions)) assert.ok(Number.isInteger(entry.seq) && entry.epoch, JSON.stringify(entry));
  for (const room of rooms) await device.barrier(dan.api, room);
});

test('unsubscribe ends the events of that room only', async () => {
  const [one, two] = [await makeRoom(ann, [ben]), await makeRoom(ann, [ben])];
  const device = await Device.follow(server, APP, ben, [one, two]);
  await device.do({ op: 'unsubscribe', rooms: [one] });
  await ann.api.send(one, 'unheard');
  await device.barrier(ann.api, two);
  assert.ok(await silentFor(device, one));
  assert.deepEqual(device.events(undefined, one), []);
});

test('a room joined later appears for all, whoever made it so', async () => {
  const device = await Device.follow(server, APP, cho, 'all');
  const created = await makeRoom(ann, [cho]);
  await device.barrier(ann.api, created);
  const joined = await makeRoom(ann);
  await ann.api.send(joined, 'before cho');
  await ann.api.post(`/rooms/${joined}/members`, { invitees: ['cho'] });
  await device.barrier(ann.api, joined);
  assert.ok(!device.events('message', joined).some((event) => event.message.message === 'before cho'));
  const own = await makeRoom(cho);
  await device.barrier(cho.api, own);
  const open = await makeRoom(ann, [], { opening: 1 });
  await cho.api.post(`/rooms/${open}/join`, {});
  await device.barrier(ann.api, open);
  for (const room of [created, joined, own, open]) {
    const events = device.events(undefined, room);
    checkOrder(events, events[0].seq - 1);
  }
});

test('a removed member stops receiving at once, however it followed', async () => {
  const [room, other] = [await makeRoom(ann, [ben, cho]), await makeRoom(ann, [ben, cho])];
  const devices = [await Device.follow(server, APP, ben, [room, other]), await Device.follow(server, APP, ben, 'all', { device: 'all-device' })];
  for (const device of devices) await device.barrier(ann.api, room);
  await ann.api.post(`/rooms/${room}/delete/members`, { members: ['ben'] });
  const secret = await ann.api.send(room, 'not for ben any more');
  for (const device of devices) {
    await device.barrier(ann.api, other);
    await silentFor(device, room);
    assert.ok(!device.events('message', room).some((event) => event.message._id === secret._id));
    assert.ok(device.stillOpen());
    assert.equal((await device.subscribe(room))[room].error.code, 'NOT_ROOM_MEMBER');
  }
  await ann.api.post(`/rooms/${room}/members`, { invitees: ['ben'] });
  await devices[1].barrier(ann.api, room);
});

test('members are told of changes by room events', async () => {
  const room = await makeRoom(ann, [ben]);
  const device = await Device.follow(server, APP, ann, room);
  await ann.api.post(`/rooms/${room}/members`, { invitees: ['cho'] });
  await device.waitFor((frame) => frame.op === 'event' && frame.type === 'room' && frame.room === room && JSON.stringify(frame).includes('"cho"'));
  await cho.api.post(`/rooms/${room}/delete/members`, { members: ['cho'] });
  await eventually('a second room event', () => device.events('room', room).length >= 2);
  checkOrder(device.events(undefined, room), device.positions[room].seq);
});

test('an ack is stored: the ledger counts the device', async () => {
  const room = await makeRoom(ann, [ben]);
  const device = await Device.follow(server, APP, ben, room, { device: 'acking' });
  const { _id: id } = await ann.api.send(room, 'to recall');
  await ann.api.recall(room, id, { reason: 'a slip' });
  const { seq } = await device.waitEvent('recall', id);
  const ledger = () => admin.get(`/rooms/${room}/messages/${id}/recall`);
  const stateOf = async () => (await ledger()).devices.find((one) => one.device === 'acking')?.state;
  assert.equal(await stateOf(), 'pending');
  device.sendFrame({ op: 'ack', room, seq });
  await eventually('the ack in the ledger', async () => await stateOf() === 'acked', 5000);
  const report = await ledger();
  assert.deepEqual([report._id, report.room, report.seq, report.isDelete, report.reason], [id, room, seq, false, 'a slip']);
  for (const name of ['acked', 'refused', 'pending', 'offline', 'incapable']) assert.equal(typeof report.counts[name], 'number', name);
  assert.ok(report.counts.acked >= 1);
  await ben.api.fails([403], 'GET', `/rooms/${room}/messages/${id}/recall`);
});

test('an ack of a room one does not follow, or without sense, harms nothing', async () => {
  const device = await Device.login(server, APP, ben);
  for (const frame of [{ op: 'ack', room: 'no-such-room', seq: 5 }, { op: 'ack', room: 5, seq: 'x' }, { op: 'ack' },
    { op: 'ack', room: await makeRoom(ann, [ben]), seq: 1e15, refused: 'all' }]) device.sendFrame(frame);
  await device.ping();
  assert.ok(device.stillOpen());
});

test('a position at the head is followed without a repeat', async () => {
  const room = await makeRoom(ann, [ben]);
  await ann.api.send(room, 'before');
  const first = await Device.follow(server, APP, ben, room);
  const { epoch, seq } = first.positions[room];
  const device = await Device.login(server, APP, ben);
  const result = await device.do({ op: 'subscribe', rooms: [{ room, epoch, since: seq }] });
  assert.deepEqual([result.rooms[0].room, result.rooms[0].seq, result.rooms[0].recovered], [room, seq, true]);
  await device.barrier(ann.api, room);
  checkOrder(device.events(undefined, room), seq);
});

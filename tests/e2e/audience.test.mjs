// What is for some receivers only: live, on resume, in pages, streams, histories and the ledger, each receiver gets exactly that.
import assert from 'node:assert/strict';
import http from 'node:http';
import { APP, Device, client, eventually, fileServer, listOf, platform, test } from './lib/suite.mjs';
import { RongCloud, rcUser } from './lib/rongcloud.mjs';

const FREE = { ...APP, broadcasts_per_hour: 0, broadcasts_per_day: 0, broadcast_recalls_per_hour: 0, broadcast_recalls_per_day: 0 };
const server = await fileServer({ apps: [FREE], server: { threads: 2 } });
const rc = new RongCloud(server, FREE);
const admin = platform(server, FREE);
const users = {};
for (const id of ['ann', 'ben', 'cho']) users[id] = await rcUser(rc, id);
const api = Object.fromEntries(Object.entries(users).map(([id, user]) => [id, client(server, FREE, user.token)]));
const numbers = (events) => events.map((event) => event.seq);
const log = async (who, room, since = 0) => (await who.get(`/rooms/${encodeURIComponent(room)}/events?since=${since}`)).events;

/** Resumes from a cursor on a new connection: the numbers that come, once `last` has come. */
async function resume(id, room, position, last) {
  const device = await Device.login(server, FREE, users[id]);
  const { rooms } = await device.do({ op: 'subscribe', rooms: [{ room, ...position }] });
  assert.equal(rooms[0].recovered, true);
  if (last) await device.waitFor((frame) => frame.op === 'event' && frame.seq === last, { what: `event ${last}` });
  const seen = device.events(undefined, room);
  await device.close();
  return seen;
}

/** The first `count` events of an event stream. */
function streamed(user, room, since, count) {
  return new Promise((resolve, reject) => {
    const request = http.get(`${server.base}/rooms/${encodeURIComponent(room)}/events?since=${since}`, { agent: false, timeout: 8000,
      headers: { 'IM-CLIENT-KEY': FREE.client_key, 'IM-Authorization': user.token, Accept: 'text/event-stream' } }, (response) => {
      let text = '';
      response.on('data', (data) => {
        text += data;
        const events = [...text.matchAll(/^data: (.*)$/gm)].map((line) => JSON.parse(line[1]));
        if (events.length < count) return;
        request.destroy();
        resolve(events);
      });
    });
    request.on('timeout', () => reject(new Error('no events')));
    request.on('error', (error) => { if (!request.destroyed) reject(error); });
  });
}

test('a directed group message and its recall exist for its receivers alone, by every way to read', async () => {
  await rc.ok('/group/create.json', { userId: ['ann', 'ben', 'cho'], groupId: 'team' });
  const live = { ben: await Device.follow(server, FREE, users.ben, 'all'), cho: await Device.follow(server, FREE, users.cho, 'team') };
  const { seq, epoch } = live.cho.positions.team;
  const one = (await rc.publish('group', 'ann', 'team', 'for all'))[0].messageUID;
  const two = (await rc.publish('group', 'ann', 'team', 'for ben', { toUserId: 'ben' }))[0].messageUID;
  await rc.recall('ann', 3, 'team', two);
  const three = (await rc.publish('group', 'ann', 'team', 'for all again'))[0].messageUID;
  const wanted = { ben: [1, 2, 3, 4], cho: [1, 4] };
  for (const id of ['ben', 'cho']) {
    const due = wanted[id].map((n) => seq + n);
    await live[id].waitEvent('message', three);
    assert.deepEqual(numbers(live[id].events(undefined, 'team')), due, `${id}, live`);
    assert.deepEqual(numbers(await resume(id, 'team', { epoch, since: seq }, seq + 4)), due, `${id}, on resume`);
    assert.deepEqual(numbers(await log(api[id], 'team', seq)), due, `${id}, by HTTP`);
    assert.deepEqual(numbers(await streamed(users[id], 'team', seq, due.length)), due, `${id}, as a stream`);
  }
  assert.deepEqual(numbers(await log(admin, 'team', seq)), [1, 2, 3, 4].map((n) => seq + n), 'the platform sees all');
  const history = async (who) => { const page = await who.history('team'); return [listOf(page).map((m) => m._id).sort(), page.totalCount]; };
  assert.deepEqual(await history(api.ben), [[one, two, three].sort(), 3]);
  assert.deepEqual(await history(api.cho), [[one, three].sort(), 2]);
  await api.cho.fails([404, 'MESSAGE_NOT_FOUND'], 'GET', `/rooms/team/messages/${two}`);
  assert.equal((await api.ben.get('/rooms/team')).lastMessage._id, three);
  assert.equal(live.cho.frames.some((frame) => JSON.stringify(frame).includes(two)), false, 'not even the id');
});

test('a push by tag is replayed to those who had the tag then, and so is its recall', async () => {
  const { seq, epoch } = (await Device.follow(server, FREE, users.ann, 'all')).positions['~broadcast'];
  const push = (audience) => rc.okJson('/push.json', { platform: ['ios'], fromuserid: 'ann', audience: { is_to_all: false, ...audience },
    message: { content: JSON.stringify({ content: 'vip' }), objectName: 'RC:TxtMsg' } });
  await rc.okJson('/user/tag/set.json', { userId: 'ben', tags: ['vip'] });
  const first = (await push({ tag: ['vip'] })).id;
  await rc.okJson('/user/tag/set.json', { userId: 'ben', tags: [] });
  await rc.okJson('/user/tag/set.json', { userId: 'cho', tags: ['vip'] });
  await push({ tag: ['vip'] });
  await rc.ok('/message/broadcast/recall.json', { fromUserId: 'ann', messageUID: first });
  await push({ userid: ['ann'] });
  await push({ is_to_all: true });
  const wanted = { ann: [4, 5], ben: [1, 3, 5], cho: [2, 5] };
  for (const id of Object.keys(wanted)) {
    const due = wanted[id].map((n) => seq + n);
    const events = await resume(id, '~broadcast', { epoch, since: seq }, seq + 5);
    assert.deepEqual(numbers(events), due, `${id}, on resume`);
    assert.deepEqual(numbers(await log(api[id], '~broadcast', seq)), due, `${id}, by HTTP`);
    if (id === 'ben') assert.deepEqual(events.slice(0, 2).map((event) => event.message.messageType), ['recall', 'recall'], 'the content is gone');
  }
});

test('the ledger of a push counts the devices that it was for', async () => {
  const devices = {};
  for (const id of ['ben', 'cho']) devices[id] = await Device.follow(server, FREE, users[id], 'all', { device: `phone-of-${id}` });
  const { id } = await rc.okJson('/push.json', { platform: ['ios'], fromuserid: 'ann', audience: { is_to_all: false, userid: ['cho'] },
    message: { content: JSON.stringify({ content: 'x' }), objectName: 'RC:TxtMsg' } });
  await rc.ok('/message/broadcast/recall.json', { fromUserId: 'ann', messageUID: id });
  const { seq } = await devices.cho.waitEvent('recall', id);
  devices.cho.sendFrame({ op: 'ack', room: '~broadcast', seq });
  await eventually('the ack counts', async () => {
    const ledger = await admin.get(`/rooms/~broadcast/messages/${id}/recall`);
    assert.ok(ledger.devices.every((device) => device.user === 'cho'), JSON.stringify(ledger.devices));
    return ledger.devices.some((device) => device.device === 'phone-of-cho' && device.state === 'acked');
  });
});

test('the server\'s own rooms are read by those whom they name, with every reading call', async () => {
  const [{ messageUID }] = await rc.publish('system', 'ann', 'ben', 'notice');
  const [{ messageUID: direct }] = await rc.publish('private', 'ann', 'ben', 'hello');
  const system = encodeURIComponent('~system/ben'), pair = encodeURIComponent('~private/ann/ben');
  for (const [room, id] of [[system, messageUID], [pair, direct]]) {
    assert.ok(listOf(await api.ben.history(room)).some((m) => m._id === id));
    assert.ok(listOf(await api.ben.get(`/rooms/${room}/messages/${id}`)).some((m) => m._id === id));
    assert.equal((await api.ben.get(`/rooms/${room}`)).lastMessage._id, id);
    assert.equal((await api.ben.put(`/rooms/${room}/lastRead`, { message: id })).lastRead, id);
    for (const path of [`/rooms/${room}`, `/rooms/${room}/messages/v3`, `/rooms/${room}/messages/${id}`, `/rooms/${room}/events`])
      await api.cho.fails([403, 'NOT_ROOM_MEMBER'], 'GET', path);
    await api.cho.fails([403, 'NOT_ROOM_MEMBER'], 'POST', `/rooms/${room}/message`, { message: 'x' });
  }
  await api.ben.fails([403, 'NOT_ROOM_MEMBER'], 'POST', `/rooms/${system}/message`, { message: 'x' });
  await admin.fails([403], 'POST', '/rooms/~broadcast/message', { message: 'x' });
  const answer = await api.ben.send(pair, 'an answer');
  assert.equal(answer.room, '~private/ann/ben');
  await api.ben.recall(pair, answer._id);
  assert.equal((await api.ann.message(pair, answer._id)).messageType, 'recall');
});

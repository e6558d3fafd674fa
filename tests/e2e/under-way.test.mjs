// What happens to work that is under way: when the server leaves, when an app goes, when much is deleted, when two things race.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import {
  APP, Device, OTHER_APP, eventually, iniText, listOf, makeRoom, makeUsers, newId, ownServer, platform, sleep, test,
} from './lib/suite.mjs';

test('SIGTERM: every command that was committed is answered before the bye', async (t) => {
  const server = await ownServer(t, { server: { threads: 2 } });
  const { ann } = await makeUsers(server, APP, 'ann');
  const room = await makeRoom(ann);
  const devices = await Promise.all(['a', 'b', 'c', 'd'].map((device) => Device.login(server, APP, ann, { device })));
  for (const device of devices) {
    for (let n = 1; n <= 40; n += 1) {
      device.sendFrame({ op: 'send', id: n + 1000, room, clientMsgId: newId(), messageType: 'text', message: `m${n}` });
    }
  }
  await devices[0].waitFor((frame) => frame.id > 1000);
  server.signal('SIGTERM');
  for (const device of devices) await device.closedWith(1001);
  await server.ended;
  const answered = new Set(devices.flatMap((device) => device.frames.filter((f) => f.id > 1000 && f.RC === 0).map((f) => f.result._id)));
  for (const device of devices) assert.equal(device.frames.at(-1).op, 'bye');
  const again = await ownServer(t, { dir: server.dir });
  const stored = listOf(await platform(again, APP).history(room, '?limit=1000')).map((one) => one._id);
  assert.deepEqual(stored.filter((id) => !answered.has(id)), [], 'stored but not answered');
});

test('SIGHUP without an app: its sessions are closed with 4401, the others stay', async (t) => {
  const server = await ownServer(t, { server: { threads: 1 }, apps: [APP, OTHER_APP] });
  const [{ ann }, { ann: other }] = [await makeUsers(server, APP, 'ann'), await makeUsers(server, OTHER_APP, 'ann')];
  const [stays, goes] = [await Device.follow(server, APP, ann, 'all'), await Device.follow(server, OTHER_APP, other, 'all')];
  fs.writeFileSync(server.configFile, iniText({ server: { threads: 1 }, apps: [APP] }));
  server.signal('SIGHUP');
  await goes.closedWith(4401);
  await stays.ping();
  assert.ok(stays.stillOpen());
});

test('SIGHUP without an app: its event streams end too, a user\'s and the platform\'s, the others stay', async (t) => {
  const settings = { threads: 1, ping_interval: 1 };
  const server = await ownServer(t, { server: settings, apps: [APP, OTHER_APP] });
  const [{ ann }, { ann: other }] = [await makeUsers(server, APP, 'ann'), await makeUsers(server, OTHER_APP, 'ann')];
  const rooms = [await makeRoom(ann), await makeRoom(other)];
  const open = (room, headers) => new Promise((resolve, reject) => {
    http.get(`${server.base}/rooms/${room}/events`, { agent: false, headers: { ...headers, Accept: 'text/event-stream' } }, (response) => {
      const stream = { status: response.statusCode, ended: false };
      response.on('close', () => { stream.ended = true; }).on('error', () => {}).resume();
      resolve(stream);
    }).on('error', reject);
  });
  const stays = await open(rooms[0], { 'IM-API-KEY': APP.api_key });
  const goes = [await open(rooms[1], { 'IM-API-KEY': OTHER_APP.api_key }),
    await open(rooms[1], { 'IM-CLIENT-KEY': OTHER_APP.client_key, 'IM-Authorization': other.token })];
  assert.deepEqual([stays, ...goes].map((one) => one.status), [200, 200, 200]);
  fs.writeFileSync(server.configFile, iniText({ server: settings, apps: [APP] }));
  server.signal('SIGHUP');
  await eventually('the streams of the app that went', () => goes.every((one) => one.ended), 5000);
  assert.equal(stays.ended, false);
});

test('deleting all of a long room goes in steps; others are served in between, what comes later stays', async (t) => {
  const server = await ownServer(t);
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const [long, short] = [await makeRoom(ann, [ben]), await makeRoom(ann, [ben])];
  const admin = platform(server, APP);
  const paras = Array.from({ length: 650 }, () => ({ room: long }));
  await admin.post('/messages/batch', { message: 'much', messageType: 'text', sender: 'ann', paras });
  const device = await Device.follow(server, APP, ben, long);
  const deleting = admin.delete(`/rooms/${long}/messages/_all`);
  await ann.api.send(short, 'meanwhile');
  assert.equal((await deleting).deletedCount, 650);
  const later = await ann.api.send(long, 'later');
  await device.waitEvent('message', later._id);
  const recalls = device.events('recall', long);
  assert.equal(recalls.length, 650);
  for (const one of recalls.slice(0, 3)) {
    assert.equal(one.content.originalFromUserId, 'ann');
    assert.ok(one.content.sentTime > 0 && one.content.isDelete && one.message.room === long);
  }
  assert.deepEqual(listOf(await ann.api.history(long)).map((one) => one.message), ['later']);
});

test('a room that is named twice in one subscribe is followed once', async (t) => {
  const server = await ownServer(t);
  const { ann } = await makeUsers(server, APP, 'ann');
  const room = await makeRoom(ann);
  const device = await Device.login(server, APP, ann);
  const { rooms } = await device.do({ op: 'subscribe', rooms: [{ room }, { room }] });
  assert.equal(rooms.filter((entry) => !entry.error).length, 1);
  assert.ok(rooms.find((entry) => !entry.error).seq >= 1, 'its place in the log, not 0');
});

test('all: rooms over max_rooms are refused by name, and rooms joined later do not pass the limit', async (t) => {
  const server = await ownServer(t, { server: { max_rooms: 5 } });
  const { ann } = await makeUsers(server, APP, 'ann');
  for (let n = 0; n < 6; n += 1) await makeRoom(ann);
  const device = await Device.login(server, APP, ann);
  const { rooms } = await device.do({ op: 'subscribe', all: true });
  assert.equal(rooms.filter((entry) => !entry.error).length, 5);
  assert.equal(rooms.filter((entry) => entry.error).length, 3, '8 logs: 6 rooms, ~broadcast and ~system/ann');
  const late = await makeRoom(ann);
  const { _id: id } = await ann.api.send(late, 'not followed');
  await sleep(300);
  await device.ping();
  assert.ok(!device.frames.some((frame) => frame.message?._id === id));
});

test('a token with "Bearer" before it is taken on the WebSocket as over HTTP', async (t) => {
  const server = await ownServer(t);
  const { ann } = await makeUsers(server, APP, 'ann');
  const headers = { 'IM-CLIENT-KEY': APP.client_key, 'IM-Authorization': `Bearer ${ann.token}` };
  const device = await Device.connect(server, { headers });
  assert.equal((await device.waitFor((frame) => frame.op === 'ready')).user._id, 'ann');
});

test('clientMsgId makes the platform\'s send without a sender idempotent too', async (t) => {
  const server = await ownServer(t);
  const { ann } = await makeUsers(server, APP, 'ann');
  const room = await makeRoom(ann);
  const admin = platform(server, APP);
  const first = await admin.send(room, 'once', { clientMsgId: 'c-1' });
  assert.equal((await admin.send(room, 'once', { clientMsgId: 'c-1' }))._id, first._id);
  assert.equal(listOf(await admin.history(room)).length, 1);
});

test('a text without a message is refused and names the field', async (t) => {
  const server = await ownServer(t);
  const { ann } = await makeUsers(server, APP, 'ann');
  const room = await makeRoom(ann);
  await ann.api.fails([400, 'MISSING_PARAMETER', 'message'], 'POST', `/rooms/${room}/message`, { messageType: 'text' });
  await ann.api.post(`/rooms/${room}/message`, { messageType: 'image', originalUrl: 'https://example.com/1.png' });
});

test('metrics count each call, event and recall once', async (t) => {
  const server = await ownServer(t);
  const { ann } = await makeUsers(server, APP, 'ann');
  const room = await makeRoom(ann);
  const figure = async (name) => {
    const { data } = await platform(server, APP).call('GET', '/metrics');
    return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(data)[1]);
  };
  const before = { calls: await figure('recalld_http_requests_total'), events: await figure('recalld_events_total') };
  const { _id: id } = await ann.api.send(room, 'one');
  await ann.api.recall(room, id);
  await ann.api.recall(room, id);
  assert.equal(await figure('recalld_recalls_total'), 1);
  assert.equal(await figure('recalld_events_total') - before.events, 2);
  await eventually('calls are counted', async () => (await figure('recalld_http_requests_total')) > before.calls);
  assert.ok(await figure('recalld_http_requests_total') - before.calls <= 10);
});

test('metrics count each delivery once, whichever thread made it', async (t) => {
  const server = await ownServer(t, { server: { threads: 2 } });
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const room = await makeRoom(ann, [ben]);
  const devices = await Promise.all(Array.from({ length: 8 }, (_, n) => Device.follow(server, APP, ben, room, { device: `d${n}` })));
  const deliveries = async () => Number(/^recalld_deliveries_total (\d+)/m.exec((await platform(server, APP).call('GET', '/metrics')).data)[1]);
  const before = await deliveries();
  for (let i = 0; i < 3; i += 1) {
    const { _id: id } = await ann.api.send(room, `text-${i}`);
    await Promise.all(devices.map((d) => d.waitEvent('message', id)));
  }
  await eventually('all are counted', async () => await deliveries() - before === 3 * devices.length);
  await Promise.all(devices.map((d) => d.close()));
});

test('a recall is answered when no thread sends the content any more', async (t) => {
  const server = await ownServer(t, { server: { threads: 2 } });
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const room = await makeRoom(ann, [ben]);
  const devices = await Promise.all(Array.from({ length: 8 }, (_, n) => Device.follow(server, APP, ben, room, { device: `d${n}` })));
  for (let round = 0; round < 30; round += 1) {
    const { _id: id } = await ann.api.send(room, `secret-${round}`);
    await ann.api.recall(room, id);
    const page = JSON.stringify(await ben.api.history(room, '?limit=50'));
    assert.ok(!page.includes(`secret-${round}`));
    const late = await ben.api.get(`/rooms/${room}/events?since=0`);
    assert.ok(!JSON.stringify(late).includes('secret-'));
  }
  for (const device of devices) await device.barrier(ann.api, room);
});

// Leaving in order on SIGTERM, and new settings on SIGHUP, without a connection lost.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { APP, Api, Device, OTHER_APP, Raw, checkOk, client, eventually, head, iniText, makeRoom, makeUsers, ownServer, platform, sleep, startServer, test } from './lib/suite.mjs';

test('SIGTERM: every device gets bye, then 1001; the server exits 0', async () => {
  const server = await startServer({ server: { threads: 2 } });
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const devices = [];
  for (let i = 0; i < 6; i += 1) devices.push(await Device.follow(server, APP, i % 2 ? ann : ben, 'all', { device: `d${i}` }));
  const unauthenticated = await Device.connect(server);
  await server.stop();
  for (const device of devices) {
    await device.closedWith(1001);
    const bye = device.frames.at(-1);
    assert.deepEqual([bye.op, bye.code], ['bye', 1001]);
    assert.equal(typeof bye.reason, 'string');
    assert.ok(Number.isFinite(bye.reconnectMS) && bye.reconnectMS >= 0);
  }
  await unauthenticated.closedWith([1001, 1006]);
});

test('SIGTERM in the middle of traffic: whatever was answered is there after a restart', async (t) => {
  const server = await startServer({ server: { threads: 2 } });
  const { ann } = await makeUsers(server, APP, 'ann');
  const room = await makeRoom(ann);
  const answered = [];
  const lanes = [0, 1, 2, 3].map(async () => {
    for (;;) {
      const answer = await ann.api.call('POST', `/rooms/${room}/message`, { message: 'x', messageType: 'text' }).catch(() => null);
      if (!answer) return;
      if (answer.status === 503) return;
      answered.push(checkOk(answer)._id);
    }
  });
  await sleep(400);
  await eventually('some answers', () => answered.length > 10, 20000);
  await server.stop();
  await Promise.all(lanes);
  const again = await ownServer(t, { dir: server.dir });
  const api = client(again, APP, ann.token);
  for (const id of answered) assert.ok(await api.message(room, id), `${id} was answered and is lost`);
});

test('SIGTERM with an idle keep-alive connection and one in the middle of a body ends soon', async () => {
  const server = await startServer({ server: { drain_timeout: 2 } });
  const idle = await Raw.open(server);
  idle.write(head('GET /healthz HTTP/1.1'));
  assert.equal(await idle.status(), 200);
  const half = await Raw.open(server);
  half.write(`${head('POST /admin/clients HTTP/1.1', `IM-API-KEY: ${APP.api_key}`, 'Content-Length: 500')}{"_id":`);
  await sleep(100);
  const start = Date.now();
  await server.stop();
  assert.ok(Date.now() - start < 8000, `${Date.now() - start} ms`);
  idle.end();
  half.end();
});

test('SIGHUP: new keys and policies count, old keys do not, no connection is lost', async (t) => {
  const server = await ownServer(t, { server: { threads: 2 }, apps: [{ ...APP, recall_window: 1 }] });
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const room = await makeRoom(ann, [ben]);
  const devices = [await Device.follow(server, APP, ann, room), await Device.follow(server, APP, ben, room)];
  const { _id: id } = await ben.api.send(room, 'old');
  await sleep(1200);
  await ben.api.fails([403], 'POST', `/rooms/${room}/message`, { _id: id, messageType: 'recall' });
  const changed = { ...APP, api_key: 'a-new-api-key-b2', recall_window: 600 };
  fs.writeFileSync(server.configFile, iniText({ server: { threads: 2 }, apps: [changed, OTHER_APP] }));
  server.signal('SIGHUP');
  await eventually('the new key works', async () => (await platform(server, changed).call('GET', '/rooms/none')).status === 404);
  await platform(server, APP).fails([401, 'INVALID_API_KEY'], 'GET', '/rooms/none');
  await eventually('a new app works', async () => (await platform(server, OTHER_APP).call('GET', '/rooms/none')).status === 404);
  assert.equal((await ben.api.recall(room, id)).messageType, 'recall', 'the window is the new one');
  for (const device of devices) {
    await device.waitEvent('recall', id);
    await device.ping();
    assert.ok(device.stillOpen());
  }
});

test('SIGHUP with a broken file changes nothing and is logged', async (t) => {
  const server = await ownServer(t);
  const { ann } = await makeUsers(server, APP, 'ann');
  const device = await Device.follow(server, APP, ann, 'all');
  fs.writeFileSync(server.configFile, '[server]\nlisten = 127.0.0.1:0\nnonsense = 5\n');
  server.signal('SIGHUP');
  await eventually('the mistake is logged', () => server.log().includes('nonsense'));
  await platform(server, APP).post('/admin/clients', { _id: 'x', nickname: 'X' });
  await device.ping();
});

test('while draining no new connection is taken', async () => {
  const server = await startServer();
  const { ann } = await makeUsers(server, APP, 'ann');
  const device = await Device.follow(server, APP, ann, 'all');
  const stopped = server.stop();
  await device.closed;
  await stopped;
  await assert.rejects(new Api(server.base).call('GET', '/readyz'), /ECONNREFUSED|ECONNRESET|socket hang up/);
});

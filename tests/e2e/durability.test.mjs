// What was answered survives: kill -9, restart, a full disk, a broken file.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { APP, Device, LONG, checkOrder, eventually, iniText, lasting, makeRoom, makeUsers, ownServer, platform, runToExit, sleep, startServer, tempDir, test, client } from './lib/suite.mjs';

/** Sends and recalls without pause until the server is gone; collects only what was answered. */
async function traffic(user, room, acknowledged) {
  for (let i = 0; ; i += 1) {
    try {
      const message = await user.api.send(room, `${user.id} ${i}`);
      acknowledged.set(message._id, message);
      if (i % 3 === 0) acknowledged.set(message._id, await user.api.recall(room, message._id));
    } catch (error) {
      if (error.code === 'ERR_ASSERTION') throw error;
      return;
    }
  }
}

async function checkAll(server, user, room, acknowledged) {
  const api = client(server, APP, user.token);
  for (const [id, message] of acknowledged) {
    const now = await api.message(room, id);
    assert.ok(now, `${id} was answered and is lost`);
    // A recall may have been committed without its answer getting out; never the other way round.
    if (message.messageType === 'recall') assert.deepEqual([now.messageType, now.message], ['recall', '']);
    else if (now.messageType !== 'recall') assert.equal(now.message, message.message);
  }
}

test('kill -9 and restart: everything answered is there, the epoch stays, numbers go on', async (t) => {
  let server = await startServer({ server: { threads: 2 } });
  t.after(async () => { if (server.alive()) await server.stop(); });
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const room = await makeRoom(ann, [ben]);
  for (let round = 0; round < (LONG ? 10 : 3); round += 1) {
    for (const user of [ann, ben]) user.api = client(server, APP, user.token);
    const device = await Device.follow(server, APP, ben, room);
    const { epoch, seq } = device.positions[room];
    const acknowledged = new Map();
    const lanes = [ann, ben, ann, ben].map((user) => traffic(user, room, acknowledged));
    await sleep(300 + round * 170);
    await eventually('some answers', () => acknowledged.size > 5, 20000);
    await server.kill9();
    await Promise.all(lanes);
    const seen = device.events(undefined, room);
    checkOrder(seen, seq);
    server = await startServer({ server: { threads: 2 }, dir: server.dir });
    await checkAll(server, ann, room, acknowledged);
    const after = await Device.follow(server, APP, ben, room);
    assert.equal(after.positions[room].epoch, epoch, 'the epoch survives');
    assert.ok(after.positions[room].seq >= (seen.at(-1)?.seq ?? seq), 'no number seen is taken back');
    for (const event of seen) {
      const now = await client(server, APP, ann.token).message(room, event.message._id);
      assert.ok(now, 'whatever was delivered was committed');
      if (event.type === 'recall') assert.equal(now.messageType, 'recall');
    }
  }
});

test('a clean restart keeps users, tokens, rooms, roles, reads and the epoch', async (t) => {
  const first = await startServer();
  t.after(async () => { if (first.alive()) await first.stop(); });
  const { ann, ben } = await makeUsers(first, APP, 'ann', 'ben');
  const room = await makeRoom(ann, [ben]);
  await ann.api.put(`/rooms/${room}/member/ben`, { property: 'role', value: 'manager' });
  const sent = await ann.api.send(room, 'kept');
  await ann.api.send(room, 'unread');
  await ben.api.put(`/rooms/${room}/lastRead`, { message: sent._id });
  const { epoch } = (await Device.follow(first, APP, ben, room)).positions[room];
  await first.stop();
  const second = await ownServer(t, { dir: first.dir });
  const api = client(second, APP, ben.token);
  assert.deepEqual(lasting(await api.message(room, sent._id)), lasting(sent));
  assert.equal((await api.get(`/rooms/${room}`)).unread, 1);
  assert.equal((await api.recall(room, sent._id)).messageType, 'recall', 'a manager still');
  assert.equal((await Device.follow(second, APP, ben, room)).positions[room].epoch, epoch);
});

test('recalled bytes leave the files within 5 s, and stay away after a restart', async (t) => {
  const server = await ownServer(t);
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const room = await makeRoom(ann, [ben]);
  const needle = 'needle-7f3a91c05d';
  const { _id: id } = await ann.api.send(room, needle, { extra: needle });
  await ben.api.send(room, 'a quote', { reply: id });
  const folder = path.join(server.dir, 'data');
  const found = () => fs.readdirSync(folder).filter((name) => fs.readFileSync(path.join(folder, name)).includes(needle));
  assert.ok(found().length > 0, 'it is stored before the recall');
  await ann.api.recall(room, id);
  await eventually('no file holds the recalled bytes', () => found().length === 0, 6000);
});

test('a corrupt database file is a clear error', async () => {
  const dir = tempDir('corrupt');
  fs.mkdirSync(path.join(dir, 'data'));
  fs.writeFileSync(path.join(dir, 'data/recall.db'), 'this is not a database, '.repeat(500));
  fs.writeFileSync(path.join(dir, 'recalld.conf'), iniText());
  const end = await runToExit(['-c', path.join(dir, 'recalld.conf')], { cwd: dir });
  assert.ok(end.code === 1 || end.code === 2, `code ${end.code}: ${end.stderr}`);
  assert.match(end.stderr, /recall\.db/);
  assert.match(fs.readFileSync(path.join(dir, 'data/recall.db'), 'latin1'), /^this is not a database/, 'the file is left as it is');
});

test('a folder that cannot be written is a clear error', async () => {
  const dir = tempDir('readonly');
  fs.writeFileSync(path.join(dir, 'recalld.conf'), iniText({ server: { store: 'sqlite:/proc/recalld/recall.db' } }));
  const end = await runToExit(['-c', path.join(dir, 'recalld.conf')], { cwd: dir });
  assert.ok(end.code === 1 || end.code === 2, `code ${end.code}: ${end.stderr}`);
  assert.match(end.stderr, /\/proc\/recalld/);
});

/** Whether this user may mount a small file system of its own (root, or user namespaces). */
async function mountCommand(dir) {
  const inner = `mount -t tmpfs -o size=1m tmpfs ${dir}`;
  for (const flags of [['-m'], ['-U', '-r', '-m']]) {
    const end = await runToExit([...flags, 'sh', '-c', inner], { binary: 'unshare' });
    if (end.code === 0) return ['unshare', ...flags, 'sh', '-c', `${inner} && exec "$@"`, 'sh'];
  }
  return null;
}

test('a full disk: clear errors, nothing acknowledged is lost, the server ends or goes on in order', async (t) => {
  const dir = tempDir('full');
  fs.mkdirSync(path.join(dir, 'data'));
  const wrap = await mountCommand(path.join(dir, 'data'));
  if (!wrap) { t.skip('no right to mount a file system'); return; }
  const server = await startServer({ dir, wrap });
  const { ann } = await makeUsers(server, APP, 'ann');
  const room = await makeRoom(ann);
  const acknowledged = new Map();
  let refusal = null;
  for (let i = 0; i < 200 && !refusal; i += 1) {
    const answer = await ann.api.call('POST', `/rooms/${room}/message`, { message: `${i} ${'f'.repeat(20000)}`, messageType: 'text' })
      .catch((error) => ({ status: 0, data: String(error) }));
    if (answer.status === 200) acknowledged.set(answer.data.result._id, answer.data.result);
    else refusal = answer;
  }
  assert.ok(refusal, 'a disk of 1 MB takes no 4 MB');
  assert.ok([0, 500, 503].includes(refusal.status), JSON.stringify(refusal).slice(0, 500));
  assert.ok(acknowledged.size > 3);
  if (server.alive() && refusal.status !== 0) {
    await checkAll(server, ann, room, acknowledged);
    assert.equal((await platform(server, APP).call('GET', '/healthz')).status, 200);
    await server.stop();
  } else {
    await server.ended;
    server.checkSanitizers();
    assert.match(server.log(), /disk|full|space|write/i, 'the log says why it ended');
  }
});

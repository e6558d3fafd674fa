// Faults of the machine around the server: folders, files, disks, peers. (A corrupt file, a full disk and the limit of file descriptors
// from their easy side are in ../e2e: durability, limits.)
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { APP, Api, BIN, Raw, client, eventually, head, iniText, makeRoom, makeUsers, platform, runToExit, sleep, startServer, tempDir, test } from '../e2e/lib/suite.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const NOBODY = 65534;

/** A database with a few messages, its server stopped; {dir, config, file, ann, room, id}. */
async function usedDatabase(label) {
  const dir = tempDir(label);
  const server = await startServer({ dir });
  const { ann } = await makeUsers(server, APP, 'ann');
  const room = await makeRoom(ann);
  const { _id: id } = await ann.api.send(room, 'kept');
  await server.stop();
  return { dir, config: server.configFile, file: path.join(dir, 'data/recall.db'), ann, room, id };
}

const refuses = async (dir, config, ...patterns) => {
  const end = await runToExit(['-c', config], { cwd: dir });
  assert.equal(end.code, 1, `code ${end.code}: ${end.stderr}`);
  for (const pattern of patterns) assert.match(end.stderr, pattern);
  assert.doesNotMatch(end.stdout, /ready/);
};

test('a database whose first page is damaged behind its header: exit 1, the file named and left as it is', async () => {
  const { dir, config, file } = await usedDatabase('damaged');
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, Buffer.alloc(3000, 0xa5), 0, 3000, 100);
  fs.closeSync(fd);
  const before = fs.readFileSync(file);
  await refuses(dir, config, /recall\.db/, /damaged|malformed|corrupt|not a database/);
  assert.ok(fs.readFileSync(file).equals(before), 'the file is left as it is');
});

test('a database of which only the first half is left: exit 1, the file named', async () => {
  const { dir, config, file, room, id } = await usedDatabase('half');
  fs.truncateSync(file, Math.floor(fs.statSync(file).size / 8192) * 4096);
  const end = await runToExit(['-c', config], { cwd: dir });
  assert.equal(end.code, 1, `it must not start on half a database (code ${end.code}; room ${room}, message ${id}): ${end.stderr}`);
  assert.match(end.stderr, /recall\.db/);
});

test('an empty file in the database\'s place is a new database', async () => {
  const dir = tempDir('empty');
  fs.mkdirSync(path.join(dir, 'data'));
  fs.writeFileSync(path.join(dir, 'data/recall.db'), '');
  const server = await startServer({ dir });
  await makeUsers(server, APP, 'ann');
  await server.stop();
});

test('a database folder, or file, that the server may only read: exit 1 with a sentence', async (t) => {
  const root = process.getuid() === 0;
  const { dir: used, file } = await usedDatabase('owned');
  // A folder that anyone may enter, above: the tests' own folders may be private to us.
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'recalld-readonly-'));
  t.after(() => { fs.chmodSync(path.join(dir, 'data'), 0o755); fs.rmSync(dir, { recursive: true }); });
  fs.chmodSync(dir, 0o755);
  fs.mkdirSync(path.join(dir, 'data'));
  fs.writeFileSync(path.join(dir, 'recalld.conf'), iniText({}));
  const wrap = root ? ['setpriv', [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--', BIN]] : [BIN, []];
  const start = () => runToExit([...wrap[1], '-c', path.join(dir, 'recalld.conf')], { cwd: dir, binary: wrap[0], ms: 8000 });
  const reachable = await runToExit([...wrap[1], '--version'], { cwd: dir, binary: wrap[0] });
  if (reachable.code !== 0) { t.skip(`another user cannot run ${BIN}: ${reachable.stderr.trim().slice(0, 100)}`); return; }
  fs.chmodSync(path.join(dir, 'data'), 0o555);
  const fresh = await start();
  assert.equal(fresh.code, 1, `a new database: code ${fresh.code}: ${fresh.stderr}`);
  assert.match(fresh.stderr, /recall\.db|data/);
  fs.chmodSync(path.join(dir, 'data'), 0o755);
  fs.copyFileSync(file, path.join(dir, 'data/recall.db'));
  fs.chmodSync(path.join(dir, 'data/recall.db'), 0o444);
  fs.chmodSync(path.join(dir, 'data'), 0o555);
  const existing = await start();
  assert.equal(existing.code, 1, `an existing database: code ${existing.code}: ${existing.stderr}`);
  assert.match(existing.stderr, /recall\.db/);
  assert.ok(fs.existsSync(used));
});

/** A command in front of the server that gives it a disk of 1 MB, or null where this user may not mount. */
async function smallDisk(dir) {
  const inner = `mount -t tmpfs -o size=1m tmpfs ${dir}`;
  for (const flags of [['-m'], ['-U', '-r', '-m']]) {
    const end = await runToExit([...flags, 'sh', '-c', inner], { binary: 'unshare' });
    if (end.code === 0) return ['unshare', ...flags, 'sh', '-c', `${inner} && exec "$@"`, 'sh'];
  }
  return null;
}

test('a full disk that has room again: refused with 503 meanwhile, reads go on, nothing answered is lost, writes go on', async (t) => {
  const dir = tempDir('full');
  const data = path.join(dir, 'data');
  fs.mkdirSync(data);
  const wrap = await smallDisk(data);
  if (!wrap) { t.skip('no right to mount a file system'); return; }
  const server = await startServer({ dir, wrap });
  t.after(async () => { if (server.alive()) await server.stop(); });
  const { ann } = await makeUsers(server, APP, 'ann');
  const room = await makeRoom(ann);
  const kept = [await ann.api.send(room, 'before')];
  // The server's own view of the disk; whatever is left of it goes to a file that has nothing to do with the database.
  const ballast = `/proc/${server.pid}/root${data}/ballast`;
  const fd = fs.openSync(ballast, 'w');
  try {
    for (;;) fs.writeSync(fd, Buffer.alloc(4096, 1));
  } catch (error) {
    assert.equal(error.code, 'ENOSPC');
  }
  fs.closeSync(fd);
  let refused = null;
  for (let i = 0; i < 400 && !refused; i += 1) {
    const answer = await ann.api.call('POST', `/rooms/${room}/message`, { message: `${i} ${'f'.repeat(4000)}`, messageType: 'text' });
    if (answer.status === 200) kept.push(answer.data.result);
    else refused = answer;
  }
  assert.equal(refused?.status, 503, JSON.stringify(refused?.data));
  assert.equal(refused.data.error.code, 'SERVICE_UNAVAILABLE');
  for (const one of kept) assert.equal((await ann.api.message(room, one._id))?.message, one.message, 'reads go on');
  assert.equal((await platform(server, APP).call('GET', '/readyz')).status, 503);
  fs.unlinkSync(ballast);
  kept.push(await eventually('writes go on', async () => {
    const answer = await ann.api.call('POST', `/rooms/${room}/message`, { message: 'after', messageType: 'text' });
    return answer.status === 200 && answer.data.result;
  }));
  await eventually('it says that it is ready', async () => (await platform(server, APP).call('GET', '/readyz')).status === 200);
  const { data: all } = await ann.api.history(room, '?limit=1000');
  assert.deepEqual(all.map((one) => one._id).sort(), kept.map((one) => one._id).sort(), 'what was answered, and nothing that was refused');
});

test('headers that drip and connections that say nothing are cut; others are served meanwhile', async () => {
  const server = await startServer({ server: { threads: 1 } });
  const silent = await Raw.open(server);
  const start = Date.now();
  const dripping = await Raw.open(server);
  const text = head('GET /healthz HTTP/1.1', `X-Slow: ${'s'.repeat(4000)}`);
  const waits = [];
  for (let i = 0; !(dripping.ended && silent.ended) && Date.now() - start < 30000; i += 1) {
    dripping.write(text[i]);
    await sleep(100);
    const asked = performance.now();
    assert.equal((await new Api(server.base).call('GET', '/healthz')).status, 200);
    waits.push(performance.now() - asked);
  }
  const seconds = (Date.now() - start) / 1000;
  assert.ok(dripping.ended && silent.ended, `dripping cut: ${dripping.ended}, silent cut: ${silent.ended}, after ${seconds} s`);
  const [worst, next] = waits.sort((a, b) => b - a);
  // Once the machine may have stood still; nobody waits for the cut, after 10 s.
  assert.ok(worst < 5000 && next < 1000, `other callers waited ${worst} ms, ${next} ms`);
  await server.stop();
});

test('an answer that nobody reads does not hold up others, and its connection ends with the peer', async () => {
  const server = await startServer({ server: { threads: 1 } });
  const { ann } = await makeUsers(server, APP, 'ann');
  const room = await makeRoom(ann);
  for (let i = 0; i < 30; i += 1) await ann.api.send(room, 'b'.repeat(60000));
  const raw = await Raw.open(server);
  raw.socket.pause();
  const ask = head(`GET /rooms/${room}/messages/v3?limit=30 HTTP/1.1`, `IM-CLIENT-KEY: ${APP.client_key}`, `IM-Authorization: ${ann.token}`);
  raw.write(ask.repeat(8));
  for (let i = 0; i < 20; i += 1) {
    const asked = performance.now();
    await client(server, APP, ann.token).send(room, 'quick');
    assert.ok(performance.now() - asked < 8000, `${performance.now() - asked} ms`); // the answer that nobody reads has 30 s
  }
  raw.end();
  await server.stop();
});

test('a peer that vanishes without FIN is dropped after ping_interval and ping_timeout, and its events wait for it in the log', async (t) => {
  const out = await new Promise((resolve) => {
    execFile(path.join(HERE, 'narrow'), ['node', path.join(HERE, 'vanish.mjs')], { timeout: 50000, env: process.env }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code ?? 'killed' : 0, text: `${stdout}${stderr}` });
    });
  });
  if (out.code === 77) { t.skip(out.text.trim().split('\n').at(-1)); return; }
  assert.equal(out.code, 0, out.text);
});

// ./gateway/quickstart: from any folder, twice, with a busy port; what it prints can be pasted.
import assert from 'node:assert/strict';
import { spawn, execFile } from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import { Api, ROOT, cleanEnv, eventually, memberIds, runToExit, tempDir, test } from './lib/suite.mjs';

const QUICKSTART = path.join(ROOT, 'gateway/quickstart');
const BUILD_MS = 380000;
const dir = tempDir('quickstart');
const settings = { RECALLD_SERVER_LISTEN: '127.0.0.1:0', RECALLD_SERVER_STORE: `sqlite:${path.join(dir, 'quick.db')}` };

/** Starts the script in a folder that is not its own and waits for what it prints. */
async function start() {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', QUICKSTART], { cwd: '/', env: cleanEnv(settings), stdio: ['ignore', 'pipe', 'pipe'] });
  const self = { child, out: '', err: '', ended: null };
  child.stdout.on('data', (data) => { self.out += data; });
  child.stderr.on('data', (data) => { self.err += data; });
  const end = new Promise((resolve) => { child.on('close', (code) => { self.ended = { code }; resolve(code); }); });
  self.stop = async () => { child.kill('SIGTERM'); return end; };
  await eventually('the guide', () => {
    assert.equal(self.ended, null, `quickstart ended: ${self.err}`);
    return self.out.includes('Ctrl+C');
  }, BUILD_MS);
  return self;
}

/** Runs a printed line as a person would paste it. */
const paste = (line) => new Promise((resolve, reject) => {
  execFile('bash', ['-c', `${line.replace('curl ', 'curl -sS --max-time 10 ')}`], (error, stdout) => (error ? reject(error) : resolve(JSON.parse(stdout))));
});

async function checkGuide(self) {
  const page = /http:\/\/127\.0\.0\.1:\d+\/demo\//.exec(self.out)[0];
  const answer = await new Api('').call('GET', page);
  assert.equal(answer.status, 200);
  assert.match(String(answer.data), /<!doctype html>/i);
  const lines = self.out.split('\n').filter((line) => line.startsWith('curl '));
  assert.equal(lines.length, 2, self.out);
  const [sent, recalled] = [await paste(lines[0]), await paste(lines[1])];
  assert.deepEqual([sent.RC, sent.result.messageType, sent.result.room], [0, 'text', 'demo-room']);
  assert.deepEqual([recalled.RC, recalled.result._id, recalled.result.messageType, recalled.result.message], [0, sent.result._id, 'recall', '']);
  const admin = new Api(new URL(page).origin, { 'IM-API-KEY': 'demo-api-key' });
  assert.deepEqual(memberIds(await admin.get('/rooms/demo-room')), ['ann', 'ben', 'cho']);
}

test('builds, starts, and prints an address and curl lines that work; twice', async () => {
  for (let round = 0; round < 2; round += 1) {
    const self = await start();
    try {
      await checkGuide(self);
    } finally {
      assert.equal(await self.stop(), 0, self.err);
    }
  }
}, { timeout: BUILD_MS });

test('a busy port is told at once, with exit 1', async (t) => {
  const busy = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => { busy.once('listening', resolve); });
  t.after(() => busy.close());
  const listen = `127.0.0.1:${busy.address().port}`;
  const end = await runToExit([], { binary: QUICKSTART, env: { ...settings, RECALLD_SERVER_LISTEN: listen } });
  assert.equal(end.code, 1, end.stderr);
  assert.ok(end.stderr.includes(listen) && /busy/.test(end.stderr), end.stderr);
});

test('further arguments go to recalld', async () => {
  const end = await runToExit(['--help'], { binary: QUICKSTART, env: settings, ms: 60000 });
  assert.equal(end.code, 0, end.stderr);
  assert.match(end.stdout, /--check-config/);
}, { timeout: 60000 });

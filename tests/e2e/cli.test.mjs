// The command line, the configuration file and the environment (run.md, settled.md).
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { APP, Api, checkError, checkOk, iniText, ownServer, platform, runToExit, tempDir, test } from './lib/suite.mjs';

/** Writes a configuration file and gives its path. */
function configFile(text, name = 'recalld.conf') {
  const file = path.join(tempDir('config'), name);
  fs.writeFileSync(file, text);
  return file;
}

/** --check-config on a text must end with 2 and name each of `words`. */
async function refused(text, ...words) {
  const file = configFile(text);
  const end = await runToExit(['-c', file, '--check-config']);
  assert.equal(end.code, 2, end.stdout + end.stderr);
  for (const word of [path.basename(file), ...words]) {
    assert.ok(end.stderr.includes(word), `"${word}" must be named: ${end.stderr}`);
  }
  const started = await runToExit(['-c', file]);
  assert.equal(started.code, 2, `a start must be refused the same way: ${started.stderr}`);
}

test('--version names the program and a version, and exits 0', async () => {
  const end = await runToExit(['--version']);
  assert.equal(end.code, 0);
  assert.match(end.stdout, /recalld.*\d+\.\d+/);
});

test('--help names every option and exits 0', async () => {
  const end = await runToExit(['--help']);
  assert.equal(end.code, 0);
  for (const option of ['-c', '--demo', '--check-config', '--version', '--help']) {
    assert.ok(end.stdout.includes(option), `${option} missing: ${end.stdout}`);
  }
});

test('an unknown option is an error that names it', async () => {
  const end = await runToExit(['--chek-config']);
  assert.equal(end.code, 2);
  assert.ok(end.stderr.includes('--chek-config') || end.stderr.includes('chek-config'), end.stderr);
});

test('--check-config accepts the documented file, comments included, and starts nothing', async () => {
  const file = configFile(`[server]
listen = 127.0.0.1:8080
threads = 0                # 0: one per core
store = sqlite:./data/recall.db      # or postgresql://user@host/db
bus = local                # or nats://host:4222
[app SampleApp]
client_key = demo-client-key
api_key = demo-api-key
app_key = demo-app-key     # RongCloud dialect
app_secret = demo-app-secret
token_secret = demo-token-secret     # HS256; also token_public_key = FILE (RS256, ES256, EdDSA)
origins = https://chat.example.com
recall_window = 120        # seconds for a message's author; 0: no limit
recall_unseen = off        # or platform: see wire.md, recall-first
broadcast_recalls_per_hour = 2
broadcast_recalls_per_day = 3
`);
  const end = await runToExit(['-c', file, '--check-config']);
  assert.equal(end.code, 0, end.stderr);
  assert.doesNotMatch(end.stdout, /recalld ready/);
});

test('an unknown setting exits 2 and names file, line, setting and the nearest name', async () => {
  await refused('[server]\nlisten = 127.0.0.1:0\n\n[app A]\nclient_key = c\napi_key = k\nrecal_window = 5\n',
    '7', 'recal_window', 'recall_window');
});

test('an unknown section exits 2 and names the nearest section', async () => {
  await refused('[sever]\nlisten = 127.0.0.1:0\n', 'sever', 'server');
});

test('a value of the wrong kind exits 2 and names file, line and setting', async () => {
  await refused('[server]\nlisten = 127.0.0.1:0\nthreads = many\n', '3', 'threads');
  await refused(iniText({ apps: [{ ...APP, recall_window: 'soon' }] }), 'recall_window');
});

test('a missing file exits 2 and names it', async () => {
  const end = await runToExit(['-c', '/nowhere/recalld.conf']);
  assert.equal(end.code, 2);
  assert.ok(end.stderr.includes('/nowhere/recalld.conf'), end.stderr);
});

test('environment settings win over the file, for the server and for an app', async (t) => {
  const server = await ownServer(t, {
    server: { listen: '127.0.0.1:1', store: 'sqlite:./not-used.db' },
    env: { RECALLD_SERVER_LISTEN: '127.0.0.1:0', RECALLD_SERVER_STORE: 'sqlite:./from/env.db',
      RECALLD_APP_SAMPLEAPP_API_KEY: 'key-from-the-environment' },
  });
  assert.ok(fs.existsSync(path.join(server.dir, 'from/env.db')), 'the database of the environment is used');
  assert.ok(!fs.existsSync(path.join(server.dir, 'not-used.db')));
  const body = { _id: 'ann', nickname: 'Ann' };
  checkError(await platform(server, APP).call('POST', '/admin/clients', body), 401, 'INVALID_API_KEY');
  checkOk(await new Api(server.base, { 'IM-API-KEY': 'key-from-the-environment' }).call('POST', '/admin/clients', body));
});

test('a bad value in the environment exits 2 and names the setting', async () => {
  const end = await runToExit(['-c', configFile(iniText())], { env: { RECALLD_SERVER_THREADS: 'many' } });
  assert.equal(end.code, 2, end.stderr);
  assert.match(end.stderr, /threads/i);
});

test('the ready line tells the address; port 0 picks a free port; logs go to standard error', async (t) => {
  const server = await ownServer(t);
  assert.match(server.output(), /^recalld ready http=127\.0\.0\.1:\d+\n$/, 'nothing else on standard output');
  assert.ok(server.port > 0);
  await platform(server, APP).post('/admin/clients', { _id: 'ann', nickname: 'Ann' });
  await server.stop();
  assert.ok(server.logLines().length > 0, 'what happens is logged on standard error');
});

test('a busy port fails the start with exit 1 and a sentence', async (t) => {
  const busy = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => { busy.once('listening', resolve); });
  t.after(() => busy.close());
  const { port } = busy.address();
  for (const threads of [1, 2]) {
    const end = await runToExit(['-c', configFile(iniText({ server: { listen: `127.0.0.1:${port}`, threads } }))]);
    assert.equal(end.code, 1, end.stderr);
    assert.ok(end.stderr.includes(String(port)), `the sentence names the address: ${end.stderr}`);
    assert.doesNotMatch(end.stdout, /ready/);
  }
});

test('a port held by another recalld is busy too', async (t) => {
  const first = await ownServer(t, { server: { threads: 2 } });
  const end = await runToExit(['-c', configFile(iniText({ server: { listen: `127.0.0.1:${first.port}`, threads: 2 } }))]);
  assert.equal(end.code, 1, end.stderr);
});

test('a second process on the same database is refused with a clear message; the first goes on', async (t) => {
  const first = await ownServer(t);
  const end = await runToExit(['-c', first.configFile], { cwd: first.dir });
  assert.ok(end.code === 1 || end.code === 2, `code ${end.code}: ${end.stderr}`);
  assert.match(end.stderr, /recall\.db/, 'the message names the file');
  await platform(first, APP).post('/admin/clients', { _id: 'ann', nickname: 'Ann' });
});

test('the folder of an SQLite file is created, relative to the working directory', async (t) => {
  const server = await ownServer(t, { server: { store: 'sqlite:./deep/er/recall.db' } });
  assert.ok(fs.existsSync(path.join(server.dir, 'deep/er/recall.db')));
});

test('SIGINT ends the server as SIGTERM does, with exit 0', async (t) => {
  const server = await ownServer(t);
  await server.stop({ signal: 'SIGINT' });
});

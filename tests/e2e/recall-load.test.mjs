// recall-load: every scenario against the real server, what it writes, its exit status, and that it notices each broken promise.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { APP, BIN, LONG, cleanEnv, fileServer, platform, tempDir, test } from './lib/suite.mjs';
import { FakeGateway } from './lib/fake-gateway.mjs';

const LOAD = process.env.RECALL_LOAD_BIN ?? path.join(path.dirname(BIN), '../clients/load/recall-load');
const SCENARIOS = ['fanout', 'rooms', 'resume', 'slow', 'connect', 'mixed', 'soak'];
const server = await fileServer();

/** Runs recall-load to its end: {code, stdout, stderr}; `during` gets the process once it runs. */
function load(args, { ms = 50000, during } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(LOAD, args, { env: cleanEnv(), stdio: ['ignore', 'pipe', 'pipe'] });
    const end = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (data) => { end.stdout += data; });
    child.stderr.on('data', (data) => { end.stderr += data; });
    child.on('error', reject);
    const timer = setTimeout(() => child.kill('SIGKILL'), ms);
    child.on('close', (code) => {
      clearTimeout(timer);
      if (/ERROR: \w+Sanitizer|runtime error:/.test(end.stderr)) reject(new Error(end.stderr));
      else resolve({ ...end, code });
    });
    during?.(child);
  });
}

const at = (base, ...more) => ['--url', base, '--api-key', APP.api_key, '--client-key', APP.client_key,
  '--connections', '20', '--rooms', '4', '--rate', '40', '--duration', '1s', ...more];
const shown = ({ code, stdout, stderr }) => `exit ${code}\n${stdout}\n${stderr}`;

async function good(args, options) {
  const end = await load(args, options);
  assert.equal(end.code, 0, shown(end));
  return end;
}

/** A run with --json that must end with `code`; its figures. */
async function figures(code, args, options) {
  const file = path.join(tempDir('load'), 'run.json');
  const end = await load([...args, '--json', file], options);
  assert.equal(end.code, code, shown(end));
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

for (const scenario of SCENARIOS) {
  test(`${scenario}: everything that was acknowledged reaches everyone, once and in order`, async () => {
    const seconds = { soak: 3, connect: 3, slow: 2, resume: 2 }[scenario] ?? 1;
    // Of some forty calls at the default of 10 % none is a recall once in a hundred times.
    const run = await figures(0, at(server.base, '--scenario', scenario, '--recalls', '30', '--duration', `${seconds}s`));
    assert.equal(run.good, true);
    assert.deepEqual(run.promises, { lost: 0, duplicated: 0, outOfOrder: 0, content: 0, foreign: 0 });
    assert.equal(run.counts.events, run.counts.messages + run.counts.recalls, JSON.stringify(run.counts));
    assert.ok(run.counts.events >= 35 && run.counts.recalls > 0, JSON.stringify(run.counts));
    assert.equal(run.options.scenario, scenario);
    const { connections, rooms } = run.options;
    if (scenario !== 'connect') assert.equal(run.counts.deliveries + run.counts.replayed, run.counts.events * (connections / rooms), JSON.stringify(run));
    if (scenario === 'resume') {
      assert.equal(run.latencyMS.resume.count, connections);
      assert.ok(run.counts.replayed > 0, 'events were missed and came behind the cursor');
    }
    if (scenario === 'connect') assert.ok(run.counts.upgrades > connections, `${run.counts.upgrades} upgrades`);
    if (scenario === 'mixed') assert.ok(run.counts.typing > 0 && run.counts.signals > 0 && run.counts.acks > 0, JSON.stringify(run.counts));
    assert.ok(run.server.pid === server.pid && run.server.rssBytesMost > 1e6, JSON.stringify(run.server));
  });
}

test('a closed loop goes on as soon as everybody has the event', async () => {
  const args = at(server.base, '--scenario', 'fanout', '--loop', 'closed', '--in-flight', '4').filter((one, i, all) => one !== '--rate' && all[i - 1] !== '--rate');
  const run = await figures(0, args);
  assert.equal(run.options.loop, 'closed');
  assert.ok(run.counts.events > 8 && run.latencyMS.last.count === run.counts.events, JSON.stringify(run.counts));
});

test('the table says what was measured, --json - leaves standard output to the figures', async () => {
  const table = await good(at(server.base));
  for (const word of ['deliveries', 'commit', 'first subscriber', 'last subscriber', 'p99.9', 'lost 0', 'duplicated 0', 'out of order 0', 'memory', 'verdict       good']) {
    assert.ok(table.stdout.includes(word), `${word}: ${table.stdout}`);
  }
  const json = await good(at(server.base, '--json', '-'));
  assert.equal(JSON.parse(json.stdout).good, true);
  assert.ok(json.stderr.includes('verdict'), 'the table is on standard error then');
});

test('the page stands alone: plots inline, no script, nothing loaded', async () => {
  const file = path.join(tempDir('load'), 'run.html');
  await good(at(server.base, '--duration', '2500ms', '--html', file));
  const page = fs.readFileSync(file, 'utf8');
  assert.ok(page.startsWith('<!doctype html>') && page.trimEnd().endsWith('</html>'));
  assert.ok(page.split('<svg').length - 1 >= 4, 'plots');
  assert.doesNotMatch(page, /<script|<link|<img|url\(|https?:\/\/(?!127\.0\.0\.1)/);
  assert.match(page, /prefers-color-scheme:dark/);
  for (const tag of ['svg', 'figure', 'div', 'table', 'main']) {
    assert.equal(page.split(`<${tag}`).length, page.split(`</${tag}>`).length, `<${tag}> is closed as often as opened`);
  }
  assert.doesNotMatch(page, /[^a-z]nan[^a-z]|[^a-z]inf[^a-z]/i);
});

test('a limit that is not kept exits 1 and is named', async () => {
  const end = await load(at(server.base, '--slo', 'p50=1ns,lost=0'));
  assert.equal(end.code, 1, shown(end));
  assert.match(end.stdout, /slo +p50 .*BROKEN/);
  assert.match(end.stdout, /slo +lost .*kept/);
});

test('what it made is cleaned up: tokens, members, messages', async () => {
  const { run } = await figures(0, at(server.base, '--scenario', 'rooms'));
  const api = platform(server, APP);
  const room = await api.get(`/rooms/load-${run}-r0`);
  assert.deepEqual(room.members, []);
  const messages = await api.history(`load-${run}-r0`, '?limit=100');
  assert.ok(messages.data.every((one) => one.message === ''), JSON.stringify(messages.data).slice(0, 500));
  const kept = await figures(0, at(server.base, '--scenario', 'rooms', '--keep'));
  assert.equal((await api.get(`/rooms/load-${kept.run}-r0`)).members.length, 5);
});

test('Ctrl-C ends the load and reports what there is', async () => {
  const end = await load(at(server.base, '--duration', '60s'), { during: (child) => setTimeout(() => child.kill('SIGINT'), 4000) });
  assert.equal(end.code, 0, shown(end));
  assert.match(end.stdout, /stopped by a signal/);
  assert.match(end.stdout, /events +[1-9]/);
});

test('many source addresses share the connections', async () => {
  const run = await figures(0, at(server.base, '--source-addresses', '5'));
  assert.equal(run.options.sourceAddresses, 5);
});

// --- what keeps it from running: exit 2, a sentence that says what to do ---

async function unusable(args, ...words) {
  const end = await load(args);
  assert.equal(end.code, 2, shown(end));
  for (const word of words) assert.ok(end.stderr.includes(word), `"${word}" must be said: ${end.stderr}`);
}

test('a wrong platform key is explained', () => unusable(at(server.base, '--api-key', 'wrong'), '--api-key', '401'));
test('a wrong client key is explained', () => unusable(at(server.base, '--client-key', 'wrong'), '--client-key'));
test('https is explained', () => unusable(at('https://127.0.0.1:1'), 'TLS', 'http://'));
test('another machine needs --yes-remote', () => unusable(at('http://192.0.2.1:80'), '--yes-remote'));
test('an unknown option is named', () => unusable(at(server.base, '--conections', '5'), '--conections'));
test('a file that cannot be written is named before the run', () => unusable(at(server.base, '--html', '/nowhere/x.html'), '/nowhere/x.html'));

test('a refused port is explained', async () => {
  const closed = net.createServer();
  await new Promise((resolve) => { closed.listen(0, '127.0.0.1', resolve); });
  const { port } = closed.address();
  await new Promise((resolve) => { closed.close(resolve); });
  await unusable(at(`http://127.0.0.1:${port}`), 'refused', '--url');
});

test('a server that is no recalld is explained', async (t) => {
  const other = net.createServer((socket) => { socket.on('error', () => {}); socket.on('data', () => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')); });
  await new Promise((resolve) => { other.listen(0, '127.0.0.1', resolve); });
  t.after(() => other.close());
  await unusable(at(`http://127.0.0.1:${other.address().port}`), 'recalld');
});

test('too many connections for the limit of files are explained with ulimit', async () => {
  const end = await new Promise((resolve) => {
    const child = spawn('bash', ['-c', `ulimit -n 100 && exec ${LOAD} "$@"`, 'sh', ...at(server.base, '--connections', '500')], { env: cleanEnv() });
    let stderr = '';
    child.stderr.on('data', (data) => { stderr += data; });
    child.on('close', (code) => resolve({ code, stderr }));
  });
  assert.equal(end.code, 2, end.stderr);
  assert.match(end.stderr, /ulimit -n \d+/);
});

test('--help names every option and every limit, --version the program', async () => {
  const { stdout } = await good(['--help']);
  for (const word of ['--url', '--api-key', '--client-key', '--connections', '--rooms', '--rate', '--duration', '--scenario', '--loop', '--in-flight',
    '--source-addresses', '--json', '--html', '--slo', '--yes-remote', '--keep', 'p999', 'rss-slope', ...SCENARIOS]) {
    assert.ok(stdout.includes(word), word);
  }
  assert.match((await good(['--version'])).stdout, /^recall-load \d+\.\d+/);
});

// --- a gateway that breaks a promise: exit 1, and the count says which ---

/** A run against a gateway with this fault; its figures. */
async function against(t, code, how, ...more) {
  const fake = await FakeGateway.start(how);
  t.after(() => fake.stop());
  return figures(code, at(fake.base, '--scenario', 'rooms', ...more));
}
const isTwelfth = (place) => place.nth === 1 && place.event === 12;

test('a gateway that keeps its promises is found good, in whatever order its JSON stands', async (t) => {
  assert.equal((await against(t, 0, {})).good, true);
  const run = await against(t, 0, { unordered: true });
  assert.ok(run.counts.deliveries > 100, JSON.stringify(run.counts));
});

test('one lost delivery is noticed', async (t) => {
  const run = await against(t, 1, { fault: (frame, place) => (isTwelfth(place) ? [] : [frame]) });
  assert.deepEqual(run.promises, { lost: 1, duplicated: 0, outOfOrder: 0, content: 0, foreign: 0 });
  assert.ok(run.notes.some((note) => note.startsWith('First broken promise')), JSON.stringify(run.notes));
});

test('an acknowledged event that nobody ever gets is noticed, though no number is missing', async (t) => {
  let taken = false;
  const run = await against(t, 1, { acknowledge: (events) => { if (events !== 12 || taken) return true; taken = true; return false; } }, '--recalls', '0');
  assert.equal(run.promises.lost, 5, JSON.stringify(run.promises));
});

test('one repeated delivery is noticed', async (t) => {
  const run = await against(t, 1, { fault: (frame, place) => (isTwelfth(place) ? [frame, frame] : [frame]) });
  assert.deepEqual(run.promises, { lost: 0, duplicated: 1, outOfOrder: 0, content: 0, foreign: 0 });
});

test('two deliveries in the wrong order are noticed', async (t) => {
  let held = null; // of the device that is the first to get a third event
  // One room, so that a fourth comes for sure; no recalls: a message behind its own would be another fault.
  const run = await against(t, 1, { fault: (frame, { nth }) => {
    if (frame.seq === 3 && held === null) { held = { nth, frame }; return []; }
    return frame.seq === 4 && held?.nth === nth && held.frame.room === frame.room ? [frame, held.frame] : [frame];
  } }, '--recalls', '0', '--rooms', '1', '--connections', '5');
  assert.deepEqual(run.promises, { lost: 0, duplicated: 0, outOfOrder: 1, content: 0, foreign: 0 });
});

test('content of a recalled message behind its recall is noticed', async (t) => {
  const texts = new Map();
  let leaked = 0;
  const run = await against(t, 1, { fault: (frame, { nth }) => {
    if (frame.type === 'message') texts.set(frame.message._id, frame.message.message);
    if (frame.type !== 'recall' || nth !== 2 || leaked > 0) return [frame];
    leaked += 1;
    return [{ ...frame, lastMessage: { _id: frame.message._id, message: texts.get(frame.message._id) } }];
  } }, '--recalls', '40');
  assert.equal(run.promises.content, 1, JSON.stringify(run.promises));
});

test('an event of a room that was not subscribed is noticed', async (t) => {
  const run = await against(t, 1, { fault: (frame, place) => (isTwelfth(place) ? [frame, { ...frame, room: 'elsewhere' }] : [frame]) });
  assert.equal(run.promises.foreign, 1);
});

if (LONG) {
  test('2,000 connections, all scenarios', async () => {
    for (const scenario of SCENARIOS) {
      await figures(0, at(server.base, '--scenario', scenario, '--connections', '2000', '--rooms', '20', '--duration', '10s'), { ms: 90000 });
    }
  }, { timeout: 900000 });
}

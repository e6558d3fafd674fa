// Starts and stops the real recalld. Every server has its own folder (configuration, database, log), listens on a free
// port of 127.0.0.1 and dies with the test process, however that ends (setpriv --pdeathsig).
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const BIN = process.env.RECALLD_BIN ?? path.join(ROOT, 'build/asan/gateway/recalld');
// tests/run gives a folder whose logs it searches and shows; alone, the tests make one.
const LOGS = process.env.RECALLD_TEST_LOGS ?? fs.mkdtempSync(path.join(os.tmpdir(), 'recalld-tests-'));
const SANITIZER = /ERROR: (Address|Leak|Thread|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error:/;
const READY = /^recalld ready http=(\S+):(\d+)\s*$/m;

export const APP = Object.freeze({
  name: 'SampleApp',
  client_key: 'test-client-key',
  api_key: 'test-api-key-4f1d',
  app_key: 'test-app-key',
  app_secret: 'test-app-secret-9a0b',
  token_secret: 'test-token-secret-77c1e2',
  recall_window: 120,
});
export const OTHER_APP = Object.freeze({
  name: 'OtherApp',
  client_key: 'other-client-key',
  api_key: 'other-api-key-81aa',
  app_key: 'other-app-key',
  app_secret: 'other-app-secret-5c3d',
  token_secret: 'other-token-secret-31d0aa',
});

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** CPU seconds that a process has used. */
export function cpuSeconds(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Calls `probe` until it answers something true; its last answer, or an error after `ms`. */
export async function eventually(what, probe, ms = 8000) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(40);
  }
}

let folders = 0;
/** A fresh folder that stays for looking at after a failure. */
export function tempDir(label = 'server') {
  folders += 1;
  const base = path.basename(process.argv[1] ?? 'node', '.test.mjs');
  const dir = path.join(LOGS, `${base}-${process.pid}-${folders}-${label}`);
  fs.mkdirSync(dir, { recursive: true });
  return dir;
}

/** The text of a configuration file. `server` replaces defaults; a value of undefined leaves a line out. */
export function iniText({ server = {}, apps = [APP] } = {}) {
  const settings = { listen: '127.0.0.1:0', threads: 1, store: 'sqlite:./data/recall.db', ...server };
  const section = (head, values) => [`[${head}]`, ...Object.entries(values)
    .filter(([, value]) => value !== undefined).map(([key, value]) => `${key} = ${value}`)].join('\n');
  return [section('server', settings), ...apps.map(({ name, ...rest }) => section(`app ${name}`, rest)), ''].join('\n');
}

/** The environment of a server: ours without any RECALLD_ setting, plus what is given. */
export function cleanEnv(extra = {}) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('RECALLD_')));
  return {
    ...env,
    ASAN_OPTIONS: 'detect_leaks=1:exitcode=99:abort_on_error=0:detect_stack_use_after_return=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    ...extra,
  };
}

const bounded = (binary, args) => ['setpriv', ['--pdeathsig', 'KILL', '--', binary, ...args]];

/** Runs recalld to its end: {code, stdout, stderr}. Killed, with code null, after `ms`. */
export function runToExit(args, { env, cwd = tempDir('exit'), ms = 20000, binary = BIN } = {}) {
  return new Promise((resolve, reject) => {
    const [command, all] = bounded(binary, args);
    const child = spawn(command, all, { cwd, env: cleanEnv(env), stdio: ['ignore', 'pipe', 'pipe'] });
    const out = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (data) => { out.stdout += data; });
    child.stderr.on('data', (data) => { out.stderr += data; });
    const timer = setTimeout(() => child.kill('SIGKILL'), ms);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      fs.writeFileSync(path.join(cwd, 'exit.log'), out.stderr);
      if (SANITIZER.test(out.stderr)) reject(new Error(`sanitizer report:\n${out.stderr}`));
      else resolve({ ...out, code });
    });
  });
}

const running = new Set();

class Server {
  constructor({ child, dir, logFile, outFile, configFile }) {
    Object.assign(this, { child, dir, logFile, outFile, configFile, pid: child.pid });
    this.ended = new Promise((resolve) => {
      child.on('exit', (code, signal) => { running.delete(this); resolve({ code, signal }); });
    });
    running.add(this);
  }

  log() { return fs.readFileSync(this.logFile, 'utf8'); }
  output() { return fs.readFileSync(this.outFile, 'utf8'); }
  logLines() { return this.log().split('\n').filter(Boolean); }
  alive() { return running.has(this); }
  signal(name) { process.kill(this.pid, name); }

  async ready(ms) {
    let ended = null;
    this.ended.then((end) => { ended = end; });
    await eventually('the line "recalld ready …" on standard output', () => {
      if (ended) throw new Error(`recalld ended (${JSON.stringify(ended)}) before it was ready:\n${this.log()}`);
      return READY.test(this.output());
    }, ms);
    const [, host, port] = READY.exec(this.output());
    Object.assign(this, { host, port: Number(port), base: `http://${host}:${port}`, ws: `ws://${host}:${port}/ws` });
  }

  /** Asks the server to leave and checks that it left in order: exit 0, no sanitizer report. */
  async stop({ signal = 'SIGTERM', ms = 20000 } = {}) {
    if (!this.alive()) {
      const { code, signal: by } = await this.ended;
      assert.fail(`recalld had ended by itself (code ${code}, signal ${by}):\n${this.log().slice(-4000)}`);
    }
    this.signal(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), ms);
    const { code, signal: by } = await this.ended;
    clearTimeout(timer);
    assert.equal(by, null, `recalld ended by ${by} instead of by itself:\n${this.log().slice(-4000)}`);
    assert.equal(code, 0, `exit code ${code}:\n${this.log().slice(-4000)}`);
    this.checkSanitizers();
  }

  checkSanitizers() {
    const log = this.log();
    const at = log.search(SANITIZER);
    assert.equal(at, -1, `sanitizer report:\n${log.slice(Math.max(0, at - 200), at + 4000)}`);
  }

  async kill9() {
    if (this.alive()) this.signal('SIGKILL');
    await this.ended;
    this.checkSanitizers();
  }
}

/**
 * Starts recalld and waits until it is ready.
 *   server, apps  what the configuration file says (see iniText); `config` is a whole text instead
 *   dir           a folder used before, to start again on its database
 *   args          instead of -c FILE, for example ['--demo']
 *   wrap          a command in front of recalld, for example ['unshare', '-m', …]
 */
export async function startServer({ server, apps, config, dir = tempDir(), args, env, wrap = [], ms = 20000 } = {}) {
  const configFile = path.join(dir, 'recalld.conf');
  if (!args) fs.writeFileSync(configFile, config ?? iniText({ server, apps }));
  const started = fs.readdirSync(dir).filter((name) => name.startsWith('server')).length;
  const logFile = path.join(dir, `server${started}.log`);
  const outFile = path.join(dir, `output${started}.txt`);
  const [command, all] = bounded(BIN, args ?? ['-c', configFile]);
  const line = [...wrap, command, ...all];
  const out = fs.openSync(outFile, 'w');
  const log = fs.openSync(logFile, 'w');
  const child = spawn(line[0], line.slice(1), { cwd: dir, env: cleanEnv(env), stdio: ['ignore', out, log] });
  fs.closeSync(out);
  fs.closeSync(log);
  await new Promise((resolve, reject) => { child.on('spawn', resolve); child.on('error', reject); });
  const self = new Server({ child, dir, logFile, outFile, configFile });
  try {
    await self.ready(ms);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return self;
}

process.on('exit', () => {
  for (const server of running) server.child.kill('SIGKILL');
});

// What a device's sleep and a change of networks do: the connection is looked at, a waiting one tries again.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchWake } from '../dist/wake.js';
import { fakeClock } from './clock.js';
import { clientOf, server } from './harness.js';

/** Gives globalThis the listeners of a browser's window, document and connection; the function fires an event. */
function asBrowser(t: TestContext): { fire(type: string): void; left(): number; document: { visibilityState: string } } {
  const heard = new Map<string, Set<() => void>>();
  const target = {
    addEventListener: (type: string, run: () => void) => heard.set(type, (heard.get(type) ?? new Set()).add(run)),
    removeEventListener: (type: string, run: () => void) => heard.get(type)?.delete(run),
  };
  const document = { ...target, visibilityState: 'visible' };
  const before = new Map<string, PropertyDescriptor | undefined>();
  for (const [name, value] of Object.entries({ ...target, document, navigator: { connection: target } })) {
    before.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  t.after(() => {
    for (const [name, was] of before) {
      if (was) Object.defineProperty(globalThis, name, was);
      else delete (globalThis as Record<string, unknown>)[name];
    }
  });
  return {
    fire: (type) => [...(heard.get(type) ?? [])].forEach((run) => run()),
    left: () => [...heard.values()].reduce((sum, runs) => sum + runs.size, 0),
    document,
  };
}

test('a timer that comes much too late means that the device slept', (t) => {
  const clock = fakeClock(t);
  let woken = 0;
  const stop = watchWake(() => woken++, () => assert.fail('nothing ends'));
  clock.tick(60_000);
  assert.equal(woken, 0);
  clock.sleep(3_600_000);
  clock.tick(5000);
  assert.equal(woken, 1);
  clock.tick(60_000);
  assert.equal(woken, 1, 'once');
  stop();
  clock.sleep(3_600_000);
  clock.tick(60_000);
  assert.equal(woken, 1);
});

test('a browser\'s events wake, a page that may end is told so, and all listeners can be taken away', (t) => {
  const browser = asBrowser(t);
  const heard: string[] = [];
  const stop = watchWake(() => heard.push('wake'), () => heard.push('leave'));
  for (const type of ['online', 'offline', 'pageshow', 'visibilitychange', 'resume', 'change']) browser.fire(type);
  assert.deepEqual(heard.splice(0), Array(6).fill('wake'));
  browser.document.visibilityState = 'hidden';
  for (const type of ['visibilitychange', 'pagehide', 'freeze']) browser.fire(type);
  assert.deepEqual(heard, ['leave', 'leave', 'leave']);
  stop();
  assert.equal(browser.left(), 0);
});

test('a socket that died in silence is found after a wake, and the client heals', async (t) => {
  const browser = asBrowser(t);
  const client = clientOf({ pongTimeoutMS: 100 });
  await client.connect();
  await client.subscribe(['r']);
  const first = server.last;
  await server.until(() => first.of('ping').length === 1, 'the first ping');
  server.onFrame = (peer) => peer === first;
  await sleep(30);
  assert.equal(client.state, 'online', 'it does not know yet');
  browser.fire('online');
  await server.until(() => server.peers.length === 2 && server.last.of('subscribe').length === 1, 'the second connection');
  client.close();
  assert.equal(browser.left(), 0);
});

test('a wake shortens a long wait for the next attempt', async (t) => {
  const browser = asBrowser(t);
  const client = clientOf({ backoff: { minMS: 60_000, maxMS: 60_000 } });
  await client.connect();
  server.last.socket.terminate();
  await server.until(() => client.state === 'waiting', 'the wait');
  browser.fire('visibilitychange');
  await server.until(() => server.peers.length === 2 && client.state === 'online', 'the next attempt');
});

// Time under the test's control: timers and Date.now. Node 18's own mock has no clock.
import type { TestContext } from 'node:test';

export interface Clock {
  /** Lets `ms` pass and runs what becomes due, in order. */
  tick(ms: number): void;
  /** Lets `ms` pass without any timer running, as in a device's sleep. */
  sleep(ms: number): void;
}

export function fakeClock(t: TestContext, nowMS = 1_000_000): Clock {
  let now = nowMS;
  let lastId = 0;
  const timers = new Map<number, { due: number; run: () => void }>();
  t.mock.method(Date, 'now', () => now);
  t.mock.method(globalThis, 'setTimeout', (run: () => void, ms = 0) => {
    timers.set(++lastId, { due: now + ms, run });
    return lastId;
  });
  t.mock.method(globalThis, 'clearTimeout', (id: number) => timers.delete(id));
  return {
    tick(ms): void {
      const end = now + ms;
      for (;;) {
        const next = [...timers].filter(([, one]) => one.due <= end).sort((a, b) => a[1].due - b[1].due || a[0] - b[0])[0];
        if (!next) break;
        timers.delete(next[0]);
        now = Math.max(now, next[1].due);
        next[1].run();
      }
      now = end;
    },
    sleep(ms): void {
      now += ms;
      for (const one of timers.values()) one.due += ms;
    },
  };
}

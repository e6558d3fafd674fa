/**
 * What tells that a device slept, came back to the front or changed its network: a socket that looks open may be dead
 * since, and a reconnect timer may have stood still.
 */
import { env, startIdleTimer, stopTimer, type Timer } from './env.js';

/** A look this often; one that comes much later than due means that the device slept. */
const TICK_MS = 5000;
const SLEPT_MS = 15_000;

/** Calls `wake` after each of these, and `leave` when a browser's page may end; returns how to stop that. */
export function watchWake(wake: () => void, leave: () => void): () => void {
  let timer: Timer;
  let lookedMS = Date.now();
  const look = (): void => {
    const now = Date.now();
    const slept = now - lookedMS > SLEPT_MS;
    lookedMS = now;
    timer = startIdleTimer(TICK_MS, look);
    if (slept) wake();
  };
  timer = startIdleTimer(TICK_MS, look);
  const visible = (): void => {
    if (env.document?.visibilityState === 'hidden') leave();
    else wake();
  };
  // React Native has neither of these; its apps call client.wake() from AppState and NetInfo.
  const { document } = env;
  const network = env.navigator?.connection;
  // At `offline` too: a connection that outlived a change of networks need not wait for it to be over.
  for (const name of ['online', 'offline', 'pageshow']) env.addEventListener?.(name, wake);
  env.addEventListener?.('pagehide', leave);
  network?.addEventListener?.('change', wake);
  document?.addEventListener?.('visibilitychange', visible);
  document?.addEventListener?.('resume', wake);
  document?.addEventListener?.('freeze', leave);
  return () => {
    stopTimer(timer);
    for (const name of ['online', 'offline', 'pageshow']) env.removeEventListener?.(name, wake);
    env.removeEventListener?.('pagehide', leave);
    network?.removeEventListener?.('change', wake);
    document?.removeEventListener?.('visibilitychange', visible);
    document?.removeEventListener?.('resume', wake);
    document?.removeEventListener?.('freeze', leave);
  };
}

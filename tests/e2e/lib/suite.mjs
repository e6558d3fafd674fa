// What every test file imports: tests with a time limit, a server for the file or for one test, and the helpers.
import nodeTest, { after } from 'node:test';
import { startServer } from './server.mjs';
import { Device } from './socket.mjs';

export * from './api.mjs';
export * from './raw.mjs';
export * from './server.mjs';
export * from './socket.mjs';

export const LONG = process.env.RECALLD_TEST_LONG === '1';

export function test(name, run, options = {}) {
  return nodeTest(name, { timeout: 60000, ...options }, run);
}

/** A server for all tests of a file; its clean end is part of the file's result. */
export async function fileServer(options) {
  const server = await startServer(options);
  after(async () => {
    Device.closeAll();
    await server.stop();
  });
  return server;
}

/** A server for one test. */
export async function ownServer(t, options) {
  const server = await startServer(options);
  t.after(async () => { if (server.alive()) await server.stop(); });
  return server;
}

// A server and clients of it for each test, ended with it.
import { afterEach, beforeEach } from 'node:test';
import { RecallClient, type RecallClientOptions, type StateInfo } from 'recall-client';
import { WebSocket } from 'ws';
import { FakeServer } from './server.js';

export let server: FakeServer;
let clients: RecallClient[];

beforeEach(async () => {
  server = await FakeServer.start();
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.close();
  await server.stop();
});

/** For a test that ended the first one itself. */
export async function anotherServer(): Promise<void> {
  server = await FakeServer.start();
}

export function clientOf(more: Partial<RecallClientOptions> = {}): RecallClient {
  const client = new RecallClient({
    url: server.url, clientKey: 'key', token: 'tok', WebSocket, backoff: { minMS: 20, maxMS: 100 }, ...more,
  });
  clients.push(client);
  return client;
}

export function statesOf(client: RecallClient): [string, StateInfo][] {
  const states: [string, StateInfo][] = [];
  client.on('state', (state, info) => states.push([state, info]));
  return states;
}

// Limits that an operator sets: sends a second, file descriptors, connections that a flood may not take from others.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { APP, Api, Device, Raw, checkError, cpuSeconds, eventually, head, makeRoom, makeUsers, ownServer, sleep, test } from './lib/suite.mjs';

test('more sends than allowed are 429 with the time to wait; later ones pass', async (t) => {
  const server = await ownServer(t, { apps: [{ ...APP, sends_per_second: 2 }] });
  const { ann } = await makeUsers(server, APP, 'ann');
  const room = await makeRoom(ann);
  const send = () => ann.api.call('POST', `/rooms/${room}/message`, { message: 'x', messageType: 'text' });
  const answers = await Promise.all(Array.from({ length: 30 }, send));
  const refused = answers.filter((answer) => answer.status === 429);
  const passed = answers.filter((answer) => answer.status === 200);
  assert.ok(passed.length >= 1 && refused.length >= 1, `${passed.length} passed, ${refused.length} refused`);
  for (const answer of refused) {
    checkError(answer, 429, 'RATE_LIMIT_EXCEEDED');
    assert.ok(Number(answer.headers['retry-after']) >= 1, answer.headers['retry-after']);
    const { retryAfter } = { ...answer.data.error, ...answer.data };
    assert.ok(Number.isFinite(retryAfter) && retryAfter > 0, JSON.stringify(answer.data));
  }
  await sleep(Number(refused[0].headers['retry-after']) * 1000 + 200);
  assert.equal((await send()).status, 200);
});

test('at the limit of file descriptors the server neither ends nor spins, and takes connections again', async (t) => {
  const server = await ownServer(t, { wrap: ['prlimit', '--nofile=200:200'], server: { threads: 2 } });
  const { ann } = await makeUsers(server, APP, 'ann');
  const room = await makeRoom(ann);
  const device = await Device.follow(server, APP, ann, room);
  const flood = [];
  for (let i = 0; i < 300; i += 1) flood.push(await Raw.open(server));
  await sleep(300);
  const before = cpuSeconds(server.pid);
  await sleep(1500);
  assert.ok(cpuSeconds(server.pid) - before < 0.6, `${cpuSeconds(server.pid) - before} s of CPU in 1.5 s`);
  const sent = await device.do({ op: 'send', room, messageType: 'text', message: 'still here' });
  await device.waitEvent('message', sent._id);
  await device.do({ op: 'recall', room, _id: sent._id });
  for (const raw of flood) raw.end();
  await eventually('a new connection is served', async () => {
    const raw = await Raw.open(server);
    raw.write(head('GET /healthz HTTP/1.1'));
    const status = await raw.status(500);
    raw.end();
    return status === 200;
  });
  assert.equal((await new Api(server.base).call('GET', '/healthz')).status, 200);
});

test('connections leave the reserve of file descriptors alone, however many threads there are', async (t) => {
  const server = await ownServer(t, { wrap: ['prlimit', '--nofile=400:400'], server: { threads: 24, reserve_fds: 8 } });
  const flood = [];
  for (let i = 0; i < 400; i += 1) flood.push(await Raw.open(server));
  await sleep(500);
  const open = fs.readdirSync(`/proc/${server.pid}/fd`).length;
  assert.ok(open > 350 && open <= 400 - 8, `${open} are open`);
  for (const raw of flood) raw.end();
});

test('a flood of requests on one connection gets its answers', async (t) => {
  const server = await ownServer(t);
  const { ann } = await makeUsers(server, APP, 'ann');
  const room = await makeRoom(ann);
  const answers = await Promise.all(Array.from({ length: 400 }, () => ann.api.call('GET', `/rooms/${room}`)));
  for (const answer of answers) assert.ok([200, 503].includes(answer.status), JSON.stringify(answer.data));
  assert.ok(answers.some((answer) => answer.status === 200));
});

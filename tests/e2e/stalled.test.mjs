// A reader that takes nothing: it costs the others nothing, is closed after stall_timeout, and can resume without a gap.
import assert from 'node:assert/strict';
import { APP, Device, checkOrder, makeRoom, makeUsers, ownServer, sleep, test } from './lib/suite.mjs';

const LARGE = 'x'.repeat(60000);

test('a stalled reader delays nobody, is closed after stall_timeout, and resumes where it stood', async (t) => {
  const server = await ownServer(t, { server: { threads: 1, stall_timeout: 4, max_body: 262144 } });
  const { ann, ben, cho } = await makeUsers(server, APP, 'ann', 'ben', 'cho');
  const room = await makeRoom(ann, [ben, cho]);
  const quick = await Device.follow(server, APP, cho, room);
  const stalled = await Device.follow(server, APP, ben, room, { device: 'stalled' });
  const { epoch, seq } = stalled.positions[room];
  stalled.ws._socket.pause();
  let slowest = 0;
  for (let n = 0; n < 250; n += 1) { // 15 MB: more than the kernel takes
    const began = Date.now();
    const { _id: id } = await ann.api.send(room, `${n} ${LARGE}`);
    await quick.waitEvent('message', id);
    slowest = Math.max(slowest, Date.now() - began);
  }
  assert.ok(slowest < 3500, `an event took ${slowest} ms to reach the other reader`); // it does not wait for stall_timeout
  await sleep(9000);
  stalled.ws._socket.resume();
  await stalled.closedWith([1013, 1006], 10000);
  const got = stalled.events(undefined, room);
  checkOrder(got, seq);
  assert.ok(got.length < 250);
  const back = await Device.login(server, APP, ben, { device: 'stalled' });
  const since = got.length ? got.at(-1).seq : seq;
  await back.do({ op: 'subscribe', rooms: [{ room, epoch, since }] }, 20000);
  checkOrder(back.events(undefined, room), since);
  assert.equal(got.length + back.events(undefined, room).length, 250);
}, { timeout: 90000 });

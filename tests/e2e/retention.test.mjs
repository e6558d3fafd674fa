// How far a room's log reaches back, and that whoever is further behind is told so.
import assert from 'node:assert/strict';
import { APP, Device, checkOrder, listOf, makeRoom, makeUsers, ownServer, test } from './lib/suite.mjs';

async function longRoom(t, retention) {
  const server = await ownServer(t, { apps: [{ ...APP, ...retention }] });
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const room = await makeRoom(ann, [ben]);
  for (let n = 0; n < 40; n += 1) await ann.api.send(room, `m${n}`);
  const { seq, epoch } = await ann.api.get(`/rooms/${room}/events?since=1000000`);
  return { server, ann, ben, room, head: seq, epoch };
}

test('retention_count: a cursor before what is kept gets a reset, one within gets every event', async (t) => {
  const { server, ann, ben, room, head, epoch } = await longRoom(t, { retention_count: 10 });
  const old = await ann.api.get(`/rooms/${room}/events?since=1`);
  assert.deepEqual([old.events, old.reset], [[], { epoch, seq: head }]);
  const kept = await ann.api.get(`/rooms/${room}/events?since=${head - 10}`);
  checkOrder(kept.events, head - 10);
  assert.equal(kept.events.length, 10);

  const device = await Device.login(server, APP, ben);
  await device.do({ op: 'subscribe', rooms: [{ room, epoch, since: 1 }] });
  const reset = await device.waitFor((frame) => frame.op === 'reset');
  assert.deepEqual([reset.room, reset.epoch, reset.seq], [room, epoch, head]);
  assert.deepEqual(device.events(undefined, room), []);
  await device.barrier(ann.api, room);
  checkOrder(device.events(undefined, room), head);
  assert.equal(listOf(await ann.api.history(room, '?limit=100')).length, 41, 'the messages themselves stay');
});

test('without a retention the log reaches back to its first event', async (t) => {
  const { ann, room, head } = await longRoom(t, {});
  const all = await ann.api.get(`/rooms/${room}/events?since=0`);
  checkOrder(all.events, 0);
  assert.equal(all.events.length, head);
});

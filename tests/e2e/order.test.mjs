// Several edge threads, many senders: every device sees every event of a room in one order, without gap or repeat.
import assert from 'node:assert/strict';
import { APP, Device, LONG, checkOrder, fileServer, makeRoom, makeUsers, test } from './lib/suite.mjs';

const server = await fileServer({ server: { threads: 2 } });
const users = await makeUsers(server, APP, 'ann', 'ben', 'cho', 'dan');
const everyone = Object.values(users);
const ROUNDS = LONG ? 200 : 25;

test('ten devices on two threads see the same events in the same order', async () => {
  const room = await makeRoom(users.ann, everyone.slice(1));
  const devices = [];
  for (let i = 0; i < 10; i += 1) devices.push(await Device.follow(server, APP, everyone[i % 4], i % 3 ? room : 'all', { device: `o${i}` }));
  const sent = [];
  await Promise.all(everyone.map(async (user, lane) => {
    for (let i = 0; i < ROUNDS; i += 1) {
      const message = await user.api.send(room, `${lane}:${i}`);
      sent.push(message._id);
      if (i % 5 === 4) await user.api.recall(room, message._id);
    }
  }));
  for (const device of devices) await device.barrier(users.ann.api, room);
  const reference = devices[0].events(undefined, room);
  for (const device of devices) {
    const events = device.events(undefined, room).slice(0, reference.length);
    checkOrder(events, device.positions[room].seq);
    events.forEach((event, index) => {
      assert.deepEqual([event.seq, event.type, event.message._id], [reference[index].seq, reference[index].type, reference[index].message._id]);
    });
    const delivered = new Set(device.events('message', room).map((event) => event.message._id));
    for (const id of sent) assert.ok(delivered.has(id), `${id} was never delivered`);
    assert.equal(device.events('recall', room).length, 4 * (ROUNDS / 5));
  }
});

test('each sender\'s own order is kept', async () => {
  const room = await makeRoom(users.ann, everyone.slice(1));
  const reader = await Device.follow(server, APP, users.dan, room);
  const author = await Device.login(server, APP, users.ann);
  const answers = [];
  for (let i = 0; i < 100; i += 1) answers.push(author.request({ op: 'send', room, messageType: 'text', message: String(i) }));
  await Promise.all(answers);
  await reader.barrier(users.ann.api, room);
  assert.deepEqual(reader.events('message', room).map((event) => event.message.message), [...Array(100).keys()].map(String).concat('mark'));
});

test('who subscribes in the middle of traffic gets everything after its seq', async () => {
  const room = await makeRoom(users.ann, everyone.slice(1));
  let going = true;
  const traffic = Promise.all(everyone.slice(0, 2).map(async (user) => {
    for (let i = 0; going; i += 1) await user.api.send(room, String(i));
  }));
  const devices = [];
  for (let i = 0; i < 8; i += 1) devices.push(await Device.follow(server, APP, users.cho, i % 2 ? room : 'all', { device: `m${i}` }));
  going = false;
  await traffic;
  for (const device of devices) {
    await device.barrier(users.ann.api, room);
    checkOrder(device.events(undefined, room), device.positions[room].seq);
  }
});

test('after its answer a recalled content enters no connection', async () => {
  const room = await makeRoom(users.ann, everyone.slice(1));
  const readers = await Promise.all(['ben', 'cho', 'dan'].map((id) => Device.follow(server, APP, users[id], room)));
  for (let i = 0; i < ROUNDS; i += 1) {
    const { _id: id } = await users.ann.api.send(room, `gone ${i}`);
    await users.ann.api.recall(room, id);
    const late = await Device.follow(server, APP, users.ben, room, { device: 'late' });
    assert.ok(!JSON.stringify([late.frames, await users.ben.api.history(room)]).includes(`gone ${i}"`));
    await late.close();
  }
  for (const reader of readers) {
    await reader.barrier(users.ann.api, room);
    for (const frame of reader.events('recall', room)) assert.ok(!JSON.stringify(frame).includes('gone '));
    const kinds = reader.events(undefined, room).filter((event) => event.message.message !== 'mark');
    checkOrder(kinds, reader.positions[room].seq);
  }
});

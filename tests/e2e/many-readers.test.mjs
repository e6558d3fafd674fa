// A room of many on one thread, in one system call for all of a slice and in one each: nobody's reading is anybody else's matter.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import { APP, Device, checkOrder, makeRoom, makeUsers, ownServer, test } from './lib/suite.mjs';

const LARGE = 'x'.repeat(64000); // 16 of them go into one call
const READERS = 38;
const STALLED = [0, 33, 34, 37]; // between them stand some for two calls, and some for a call each

/** Whether this kernel has io_uring as it is used, and lets this process have it. */
function mayRing() {
  const read = (file) => { try { return fs.readFileSync(file, 'utf8'); } catch { return ''; } };
  const [major, minor] = os.release().split('.').map(Number);
  return (major > 6 || (major === 6 && minor >= 1)) && /^0?$/.test(read('/proc/sys/kernel/io_uring_disabled').trim())
    && /^Seccomp:\s+0$/m.test(read('/proc/self/status'));
}

for (const setting of ['on', 'off']) {
  test(`with io_uring ${setting}: who stalls in a room of ${READERS} misses nothing in the end, and who reads waits for nobody`, async (t) => {
    const server = await ownServer(t, { server: { threads: 1, io_uring: setting, max_body: 262144 } });
    const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
    const room = await makeRoom(ann, [ben]);
    const devices = [];
    for (let n = 0; n < READERS; n += 1) devices.push(await Device.follow(server, APP, ben, room, { device: `d${n}` }));
    const { seq } = devices[0].positions[room];
    const reading = devices.filter((_, n) => !STALLED.includes(n));
    for (const n of STALLED) devices[n].ws._socket.pause();
    const sent = [];
    for (let n = 0; n < 235; n += 1) { // 15 MB for each: more than the kernel takes
      sent.push((await ann.api.send(room, `${n} ${LARGE}`))._id);
      await Promise.all(reading.map((device) => device.waitEvent('message', sent.at(-1))));
    }
    await ann.api.recall(room, sent.at(-1)); // those who stall have not got it
    await Promise.all(reading.map((device) => device.waitEvent('recall', sent.at(-1))));
    for (const n of STALLED) devices[n].ws._socket.resume();
    await Promise.all(devices.map((device) => device.waitEvent('recall', sent.at(-1), 60000)));
    devices.forEach((device, n) => {
      checkOrder(device.events(undefined, room), seq);
      const got = device.events('message', room);
      assert.ok(got.every(({ message }, i) => message._id === sent[i]) && got.length === sent.length, `device ${n} got others`);
      assert.equal(JSON.stringify(got.at(-1)).includes(LARGE), !STALLED.includes(n), `device ${n}: the recalled one`);
    });
    assert.ok(server.log().includes(setting === 'on' && mayRing() ? '"by":"io_uring"' : '"by":"send"'), server.log());
  }, { timeout: 120000 });
}

// Run inside ./narrow: a device whose address disappears from the network, as a phone's does in a tunnel: no FIN, no RST, nothing. Exit 77: not
// possible here.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { APP, Device, eventually, makeRoom, makeUsers, startServer } from '../e2e/lib/suite.mjs';

if (process.env.FAULTS_NARROW !== '1') {
  console.log('no right to make a network of its own');
  process.exit(77);
}
const ip = (...args) => execFileSync('ip', args);
ip('addr', 'add', '10.99.0.2/32', 'dev', 'lo');
const server = await startServer({ server: { ping_interval: 1, ping_timeout: 2 } });
const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
const room = await makeRoom(ann, [ben]);
const stays = await Device.follow(server, APP, ann, room);
const phone = await Device.follow(server, APP, ben, room, { device: 'phone', localAddress: '10.99.0.2' });
const { epoch } = phone.positions[room];
const connections = async () => Number(/^recalld_connections (\d+)/m.exec(await (await fetch(`${server.base}/metrics`)).text())[1]);
const first = await ann.api.send(room, 'before');
await phone.waitEvent('message', first._id);
const seq = phone.events(null, room).at(-1).seq;
assert.equal(await connections(), 2);

const start = Date.now();
ip('addr', 'del', '10.99.0.2/32', 'dev', 'lo');
const missed = [];
for (let i = 0; i < 30; i += 1) missed.push((await ann.api.send(room, `missed ${i} ${'m'.repeat(3000)}`))._id);
await ann.api.recall(room, missed[0]);
await stays.waitEvent('recall', missed[0]);
await eventually('the server has dropped it', async () => await connections() === 1, 15000);
const seconds = (Date.now() - start) / 1000;
assert.ok(seconds > 1.5 && seconds < 8, `dropped after ${seconds} s`); // by the default of ping_timeout it would be 8 at least
assert.ok(stays.stillOpen(), 'the other device is there');
phone.ws.terminate();

const back = await Device.login(server, APP, ben, { device: 'phone' });
await back.do({ op: 'subscribe', rooms: [{ room, epoch, since: seq }] });
await back.waitEvent('recall', missed[0]);
const events = back.events(null, room);
assert.deepEqual(events.map((event) => event.message._id), [...missed, missed[0]]);
assert.ok(!JSON.stringify(back.frames).includes('missed 0 '), 'what was recalled meanwhile does not come');
await back.close();
await stays.close();
await server.stop();
console.log(`dropped after ${seconds.toFixed(1)} s, resumed with ${events.length} events`);
process.exit(0);

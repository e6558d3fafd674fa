// One edge thread, and far more sockets ready than it can look at in a moment: what is live still gets its turn, and nothing is mixed up.
import assert from 'node:assert/strict';
import { APP, Device, Raw, cpuSeconds, fileServer, head, makeRoom, makeUsers, newId, platform, sleep, test, upgradeLines } from './lib/suite.mjs';

const server = await fileServer({ server: { threads: 1 } });
const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
const room = await makeRoom(ann, [ben]);
const DEVICES = 40;
const FRAMES = 60;

/** Has every device send FRAMES pings at once; resolves when each has its FRAMES pongs, in order. */
async function flood(devices) {
  for (const device of devices) {
    device.ws._socket.cork();
    for (let i = 0; i < FRAMES; i += 1) device.sendFrame({ op: 'ping', id: 100 + i });
    device.ws._socket.uncork();
  }
  await Promise.all(devices.map((device) => device.waitFor((frame) => frame.op === 'pong' && frame.id === 99 + FRAMES, { ms: 30000 })));
  for (const device of devices) {
    const pongs = device.frames.filter((frame) => frame.op === 'pong').map((frame) => frame.id);
    assert.deepEqual(pongs, Array.from({ length: FRAMES }, (_, i) => 100 + i));
    device.frames = device.frames.filter((frame) => frame.op !== 'pong');
  }
}

test('calls are answered, and events delivered once and in order, while many devices send at once', async () => {
  const devices = await Promise.all(Array.from({ length: DEVICES }, (_, i) => Device.follow(server, APP, ben, [room], { device: `d${i}` })));
  const admin = platform(server, APP);
  const floods = flood(devices);
  const sent = [];
  for (let i = 0; i < 20; i += 1) sent.push(await admin.post(`/rooms/${room}/message`, { message: `live ${i}`, messageType: 'text', sender: 'ann' }));
  await admin.post(`/rooms/${room}/message`, { _id: sent[3]._id, messageType: 'recall' });
  await floods;
  for (const device of devices) {
    await device.waitEvent('recall', sent[3]._id);
    assert.deepEqual(device.events('message', room).map((frame) => frame.message._id), sent.map((message) => message._id));
  }
  await Promise.all(devices.map((device) => device.close()));
});

test('upgrades whose head comes in two parts, while many devices send at once, become working connections', async () => {
  const devices = await Promise.all(Array.from({ length: DEVICES }, (_, i) => Device.login(server, APP, ben, { device: `e${i}` })));
  const raws = await Promise.all(Array.from({ length: 30 }, () => Raw.open(server)));
  const heads = raws.map(() => head('GET /ws HTTP/1.1', ...upgradeLines()));
  raws.forEach((raw, i) => raw.write(heads[i].slice(0, 40)));
  await new Promise((resolve) => { setTimeout(resolve, 100); }); // each waits for the rest of its head
  const floods = flood(devices);
  raws.forEach((raw, i) => raw.write(heads[i].slice(40)));
  await floods;
  for (const raw of raws) assert.equal(await raw.status(), 101, raw.text);
  /* A masked text frame with the key 0: an op before auth is answered with RC 401, and the connection ends. */
  const text = Buffer.from('{"op":"ping","id":7}');
  for (const raw of raws) {
    raw.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
    assert.ok(await raw.until((one) => one.text.includes('"RC":401')), raw.text);
    raw.end();
  }
  await Promise.all(devices.map((device) => device.close()));
});

test('a recall goes before the sends that wait, and finds a message all the same that was only being sent', async () => {
  const device = await Device.follow(server, APP, ann, [room], { device: 'f' });
  const id = newId();
  device.ws._socket.cork();
  for (let i = 0; i < 200; i += 1) device.sendFrame({ op: 'send', id: 1000 + i, room, messageType: 'text', message: `before ${i}` });
  device.sendFrame({ op: 'send', id: 2000, room, _id: id, messageType: 'text', message: 'taken back at once' });
  device.sendFrame({ op: 'recall', id: 2001, room, _id: id });
  device.ws._socket.uncork();
  const answers = await Promise.all([2000, 2001].map((n) => device.waitFor((frame) => frame.op === 'reply' && frame.id === n, { ms: 20000 })));
  for (const answer of answers) assert.equal(answer.RC, 0, JSON.stringify(answer));
  await device.waitEvent('recall', id);
  const shown = (await ann.api.history(room, '?limit=100')).data.find((message) => message._id === id);
  assert.equal(shown.messageType, 'recall');
  assert.equal(shown.message, '');
  await device.close();
});

test('sends that come together are answered, a lone one after them too, and then the server sleeps', async () => {
  const admin = platform(server, APP);
  const device = await Device.follow(server, APP, ben, [room], { device: 'g' });
  const sent = [];
  const send = async (text) => { sent.push((await admin.post(`/rooms/${room}/message`, { message: text, messageType: 'text', sender: 'ann' }))._id); };
  for (let round = 0; round < 30; round += 1) {
    await send(`${round} alone`);
    await Promise.all(Array.from({ length: 2 + round % 12 }, (_, i) => send(`${round} ${i}`))); // each on a connection of its own
  }
  await Promise.all(sent.map((id) => device.waitEvent('message', id)));
  assert.deepEqual(device.events('message', room).map((frame) => frame.message._id).sort(), sent.sort());
  await sleep(300);
  const before = cpuSeconds(server.pid);
  await sleep(1500);
  assert.ok(cpuSeconds(server.pid) - before < 0.6, `${cpuSeconds(server.pid) - before} s of CPU in 1.5 s`);
  await device.close();
});

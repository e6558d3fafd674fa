// One round: traffic, crashes and restarts, then a quiet end in which everything is read; the history of it for the checker.
import fs from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { platform } from '../../e2e/lib/api.mjs';
import { Device } from '../../e2e/lib/socket.mjs';
import { check } from './check.mjs';
import { tokensIn } from './http.mjs';
import { makePlan, makeRandom } from './plan.mjs';
import { Publisher } from './publisher.mjs';
import { Reader } from './reader.mjs';
import { AFTER_START, World } from './world.mjs';

const CATCH_UP_MS = 15000;
const PAGE = 1000;

/** Runs the lives that end badly, with traffic in all of them. */
async function liveThrough(world, begin) {
  let begun = null;
  for (const end of [...world.plan.lives, null]) {
    let life = await world.start(end);
    while (!begun) {
      try {
        await world.prepare(life.server);
        begun = begin();
      } catch (error) {
        // Killed while users and rooms were made: the next start makes the rest.
        if (life.server.alive() || end?.kind !== 'crash') throw error;
        life.hit = true;
        life = await world.start(AFTER_START);
      }
    }
    world.up(life.server);
    if (end) await world.end(life);
  }
  return begun;
}

/** The log of a room over HTTP, in pages; undefined where the server does not answer it. */
async function logOver(api, room) {
  const events = [];
  for (;;) {
    const answer = await api.call('GET', `/rooms/${room}/events?since=${events.length}&limit=500`);
    if (answer.status === 404 && answer.data.error?.code === 'INVALID_BODY') return undefined;
    if (answer.status !== 200) throw new Error(`GET events: ${answer.status} ${JSON.stringify(answer.data).slice(0, 300)}`);
    events.push(...answer.data.result.events);
    if (!answer.data.result.more || answer.data.result.events.length === 0) return events;
  }
}

async function historyOf(api, room, read) {
  const messages = {};
  let before = '';
  for (;;) {
    const path = `/rooms/${room}/messages/v3?limit=${PAGE}&timeRangeField=messageTime${before}`;
    const startAt = performance.now();
    const { data } = await api.get(path);
    read(`GET ${path}`, startAt, JSON.stringify(data));
    for (const one of data) messages[one._id] = { recalled: one.messageType === 'recall', text: one.message };
    if (data.length < PAGE) return messages;
    before = `&beforeMessage=${data.at(-1)._id}`;
  }
}

/** Everything as it is in the end: heads, what each reader holds, the log as a new reader gets it and over HTTP, the history. */
async function readAll(world, history, readers, read) {
  const { plan } = world;
  const api = platform(world.server, plan.app);
  const auditor = new Reader(world, { name: 'auditor', user: plan.users[1], steady: true, random: makeRandom(plan.seed) });
  auditor.run();
  const heads = await headsOf(world);
  await Promise.all([...readers, auditor].map((reader) => reader.reached(heads, CATCH_UP_MS)));
  const seen = auditor.history.items.filter((item) => item.kind === 'event');
  for (const room of plan.rooms) {
    const over = await logOver(api, room);
    history.log[room] = over ? over.map((event) => ({ seq: event.seq, epoch: event.epoch, type: event.type, message: event.message?._id ?? null }))
      : seen.filter((item) => item.room === room).map(({ seq, epoch, type, message }) => ({ seq, epoch, type, message }));
    if (over) read(`GET /rooms/${room}/events`, world.quietAt, JSON.stringify(over));
    history.final[room] = await historyOf(api, room, read);
  }
  return auditor;
}

/** The rooms' heads, as a subscription from now is told. */
async function headsOf(world) {
  const { app, rooms, users } = world.plan;
  const device = await Device.follow(world.server, app, { token: world.tokens.get(users[0]) }, rooms, { device: 'heads' });
  await device.close();
  return Object.fromEntries(rooms.map((room) => [room, device.positions[room].seq]));
}

async function slowReaders(world) {
  const answer = await fetch(`${world.server.base}/metrics`);
  return Number(/^recalld_slow_readers_total (\d+)/m.exec(await answer.text())?.[1] ?? 0);
}

/** Runs round `index` of `seed`: {history, violations, summary}. */
export async function runRound(seed, index) {
  const plan = makePlan(makeRandom(seed + index * 7919).int(0, 0xffffffff), index);
  const world = new World(plan);
  const history = { epoch: null, ops: [], clients: [], reads: [], log: {}, final: {}, disk: [] };
  const read = (what, startAt, text) => history.reads.push({ what, startAt, tokens: tokensIn(text) });
  const shared = { ops: history.ops, messages: [], token: 0, read };
  const publishers = plan.publishers.map((one) => new Publisher(world, one, shared));
  const readers = plan.readers.map((one) => new Reader(world, one));
  let working = [];
  let reading = [];
  await liveThrough(world, () => {
    history.epoch = world.epoch;
    working = publishers.map((one) => one.run());
    reading = readers.map((one) => one.run());
    return true;
  });
  await wait(plan.lastMS);
  world.trafficOver = true;
  await Promise.all(working);
  world.settling = true;
  world.quietAt = performance.now();
  const auditor = await readAll(world, history, readers, read);
  const slow = await slowReaders(world);
  history.clients = [...readers, auditor].map((one) => one.history);
  const { server } = world;
  world.over = true;
  [...readers, auditor].forEach((one) => one.leave());
  await server.stop();
  await Promise.all(reading);
  history.disk = world.tokensOnDisk();
  const violations = check(history);
  if (!violations.length) fs.rmSync(world.dir, { recursive: true });
  return { plan, history, violations, dir: world.dir, slow, lives: world.lives };
}

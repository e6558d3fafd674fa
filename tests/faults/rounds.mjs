// The history checker's command: rounds against the real server, a summary line, exit 1 on any violation.
//   --rounds N    (50)        --long   1,000 rounds        --jobs N   rounds at a time (1)
//   --seed N      repeats a run; --only I runs its round I alone        --json FILE  the figures
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { POINTS } from './lib/plan.mjs';
import { runRound } from './lib/round.mjs';

const { values: options } = parseArgs({ options: {
  rounds: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' }, json: { type: 'string' }, jobs: { type: 'string', default: '1' },
  long: { type: 'boolean', default: false }, verbose: { type: 'boolean', default: false },
} });
const seed = Number(options.seed ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(options.rounds ?? (options.long ? 1000 : 50));
const indexes = options.only !== undefined ? [Number(options.only)] : Array.from({ length: count }, (_, i) => i);
const total = {
  seed, rounds: 0, acknowledged: 0, retried: 0, events: 0, delivered: 0, connections: 0, kills: 0, drains: 0, slowReaders: 0, recoveryMS: 0,
  lost: 0, duplicated: 0, order: 0, reset: 0, content: 0, epoch: 0, differs: 0, refused: 0, failed: 0, points: Object.fromEntries(Object.keys(POINTS).map((name) => [name, 0])),
};

function add(result) {
  const { history, lives, slow, violations } = result;
  total.rounds += 1;
  total.acknowledged += history.ops.filter((op) => op.outcome === 'acked').length;
  total.retried += history.ops.filter((op) => op.unknown > 0).length;
  total.events += Object.values(history.log).reduce((n, log) => n + log.length, 0);
  total.delivered += history.clients.reduce((n, client) => n + client.items.filter((item) => item.kind === 'event').length, 0);
  total.connections += history.clients.reduce((n, client) => n + client.connections.length, 0);
  total.slowReaders += slow;
  for (const { end, hit } of lives) {
    if (end?.kind === 'drain') total.drains += 1;
    else if (end) total.kills += 1;
    if (end?.kind === 'crash' && hit) total.points[end.point] += 1;
  }
  for (const life of lives.slice(1)) total.recoveryMS = Math.max(total.recoveryMS, life.firstAnswer ?? 0);
  for (const { kind } of violations) total[kind] += 1;
}

async function work() {
  for (let index = indexes.shift(); index !== undefined; index = indexes.shift()) {
    const again = `tests/faults/run --seed ${seed} --only ${index}`;
    const start = performance.now();
    try {
      const result = await runRound(seed, index);
      add(result);
      if (options.verbose) {
        const ends = result.lives.map(({ end, hit }) => (end ? `${end.point ?? end.kind}${end.kind === 'crash' && !hit ? ' (not reached)' : ''}` : 'end')).join(', ');
        console.log(`round ${index}: ${((performance.now() - start) / 1000).toFixed(1)} s, ${result.history.ops.length} calls, ${result.slow} stalls; ${ends}`);
      }
      if (result.violations.length) {
        console.log(`round ${index} FAILED: ${again}   (its folder: ${result.dir})`);
        for (const { kind, text } of result.violations.slice(0, 20)) console.log(`  ${kind}: ${text}`);
      }
    } catch (error) {
      total.failed += 1;
      console.log(`round ${index} FAILED: ${again}\n  ${error.stack}`);
    }
  }
}

await Promise.all(Array.from({ length: Number(options.jobs) }, work));
const number = (n) => n.toLocaleString('en-US');
const missed = Object.keys(POINTS).filter((name) => total.points[name] === 0);
console.log(`rounds ${number(total.rounds)}, acknowledged ${number(total.acknowledged)}, lost ${total.lost}, duplicated ${total.duplicated}, out of order ${total.order}, `
  + `resets ${total.reset}, recalled content seen ${total.content}, worst recovery ${(total.recoveryMS / 1000).toFixed(1)} s`);
console.log(`  seed ${seed}; ${number(total.kills)} kills, ${number(total.drains)} drains, ${number(total.retried)} calls asked again; ${number(total.events)} events delivered `
  + `${number(total.delivered)} times over ${number(total.connections)} connections, which did not drain ${number(total.slowReaders)} times; changed epochs ${total.epoch}, differences ${total.differs}, refused ${total.refused}`);
console.log(`  killed at: ${Object.entries(total.points).map(([name, n]) => `${name} ${n}`).join(', ')}`);
if (options.json) fs.writeFileSync(options.json, `${JSON.stringify(total, null, 2)}\n`);
const bad = ['lost', 'duplicated', 'order', 'reset', 'content', 'epoch', 'differs', 'refused', 'failed'].reduce((n, kind) => n + total[kind], 0);
// A run of this length that missed a crash point has not tested what it says.
const short = options.only === undefined && count >= 50 && missed.length > 0;
if (short) console.log(`  never killed at: ${missed.join(', ')}`);
process.exit(bad > 0 || short ? 1 : 0);

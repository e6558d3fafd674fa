// What a round will do, from its seed alone: who publishes, who reads and how badly, and how each life of the server ends.
import { APP } from '../../e2e/lib/server.mjs';

/** A seeded generator (mulberry32): next() in [0, 1), int(a, b) inclusive, chance(p), pick(list), child() for an actor of its own. */
export function makeRandom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const int = (low, high) => low + Math.floor(next() * (high - low + 1));
  return {
    next, int,
    chance: (p) => next() < p,
    pick: (list) => list[int(0, list.length - 1)],
    child: () => makeRandom(int(0, 0xffffffff)),
  };
}

/** The crash points (gateway/base/crash_point.h) and how often each may be passed before it kills. */
export const POINTS = Object.freeze({
  'before-commit': [14, 110],
  'in-commit': [14, 110],
  'in-commit-sync': [14, 110],
  'after-commit': [14, 110],
  'before-fan-out': [14, 300],
  'after-publish': [14, 110],
  'before-erase': [1, 2],
});

/** How a life ends. The points take turns over the rounds, so that few rounds meet all of them. */
function makeEnd(random, turn) {
  const names = Object.keys(POINTS);
  const kind = turn % 10;
  if (kind < 7) {
    const point = names[turn % names.length];
    return { kind: 'crash', point, count: random.int(...POINTS[point]), waitMS: 8000 };
  }
  return { kind: kind < 9 ? 'kill' : 'drain', waitMS: random.int(200, 700) };
}

export function makePlan(seed, index) {
  const random = makeRandom(seed);
  const rooms = Array.from({ length: random.int(1, 3) }, (_, i) => `room-${i}`);
  const users = ['ann', 'ben', 'cho', 'dan'];
  const lives = Array.from({ length: random.chance(0.4) ? 2 : 1 }, (_, i) => makeEnd(random, index + i * 5));
  const stalls = random.chance(0.5);
  const publishers = Array.from({ length: random.int(3, 6) }, (_, i) => ({
    name: `p${i}`, user: random.pick(users), platform: random.chance(0.35), fat: stalls ? 0.5 : 0.02, random: random.child(),
  }));
  const readers = Array.from({ length: random.int(3, 6) }, (_, i) => ({
    name: `r${i}`, user: random.pick(users), all: random.chance(0.4), fromNow: random.chance(0.25), headers: random.chance(0.5),
    steady: i === 0, stalls: i > 0 && (stalls || random.chance(0.2)), random: random.child(),
  }));
  return {
    seed, index, rooms, users, publishers, readers, lives, lastMS: random.int(120, 300),
    server: { threads: random.int(1, 2), readers: random.int(1, 2) }, app: APP,
  };
}

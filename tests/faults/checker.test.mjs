// The test of the test: a true history of a real round passes, and each way of falsifying it is found, as what it is.
import { test, before } from 'node:test';
import assert from 'node:assert/strict';
import { check } from './lib/check.mjs';
import { runRound } from './lib/round.mjs';

let history;
before(async () => {
  // A round without recalls, edits or crashes would prove little: take the first that has everything.
  for (let seed = 20; seed < 50; seed += 1) {
    const round = await runRound(seed, 3);
    assert.deepEqual(round.violations, [], `seed ${seed}`);
    history = round.history;
    if (lateConnection() && eventsOf('recall').length > 3 && eventsOf('edit').length > 3
      && full(history).held[ROOM]?.[recallOp().message] && messageBeforeItsRecall(history)) return;
  }
  assert.fail('no round has what is to be falsified');
}, { timeout: 240000 });

const copy = () => structuredClone(history);
const ROOM = 'room-0';
const full = (h) => h.clients.find((client) => client.name === 'r0');
const eventsOf = (type, h = history) => full(h).items.filter((item) => item.kind === 'event' && item.room === ROOM && (!type || item.type === type));
const recallOp = (h = history) => h.ops.find((op) => op.kind === 'recall' && op.outcome === 'acked' && op.room === ROOM
  && h.ops.some((other) => other.kind === 'send' && other.message === op.message));
const tokenOf = (message, h = history) => h.ops.find((op) => op.kind === 'send' && op.message === message).token;
/** An event of the auditor, whose connection began after every recall was answered. */
const lateConnection = (h = history) => recallOp(h) && h.clients.find((client) => client.name === 'auditor').items.find((item) => item.kind === 'event' && item.room === ROOM);

/** Events of one reader: a message whose send is known, and, later on, its recall. */
function messageBeforeItsRecall(h) {
  for (const recall of eventsOf('recall', h)) {
    const before = eventsOf('message', h).find((event) => event.message === recall.message && event.seq < recall.seq);
    if (before && h.ops.some((op) => op.kind === 'send' && op.message === recall.message)) return { recall, before };
  }
  return null;
}

/** Falsifies a copy and expects this kind of finding (others may come with it: a swapped event also differs from the log). */
function finds(name, kind, falsify) {
  test(`found: ${name}`, () => {
    const false_ = copy();
    falsify(false_);
    const kinds = new Set(check(false_).map((one) => one.kind));
    assert.ok(kinds.has(kind), `"${kind}" expected, found ${[...kinds].join(', ') || 'nothing'}`);
  });
}

test('the true history passes', () => assert.deepEqual(check(copy()), []));

finds('an event dropped from a reader', 'lost', (h) => {
  const { items } = full(h);
  items.splice(items.indexOf(eventsOf(null, h)[5]), 1);
});
finds('the last event of a reader dropped', 'lost', (h) => {
  const { items } = full(h);
  items.splice(items.indexOf(eventsOf(null, h).at(-1)), 1);
});
finds('the first event of a reader dropped', 'lost', (h) => {
  const { items } = full(h);
  items.splice(items.indexOf(eventsOf(null, h)[0]), 1);
});
finds('an event repeated', 'duplicated', (h) => {
  const { items } = full(h);
  const event = eventsOf(null, h)[7];
  items.splice(items.indexOf(event) + 1, 0, { ...event });
});
finds('an old event repeated much later', 'duplicated', (h) => full(h).items.push({ ...eventsOf(null, h)[2] }));
finds('two events swapped', 'order', (h) => {
  const { items } = full(h);
  const [a, b] = [eventsOf(null, h)[8], eventsOf(null, h)[9]].map((event) => items.indexOf(event));
  [items[a], items[b]] = [items[b], items[a]];
});
finds('another event under the same number', 'differs', (h) => { eventsOf('message', h)[3].message = 'another'; });
finds('a reset', 'reset', (h) => full(h).items.push({ kind: 'reset', conn: 0, room: ROOM, epoch: h.epoch, seq: 3 }));
finds('a subscription that was not recovered', 'reset', (h) => {
  full(h).items.push({ kind: 'live', conn: 0, room: ROOM, epoch: h.epoch, seq: 1, recovered: false });
});
finds('a subscription answered beyond what had come', 'lost', (h) => {
  const { items } = full(h);
  const event = eventsOf(null, h)[4];
  items.splice(items.indexOf(event), 0, { kind: 'live', conn: 0, room: ROOM, epoch: h.epoch, seq: event.seq, recovered: true });
});
finds('another epoch', 'epoch', (h) => { eventsOf(null, h)[4].epoch = 'other'; });
finds('an answered send that is not in the log', 'lost', (h) => {
  h.ops.push({ kind: 'send', room: ROOM, message: 'never-logged', token: 999999, startAt: 1, ackAt: 2, outcome: 'acked', unknown: 0 });
});
finds('an answered recall that is not in the log', 'lost', (h) => {
  const recalled = new Set(h.ops.filter((op) => op.kind === 'recall').map((op) => op.message));
  const op = h.ops.find((one) => one.kind === 'send' && one.room === ROOM && !recalled.has(one.message));
  h.ops.push({ kind: 'recall', room: ROOM, message: op.message, startAt: Infinity, ackAt: Infinity, outcome: 'acked', unknown: 0 });
});
finds('an answered edit that is not in the log', 'lost', (h) => {
  const op = h.ops.find((one) => one.kind === 'edit' && one.outcome === 'acked' && one.room === ROOM);
  h.ops.push({ ...op });
});
finds('a message in the log that nobody sent', 'duplicated', (h) => h.log[ROOM].push({ seq: h.log[ROOM].length + 1, epoch: h.epoch, type: 'message', message: 'phantom' }));
finds('a recall twice in the log', 'duplicated', (h) => {
  h.log[ROOM].push({ ...h.log[ROOM].find((event) => event.type === 'recall'), seq: h.log[ROOM].length + 1 });
});
finds('a hole in the numbers of the log', 'order', (h) => { h.log[ROOM][6].seq += 1; });
finds('the log in another order than the answers', 'order', (h) => {
  const first = h.ops.find((op) => op.kind === 'send' && op.outcome === 'acked' && op.room === ROOM);
  const last = h.ops.findLast((op) => op.kind === 'send' && op.outcome === 'acked' && op.room === ROOM);
  const [a, b] = [first, last].map((op) => h.log[ROOM].find((event) => event.type === 'message' && event.message === op.message));
  [a.message, b.message] = [b.message, a.message];
});
finds('a recalled text on a connection made after the answer', 'content', (h) => {
  lateConnection(h).tokens.push(tokenOf(recallOp(h).message, h));
});
finds('a recalled text after the recall on the same connection', 'content', (h) => {
  const recall = eventsOf('recall', h).find((event) => h.ops.some((op) => op.kind === 'send' && op.message === event.message));
  const { items } = full(h);
  items.slice(items.indexOf(recall) + 1).find((item) => item.kind === 'event').tokens.push(tokenOf(recall.message, h));
});
finds('the text of an edit of a recalled message in a quote', 'content', (h) => {
  h.ops.push({ kind: 'edit', room: ROOM, message: recallOp(h).message, token: 888888, startAt: 1, ackAt: 2, outcome: 'maybe', unknown: 1 });
  lateConnection(h).tokens.push(888888);
});
finds('a recalled text in a history over HTTP', 'content', (h) => {
  h.reads.push({ what: 'GET', startAt: recallOp(h).ackAt + 100000, tokens: [tokenOf(recallOp(h).message, h)] });
});
finds('a recalled text in the files', 'content', (h) => h.disk.push(tokenOf(recallOp(h).message, h)));
finds('a reader that holds another text than the history', 'differs', (h) => {
  const held = full(h).held[ROOM];
  held[Object.keys(held).find((id) => !held[id].recalled)].text = 'other';
});
finds('a reader that still shows a recalled message', 'differs', (h) => { full(h).held[ROOM][recallOp(h).message].recalled = false; });
finds('a call refused without a reason', 'refused', (h) => { h.ops[3].outcome = 'refused'; });

test('not found: a recalled text on a connection from before the answer, before its recall event', () => {
  const fair = copy();
  const { recall, before } = messageBeforeItsRecall(fair);
  full(fair).connections[before.conn].startAt = 0;
  before.tokens.push(tokenOf(recall.message, fair));
  assert.deepEqual(check(fair), []);
});

// What the vectors cannot show: forgetting, history, reloads, unread counts of the server, deletion.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageList, type Forget, type HistoryOptions, type Message, type MessageListOptions } from 'recall-client';
import { event, message, recall, recalled, T0 } from './frames.js';

function listOf(more: Partial<MessageListOptions> = {}): MessageList {
  return new MessageList({ room: 'r', user: 'ben', now: () => T0 + 61_000, ...more });
}

const ids = (list: MessageList): string[] => list.items.map((item) => item.id);

test('a count from before the last read here, or of a room that keeps no read mark, does not bring back what was read', () => {
  const list = listOf();
  list.apply(event(1, message('m1', 'ann', 'one')));
  list.apply(event(2, message('m2', 'ann', 'two')));
  list.markedRead('m2');
  list.seed({ _id: 'r', unread: 2 });
  assert.equal(list.unread, 0);
  list.apply(event(3, message('m3', 'ann', 'three')));
  list.seed({ _id: 'r', unread: 3 });
  assert.equal(list.unread, 1);
  list.seed({ _id: 'r', unread: 2, memberProperties: [{ client: 'ben', lastRead: 'm1', badge: 2 }] });
  assert.equal(list.unread, 1);
});

test('the author keeps a recalled text for the time set, then it is forgotten', async () => {
  const list = listOf({ user: 'ann', reEditMS: 1100 });
  const mine = message('m1', 'ann', 'my words');
  list.apply(event(1, mine));
  list.apply(recall(2, mine, { lastMessage: recalled(mine) }));
  const item = list.get('m1');
  assert.ok(item?.kind === 'notice');
  assert.equal(item.notice.recallContent, 'my words');
  const changed = new Promise((resolve) => list.on('change', resolve));
  const before = list.items;
  const keepAlive = sleep(2000);
  await changed;
  assert.ok(!JSON.stringify([list.items, list.lastLine]).includes('my words'));
  assert.notEqual(list.items, before, 'a change makes a new array');
  await keepAlive;
});

test('reEditMS 0 keeps no text at all', () => {
  const list = listOf({ user: 'ann', reEditMS: 0 });
  const mine = message('m1', 'ann', 'my words');
  list.apply(event(1, mine));
  list.apply(recall(2, mine));
  assert.ok(!JSON.stringify(list.items).includes('my words'));
});

test('forget names the message and the media it had, also inside a quote', () => {
  const list = listOf();
  const forgotten: Forget[] = [];
  list.on('forget', (forget) => forgotten.push(forget));
  const image = message('m1', 'ann', '', {
    messageType: 'image', originalUrl: 'https://m/full.jpg', thumbnailUrl: 'https://m/small.jpg',
    sender: { _id: 'ann', avatarUrl: 'https://m/ann.jpg' },
  });
  list.apply(event(1, image));
  list.apply(event(2, message('m2', 'cho', 'nice', { reply: { ...image, originalUrl: 'https://m/copy.jpg' } })));
  list.apply(recall(3, image, { isDelete: true, quotedBy: ['m2'] }));
  assert.deepEqual(forgotten.map((one) => ({ ...one, urls: [...one.urls].sort() })), [{
    room: 'r', ids: ['m1'], isDelete: true,
    urls: ['https://m/copy.jpg', 'https://m/full.jpg', 'https://m/small.jpg'],
  }]);
});

test('forget also comes for a message that the list does not have, and once only', () => {
  const list = listOf();
  const forgotten: Forget[] = [];
  list.on('forget', (forget) => forgotten.push(forget));
  list.apply(recall(5, message('m1', 'ann', '')));
  list.apply(recall(6, message('m1', 'ann', '')));
  assert.equal(forgotten.length, 1);
  assert.deepEqual(forgotten[0], { room: 'r', ids: ['m1'], urls: [], isDelete: false });
});

test('a repeat and another room\'s event change nothing and say so', () => {
  const list = listOf();
  let changes = 0;
  list.on('change', () => changes++);
  assert.equal(list.apply(event(2, message('m2', 'ann', 'b'))), true);
  assert.equal(list.apply(event(2, message('m3', 'ann', 'c'))), false);
  assert.equal(list.apply(event(1, message('m1', 'ann', 'a'))), false);
  assert.equal(list.apply(event(9, message('m9', 'ann', 'z', { room: 'other' }))), false);
  assert.deepEqual(ids(list), ['m2']);
  assert.equal(changes, 1);
});

test('an RC:ReferenceMsg loses its copy and is marked as recalled', () => {
  const list = listOf();
  const quoted = message('m1', 'ann', 'secret');
  const content = { content: 'agreed', referMsgUid: 'm1', referMsgUserId: 'ann', referMsg: { content: 'secret' } };
  list.apply(event(1, message('m2', 'cho', JSON.stringify(content), { objectName: 'RC:ReferenceMsg' })));
  list.apply(recall(2, quoted));
  const item = list.items[0];
  assert.ok(item?.kind === 'message');
  const after = JSON.parse(item.message.message as string) as Record<string, unknown>;
  assert.deepEqual(after, { content: 'agreed', referMsgUid: 'm1', referMsgUserId: 'ann', referMsgStatus: 2 });
});

test('disableUpdateLastMsg keeps the last line; the next message replaces it', () => {
  const list = listOf();
  const first = message('m1', 'ann', 'one');
  list.apply(event(1, first));
  list.apply(recall(2, first, { keepLast: true, lastMessage: recalled(first) }));
  assert.equal(list.lastLine?.kind, 'message');
  assert.equal(list.items[0]?.kind, 'notice');
  list.apply(event(3, message('m2', 'ann', 'two')));
  assert.equal(list.lastLine?.id, 'm2');
});

test('a frame without lastMessage: the last line follows from the list', () => {
  const list = listOf();
  const second = message('m2', 'ann', 'two');
  list.apply(event(1, message('m1', 'ann', 'one')));
  list.apply(event(2, second));
  list.apply(recall(3, second, { isDelete: true }));
  assert.equal(list.lastLine?.id, 'm1');
});

test('hard deletion removes what it names, and all where it says so', () => {
  const list = listOf();
  for (let i = 1; i <= 3; i++) list.apply(event(i, message(`m${i}`, 'ann', `text ${i}`)));
  list.apply({ op: 'event', room: 'r', epoch: 'e1', seq: 4, type: 'delete', all: false, messages: ['m3'] });
  assert.deepEqual(ids(list), ['m1', 'm2']);
  assert.equal(list.unread, 2);
  assert.equal(list.lastLine?.id, 'm2');
  list.apply({ op: 'event', room: 'r', epoch: 'e1', seq: 5, type: 'delete', all: true, messages: [] });
  assert.deepEqual(ids(list), []);
  assert.equal(list.unread, 0);
  assert.equal(list.lastLine, null);
});

test('a count of the server is lowered by a recall of a message that the list does not have', () => {
  const list = listOf();
  list.seed({ _id: 'r', unread: 2, lastMessage: message('m9', 'ann', 'nine') });
  assert.equal(list.unread, 2);
  assert.equal(list.lastLine?.id, 'm9');
  list.apply(recall(4, message('m8', 'ann', '')));
  assert.equal(list.unread, 1);
  list.apply(recall(5, message('m7', 'ben', '')));
  assert.equal(list.unread, 1, 'an own message never counted');
  list.apply(recall(6, message('m8', 'ann', '')));
  assert.equal(list.unread, 1, 'the same recall again lowers nothing');
});

test('without a count of the server a recall of an unknown message lowers nothing', () => {
  const list = listOf();
  list.apply(event(2, message('m2', 'ann', 'two')));
  list.apply(recall(3, message('m1', 'ann', '')));
  assert.equal(list.unread, 1);
});

/** A server's history of `all`, newest change first, as v3 answers it. */
function historyOf(all: () => Message[], asked: HistoryOptions[] = []) {
  return async (options: HistoryOptions) => {
    asked.push(options);
    const sorted = [...all()].sort((a, b) => b.updatedAtMS! - a.updatedAtMS!);
    const from = options.beforeMessage ? sorted.findIndex((one) => one._id === options.beforeMessage) + 1 : 0;
    return { totalCount: sorted.length, data: sorted.slice(from, from + (options.limit ?? 20)) };
  };
}

test('history is loaded page by page, ordered by time, recalled ones as notices', async () => {
  const all = Array.from({ length: 7 }, (_, i) => message(`m${i + 1}`, 'ann', `text ${i + 1}`));
  all[1] = recalled(all[1]!);
  const list = listOf({ history: historyOf(() => all) });
  assert.equal(await list.load(3), 3);
  assert.deepEqual(ids(list), ['m2', 'm6', 'm7'], 'the recalled one is the newest change');
  assert.equal(list.items[0]?.kind, 'notice');
  assert.equal(list.lastLine?.id, 'm7');
  while (list.hasMore) await list.load(3);
  assert.deepEqual(ids(list), ['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7']);
  assert.equal(list.unread, 0, 'history counts nothing');
});

test('a recall that overtakes the history page wins', async () => {
  const first = message('m1', 'ann', 'secret');
  let answer: (() => void) | undefined;
  const list = listOf({
    history: () => new Promise((resolve) => {
      answer = () => resolve({ data: [first] });
    }),
  });
  const loaded = list.load();
  list.apply(recall(5, first));
  answer!();
  await loaded;
  assert.equal(list.items[0]?.kind, 'notice');
  assert.ok(!JSON.stringify(list.items).includes('secret'));
});

test('reload drops what the server does not have any more, keeps what came meanwhile, and forgets what was recalled', async () => {
  const [one, two, three] = [message('m1', 'ann', 'gone'), message('m2', 'ann', 'taken back'), message('m3', 'ann', 'stays')];
  let answer: (() => void) | undefined;
  const list = listOf({
    history: () => new Promise((resolve) => {
      answer = () => resolve({ data: [recalled(two), three] });
    }),
  });
  const forgotten: string[] = [];
  list.on('forget', (forget) => forgotten.push(...forget.ids));
  [one, two, three].forEach((each, i) => list.apply(event(i + 1, each)));
  list.reset({ epoch: 'e2', seq: 40 });
  const reloaded = list.reload();
  list.apply(event(41, message('m4', 'ann', 'came meanwhile'), 'message', 'e2'));
  answer!();
  await reloaded;
  assert.deepEqual(list.items.map((item) => [item.kind, item.id]), [['notice', 'm2'], ['message', 'm3'], ['message', 'm4']]);
  assert.deepEqual(forgotten, ['m2']);
  assert.deepEqual(list.cursor, { epoch: 'e2', seq: 41 });
  assert.equal(list.lastLine?.id, 'm4');
});

test('ids hidden by this user leave the list', async () => {
  const list = listOf({ history: async () => ({ data: [message('m1', 'ann', 'a'), message('m2', 'ann', 'b')], userDeletedIDs: ['m1'] }) });
  await list.load();
  assert.deepEqual(ids(list), ['m2']);
});

test('the list is bounded: the oldest leave it', () => {
  const list = listOf({ maxItems: 3 });
  for (let i = 1; i <= 5; i++) list.apply(event(i, message(`m${i}`, 'ann', `text ${i}`)));
  assert.deepEqual(ids(list), ['m3', 'm4', 'm5']);
  assert.equal(list.unread, 5);
  list.apply(recall(6, message('m1', 'ann', '')));
  assert.equal(list.unread, 4, 'one that left the list had counted');
});

test('read elsewhere up to the last line, which is not loaded', () => {
  const list = listOf();
  list.seed({ _id: 'r', unread: 3, lastMessage: message('m5', 'ann', 'newest') });
  assert.equal(list.unread, 3);
  list.signal({ op: 'signal', room: 'r', type: 'read', client: 'ben', lastRead: 'm5' });
  assert.equal(list.unread, 0);
});

test('read elsewhere up to a message: what came after it stays unread', () => {
  const list = listOf();
  for (let i = 1; i <= 4; i++) list.apply(event(i, message(`m${i}`, 'ann', `text ${i}`)));
  list.markedRead('m3');
  assert.equal(list.unread, 1);
  list.apply(recall(5, message('m2', 'ann', 'text 2')));
  assert.equal(list.unread, 1);
  list.apply(recall(6, message('m4', 'ann', 'text 4')));
  assert.equal(list.unread, 0);
});

test('a listener that throws disturbs neither the list nor the next listener, and its fault surfaces', (t) => {
  const list = listOf();
  let heard = 0;
  const later: (() => void)[] = [];
  t.mock.method(globalThis, 'setTimeout', (run: () => void) => later.push(run));
  list.on('change', () => {
    throw new Error('a fault of the app');
  });
  list.on('change', () => heard++);
  assert.equal(list.apply(event(1, message('m1', 'ann', 'a'))), true);
  assert.equal(heard, 1);
  assert.equal(later.length, 1);
  assert.throws(later[0]!, /a fault of the app/);
});

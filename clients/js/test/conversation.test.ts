// Messages and rooms of RongCloud's dialect: titles, texts, last lines, and notices that name what was recalled.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentOf, conversationOf, MessageList, type Message } from 'recall-client';
import { event, message, recall, recalled, T0 } from './frames.js';

const listOf = (room = 'r', user = 'ben'): MessageList => new MessageList({ room, user, now: () => T0 + 61_000 });
const rong = (id: string, from: string, text: string, more: Record<string, unknown> = {}): Message => message(id, from, text, {
  objectName: 'RC:TxtMsg', content: { content: text }, ...more,
});
const media = (id: string, messageType: string, objectName: string, content: unknown): Message => (
  message(id, 'ann', '', { messageType, objectName, content }));

test('a room is told by its name', () => {
  assert.deepEqual(conversationOf('~broadcast'), { kind: 'broadcast', target: '' });
  assert.deepEqual(conversationOf('~system/ann'), { kind: 'system', target: 'ann' });
  assert.deepEqual(conversationOf('~chatroom/hall/2'), { kind: 'chatroom', target: 'hall/2' });
  assert.deepEqual(conversationOf('demo-room', 'ann'), { kind: 'group', target: 'demo-room' });
});

test('a private room is named by the other user, also where ids hold slashes', () => {
  assert.deepEqual(conversationOf('~private/ann/ben', 'ann'), { kind: 'private', target: 'ben' });
  assert.deepEqual(conversationOf('~private/ann/ben', 'ben'), { kind: 'private', target: 'ann' });
  assert.deepEqual(conversationOf('~private/a/b/c', 'a/b'), { kind: 'private', target: 'c' });
  assert.deepEqual(conversationOf('~private/a/b/c', 'b/c'), { kind: 'private', target: 'a' });
  assert.deepEqual(conversationOf('~private/ann/ann', 'ann'), { kind: 'private', target: 'ann' });
});

test('the content of a message in either dialect', () => {
  const kindOf = (one: Message): [string, string] => [contentOf(one).kind, contentOf(one).text];
  assert.deepEqual(kindOf(message('m1', 'ann', 'hi')), ['text', 'hi']);
  assert.deepEqual(kindOf(rong('m1', 'ann', 'hi')), ['text', 'hi']);
  assert.deepEqual(kindOf(media('m1', 'RC:ReferenceMsg', 'RC:ReferenceMsg', { content: 'my answer', referMsgUid: 'm0' })), ['text', 'my answer']);
  assert.deepEqual(kindOf(media('m1', 'image', 'RC:ImgMsg', { content: 'aGk=', imageUri: 'https://m/1.jpg' })), ['image', '']);
  assert.deepEqual(kindOf(media('m1', 'voice', 'RC:HQVCMsg', { remoteUrl: 'https://m/1.aac' })), ['voice', '']);
  assert.deepEqual(kindOf(media('m1', 'audio', 'x', null)), ['voice', '']);
  assert.deepEqual(kindOf(media('m1', 'video', 'RC:SightMsg', {})), ['video', '']);
  assert.deepEqual(kindOf(media('m1', 'file', 'RC:FileMsg', { name: 'plan.pdf' })), ['file', 'plan.pdf']);
  assert.deepEqual(kindOf(media('m1', 'location', 'RC:LBSMsg', { poi: 'The harbour' })), ['location', 'The harbour']);
  assert.deepEqual(kindOf(media('m1', 'app:gift', 'app:gift', { content: 'not for eyes' })), ['other', '']);
  assert.deepEqual(kindOf(media('m1', 'constructor', 'constructor', 'text')), ['other', '']);
});

test('the notice names the recalled content\'s own type', () => {
  const list = listOf();
  const voice = media('m1', 'voice', 'RC:VcMsg', { content: 'aGk=' });
  list.apply(event(1, voice));
  list.apply(recall(2, voice, { lastMessage: recalled(voice) }));
  const item = list.get('m1');
  assert.ok(item?.kind === 'notice');
  assert.equal(item.notice.originalObjectName, 'RC:VcMsg');
  assert.ok(!JSON.stringify(list.items).includes('aGk='));
});

test('the author of a text sent in this dialect may edit it again', () => {
  const list = listOf('r', 'ann');
  const mine = rong('m1', 'ann', 'my words');
  list.apply(event(1, mine));
  list.apply(recall(2, mine));
  const item = list.get('m1');
  assert.ok(item?.kind === 'notice');
  assert.deepEqual([item.notice.originalObjectName, item.notice.recallContent], ['RC:TxtMsg', 'my words']);
  list.clear();
});

test('isDelete removes a broadcast, else a gray bar takes its place; numbers that were left out are no gap', () => {
  const list = listOf('~broadcast');
  const one = rong('m1', 'News', 'first', { room: '~broadcast' });
  const two = rong('m2', 'News', 'second', { room: '~broadcast' });
  list.apply(event(3, one));
  list.apply(event(7, two));
  list.apply(recall(12, one, { isDelete: true }));
  list.apply(recall(15, two));
  assert.deepEqual(list.items.map((item) => [item.kind, item.id]), [['notice', 'm2']]);
  assert.deepEqual(list.cursor, { epoch: 'e1', seq: 15 });
  assert.equal(list.unread, 0);
  assert.ok(!/first|second/.test(JSON.stringify([list.items, list.lastLine])));
});

test('a message sent with disableUpdateLastMsg is in the list and never its last line, nor is its notice', () => {
  const list = listOf();
  const shown = rong('m1', 'ann', 'shown');
  const silent = rong('m2', 'ann', 'silent', { disableUpdateLastMsg: true });
  list.apply(event(1, shown));
  list.apply(event(2, silent));
  assert.deepEqual([list.items.length, list.lastLine?.id], [2, 'm1']);
  list.apply(recall(3, silent, { lastMessage: shown }));
  assert.deepEqual([list.items[1]?.kind, list.lastLine?.id], ['notice', 'm1']);
  const restored = listOf();
  assert.ok(restored.restore(list.serialize()));
  restored.caughtUp();
  assert.deepEqual(restored.items.map((item) => item.unlisted), [undefined, true]);
  list.apply(recall(4, shown, { isDelete: true, lastMessage: null }));
  assert.equal(list.lastLine, null);
});

test('a message that does not count is no unread one, and its recall takes none away', () => {
  const list = listOf();
  const quiet = rong('m1', 'ann', 'quiet', { isCounted: false });
  list.apply(event(1, rong('m2', 'ann', 'loud')));
  list.apply(event(2, quiet));
  assert.equal(list.unread, 1);
  list.apply(recall(3, quiet));
  assert.equal(list.unread, 1);
});

test('a quote of this dialect loses its copy, wherever it stands', () => {
  const list = listOf();
  const original = rong('m1', 'ann', 'the original');
  list.apply(event(1, original));
  list.apply(event(2, media('m2', 'RC:ReferenceMsg', 'RC:ReferenceMsg', {
    content: 'I quote', referMsgUid: 'm1', referMsgUserId: 'ann', referMsg: { content: 'the original' }, referMsgStatus: 0,
  })));
  list.apply(recall(3, original, { quotedBy: ['m2'] }));
  const item = list.get('m2');
  assert.ok(item?.kind === 'message');
  assert.deepEqual(item.message.content, { content: 'I quote', referMsgUid: 'm1', referMsgUserId: 'ann', referMsgStatus: 2 });
  assert.ok(!JSON.stringify(list.items).includes('the original'));
});

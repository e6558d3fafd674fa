import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const src = join(dirname(fileURLToPath(import.meta.url)), '../src');
const bundle = await build({
  entryPoints: [join(src, 'text.ts')], bundle: true, format: 'esm', write: false, logLevel: 'warning',
});
const text = await import(`data:text/javascript;base64,${Buffer.from(bundle.outputFiles[0].contents).toString('base64')}`);

// What a shell hands to curl when the line is pasted.
function wordsInShell(line) {
  const script = line.replace(/^curl /u, 'printf "%s\\0" ');
  return execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

const facts = { origin: 'http://127.0.0.1:8080', room: 'demo-room', id: '5ce3d80bd594874e495895a4', apiKey: 'demo-api-key', isDelete: false };

test('the curl line is the call of the documented example, by the platform key', () => {
  assert.deepEqual(wordsInShell(text.curlLine(facts)), [
    '-X', 'POST', 'http://127.0.0.1:8080/rooms/demo-room/message',
    '-H', 'IM-API-KEY: demo-api-key',
    '-H', 'Content-Type: application/json; charset=utf-8',
    '-d', '{"_id": "5ce3d80bd594874e495895a4", "messageType": "recall"}',
  ]);
});

test('delete adds isDelete to the body', () => {
  const words = wordsInShell(text.curlLine({ ...facts, isDelete: true }));
  assert.deepEqual(JSON.parse(words.at(-1)), { _id: facts.id, messageType: 'recall', isDelete: true });
});

test('an id or a room made of shell characters stays one word and runs nothing', () => {
  const id = `a'; echo owned; '"$(echo owned)\`echo owned\`\\!`;
  const words = wordsInShell(text.curlLine({ ...facts, id, room: 'r"; echo owned; $(x)!\'`y`' }));
  assert.equal(words.length, 9);
  assert.equal(JSON.parse(words.at(-1))._id, id);
  assert.equal(words[2], 'http://127.0.0.1:8080/rooms/r%22%3B%20echo%20owned%3B%20%24%28x%29%21%27%60y%60/message');
});

test('a signed form request as a shell line: each header and field stays one word', () => {
  const words = wordsInShell(text.rcCurl({
    origin: 'http://127.0.0.1:8080', path: '/message/broadcast.json', headers: [['App-Key', 'demo-app-key'], ['Nonce', '14314']],
    fields: [['fromUserId', 'System'], ['content', '{"content":"it\'s $(echo owned) & `more`"}']],
  }));
  assert.deepEqual(words, ['-X', 'POST', 'http://127.0.0.1:8080/message/broadcast.json', '-H', 'App-Key: demo-app-key', '-H', 'Nonce: 14314',
    '--data-urlencode', 'fromUserId=System', '--data-urlencode', 'content={"content":"it\'s $(echo owned) & `more`"}']);
});

test('a notice names you, the admin, or the other person', () => {
  const nameOf = (id) => ({ ben: 'Ben' })[id];
  assert.deepEqual(text.recaller({ operatorId: 'ann', operatorName: 'Ann' }, 'ann', nameOf), { kind: 'you' });
  assert.deepEqual(text.recaller({ operatorId: 'ann', operatorName: 'Ann' }, 'ben', nameOf), { kind: 'other', name: 'Ann' });
  assert.deepEqual(text.recaller({ operatorId: 'ben', operatorName: '' }, 'ann', nameOf), { kind: 'other', name: 'Ben' });
  assert.deepEqual(text.recaller({ operatorId: 'x9', operatorName: '' }, 'ann', nameOf), { kind: 'other', name: 'x9' });
  assert.deepEqual(text.recaller({ operatorId: '', admin: false }, 'ann', nameOf), { kind: 'admin' });
  assert.deepEqual(text.recaller({ operatorId: 'ben', operatorName: 'Ben', admin: true }, 'ann', nameOf), { kind: 'admin' });
});

test('the progress of a recall, in words', () => {
  assert.equal(text.progressLine({ acked: 2, devices: 3 }), 'gone from 2 of 3 devices');
  assert.equal(text.progressLine({ acked: 1, devices: 1 }), 'gone from 1 of 1 device');
  assert.equal(text.progressLine(null), 'Show devices');
});

test('a device\'s state says no more than is known', () => {
  assert.equal(text.deviceStateLine('acked', 215), 'Reports that it removed the content, after 215 ms');
  assert.equal(text.deviceStateLine('acked', null), 'Reports that it removed the content');
  assert.match(text.deviceStateLine('refused', null), /did not remove/);
  for (const state of ['pending', 'offline', 'incapable']) assert.doesNotMatch(text.deviceStateLine(state, null), /removed/);
  assert.deepEqual([0, 999, 1000, 59_949, 60_000, 3_600_000 * 5].map((ms) => text.durationLabel(ms)), ['0 ms', '999 ms', '1.0 s', '59.9 s', '1 min', '5 h']);
});

test('initials keep whole letters', () => {
  assert.equal(text.initials('Ann'), 'A');
  assert.equal(text.initials('  demo room '), 'DR');
  assert.equal(text.initials('👩‍👩‍👧 Family'), '👩‍👩‍👧F');
  assert.equal(text.initials(''), '?');
});

test('a preview is one line, shortened, and names what is not text', () => {
  assert.equal(text.oneLine('a\n\n  b'), 'a b');
  assert.equal(text.oneLine('x'.repeat(500)).length, 160);
  assert.equal(text.oneLine('', 'image'), 'Photo');
  assert.equal(text.oneLine('plan.pdf', 'file'), 'File: plan.pdf');
  assert.equal(text.oneLine('', 'voice'), 'Voice message');
  assert.equal(text.oneLine('', 'app:gift'), '[app:gift]');
  assert.equal(text.oneLine('', 'constructor'), '[constructor]');
});

test('days are called today, yesterday, or by name', () => {
  const now = new Date(2026, 2, 1, 0, 30).getTime();
  assert.equal(text.dayLabel(new Date(2026, 2, 1, 0, 5).getTime(), now), 'Today');
  assert.equal(text.dayLabel(new Date(2026, 1, 28, 23, 59).getTime(), now), 'Yesterday');
  assert.match(text.dayLabel(new Date(2026, 1, 10).getTime(), now), /10/u);
  assert.match(text.dayLabel(new Date(2025, 1, 10).getTime(), now), /2025/u);
});

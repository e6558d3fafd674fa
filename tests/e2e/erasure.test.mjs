// After a recall the content's bytes leave the disk: database, write-ahead log, logs; also across a kill and a restart.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { APP, Device, eventually, makeRoom, makeUsers, newId, ownServer, startServer, test } from './lib/suite.mjs';

/** The files under a folder that hold the text. */
function holding(dir, text) {
  const found = [];
  for (const entry of fs.readdirSync(dir, { withFileTypes: true, recursive: true })) {
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && fs.readFileSync(file).includes(text)) found.push(path.relative(dir, file));
  }
  return found;
}

async function fill(server) {
  const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
  const room = await makeRoom(ann, [ben]);
  const mark = `content-${newId()}`;
  const ids = [];
  for (let n = 0; n < 60; n += 1) {
    const { _id: id } = await ann.api.send(room, `${mark} ${'x'.repeat(n * 97)}`, { extra: `${mark} in extra`, originalUrl: `https://example.com/${mark}` });
    ids.push(id);
  }
  const { _id: edited } = await ann.api.send(room, `${mark} first version`);
  await ann.api.post(`/rooms/${room}/message`, { _id: edited, message: `${mark} second version`, messageType: 'text' });
  const { _id: quote } = await ben.api.send(room, 'what a thing to say', { reply: ids[3] });
  ids.push(edited);
  return { ann, ben, room, mark, ids, quote };
}

test('within 5 s of a recall no file holds the content', async (t) => {
  const server = await ownServer(t, { server: { log_level: 'debug' } });
  const { ann, ben, room, mark, ids, quote } = await fill(server);
  const reader = await Device.follow(server, APP, ben, 'all');
  assert.ok(holding(server.dir, mark).length > 0, 'before the recall it is there: the search works');
  for (const id of ids) await ann.api.recall(room, id);
  await eventually('the content is gone from every file', () => holding(server.dir, mark).length === 0, 5000);
  assert.equal((await ben.api.message(room, quote)).reply.message, '');
  // Until the quoted message was recalled itself, the conversation's last line may show the quote.
  const after = reader.events('recall', room).slice(4);
  assert.equal(after.length, ids.length - 4);
  assert.ok(!JSON.stringify(after).includes(mark));
});

test('a kill right after the recalls: the restarted server finishes the erasure', async (t) => {
  const first = await startServer();
  const { ann, room, mark, ids } = await fill(first);
  for (const id of ids) await ann.api.recall(room, id);
  await first.kill9();
  const second = await ownServer(t, { dir: first.dir });
  await eventually('the content is gone from every file', () => holding(second.dir, mark).length === 0, 5000);
});

test('a hard delete erases too', async (t) => {
  const server = await ownServer(t);
  const { ann, room, mark } = await fill(server);
  await ann.api.delete(`/rooms/${room}/messages/_all`);
  await eventually('the content is gone from every file', () => holding(server.dir, mark).length === 0, 5000);
});

// What a recall changes: the event on every screen, quotes, unread, last message, history; once, and for good.
import assert from 'node:assert/strict';
import { APP, Device, fileServer, lasting, listOf, makeRoom, makeUsers, platform, sleep, test } from './lib/suite.mjs';

const server = await fileServer({ server: { threads: 2 } });
const admin = platform(server, APP);
const { ann, ben, cho } = await makeUsers(server, APP, 'ann', 'ben', 'cho');
const freshRoom = () => makeRoom(ann, [ben, cho]);
const SECRET = 'secret-words-7781';

test('the recall reaches every device as the frame of the protocol, the same for all', async () => {
  const room = await freshRoom();
  const devices = await Promise.all([Device.follow(server, APP, ann, room), Device.follow(server, APP, ben, room),
    Device.follow(server, APP, ben, room, { device: 'second' }), Device.follow(server, APP, cho, 'all')]);
  const original = await ben.api.send(room, SECRET);
  await sleep(3);
  const result = await ann.api.recall(room, original._id, { extra: 'why not', reason: 'a slip' });
  const frames = await Promise.all(devices.map((device) => device.waitEvent('recall', original._id)));
  const [frame] = frames;
  for (const other of frames) assert.deepEqual(other, frame, 'the same for every receiver');
  assert.equal(frame.room, room);
  assert.ok(typeof frame.epoch === 'string' && frame.epoch.length > 0);
  const before = await devices[0].waitEvent('message', original._id);
  assert.equal(frame.seq, before.seq + 1);
  assert.equal(frame.objectName, 'RC:RcCmd');
  const { user, ...content } = frame.content;
  for (const [key, value] of Object.entries({ messageUId: original._id, targetId: room, conversationType: 3,
    sentTime: original.messageTimeMS, isAdmin: false, isDelete: false, extra: 'why not', disableUpdateLastMsg: false,
    originalFromUserId: 'ben' })) {
    assert.deepEqual(content[key], value, key);
  }
  assert.deepEqual([user.id, user.name], ['ann', 'Ann']);
  assert.deepEqual(lasting(frame.message), lasting(result), 'the object of the answer');
  assert.equal(frame.recallTimeMS, result.updatedAtMS);
  assert.equal(frame.lastMessage._id, original._id);
  assert.equal(frame.lastMessage.messageType, 'recall');
  assert.deepEqual(frame.quotedBy, []);
  assert.ok(!JSON.stringify(frame).includes(SECRET));
});

test('a second recall answers the same and emits nothing', async () => {
  const room = await freshRoom();
  const device = await Device.follow(server, APP, ben, room);
  const { _id: id } = await ben.api.send(room, SECRET);
  const first = await ben.api.recall(room, id);
  await sleep(5);
  assert.deepEqual(lasting(await ben.api.recall(room, id)), lasting(first));
  assert.deepEqual(lasting(await ben.api.recall(room, id, { isDelete: true, extra: 'other' })), lasting(first), 'other options change nothing');
  assert.deepEqual(lasting(await ann.api.recall(room, id)), lasting(first), 'nor does another who may');
  assert.deepEqual(lasting(await admin.recall(room, id)), lasting(first));
  await device.barrier(ann.api, room);
  assert.equal(device.events('recall', room).length, 1);
});

test('twenty recalls at once are one', async () => {
  const room = await freshRoom();
  const device = await Device.follow(server, APP, cho, room);
  const { _id: id } = await ben.api.send(room, SECRET);
  const results = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? ben.api : admin).recall(room, id)));
  for (const result of results) assert.deepEqual(lasting(result), lasting(results[0]));
  await device.barrier(ann.api, room);
  assert.equal(device.events('recall', room).length, 1);
});

test('isDelete is accepted as 0, 1, true and false and told in the event', async () => {
  const room = await freshRoom();
  const device = await Device.follow(server, APP, cho, room);
  for (const [isDelete, told] of [[0, false], [1, true], [true, true], [false, false]]) {
    const { _id: id } = await ben.api.send(room, SECRET);
    const result = await ben.api.recall(room, id, { isDelete });
    assert.equal(result.messageType, 'recall');
    assert.equal((await device.waitEvent('recall', id)).content.isDelete, told, `isDelete ${isDelete}`);
  }
});

test('isAdmin and disableUpdateLastMsg of the platform are told in the event', async () => {
  const room = await freshRoom();
  const device = await Device.follow(server, APP, cho, room);
  const { _id: id } = await ben.api.send(room, SECRET);
  await admin.recall(room, id, { isAdmin: true, disableUpdateLastMsg: true });
  const { content } = await device.waitEvent('recall', id);
  assert.equal(content.isAdmin, true);
  assert.equal(content.disableUpdateLastMsg, true);
});

test('extra, media and mentions go with the content', async () => {
  const room = await freshRoom();
  const media = { originalUrl: 'http://media.example/full.png', thumbnailUrl: 'http://media.example/small.png', width: 640, height: 480, duration: 3 };
  const original = await ben.api.post(`/rooms/${room}/message`,
    { message: SECRET, messageType: 'image', extra: `extra ${SECRET}`, mentions: ['ann'], ...media });
  for (const [key, value] of Object.entries(media)) assert.equal(original[key], value, key);
  assert.equal(original.extra, `extra ${SECRET}`);
  assert.ok(original.mentions, 'mentions are kept');
  await ben.api.recall(room, original._id);
  const after = await cho.api.message(room, original._id);
  for (const key of [...Object.keys(media), 'mentions', 'reply']) {
    assert.ok(after[key] === undefined || after[key] === null || after[key].length === 0, `${key}: ${after[key]}`);
  }
  const text = JSON.stringify([after, await cho.api.history(room), await cho.api.get(`/rooms/${room}`)]);
  assert.ok(!text.includes(SECRET) && !text.includes('media.example'), text);
});

test('quoted copies are populated before and cleared after, in history and in the event', async () => {
  const room = await freshRoom();
  const device = await Device.follow(server, APP, cho, room);
  const original = await ben.api.send(room, SECRET);
  const quotes = [await ann.api.send(room, 'I quote', { reply: original._id }), await cho.api.send(room, 'me too', { reply: original._id })];
  assert.equal(quotes[0].reply._id, original._id);
  assert.equal(quotes[0].reply.message, SECRET);
  await ben.api.recall(room, original._id);
  const frame = await device.waitEvent('recall', original._id);
  assert.deepEqual([...frame.quotedBy].sort(), quotes.map((quote) => quote._id).sort());
  const { data } = await cho.api.history(room, '?limit=50');
  assert.ok(!JSON.stringify(data).includes(SECRET), 'no copy in history');
  const quote = data.find((one) => one._id === quotes[0]._id);
  assert.equal(quote.message, 'I quote', 'the quoting message itself stays');
  assert.ok(!JSON.stringify(await ann.api.message(room, quotes[1]._id)).includes(SECRET));
});

test('a quote sent after the recall carries nothing of it', async () => {
  const room = await freshRoom();
  const original = await ben.api.send(room, SECRET);
  await ben.api.recall(room, original._id);
  const answer = await ann.api.call('POST', `/rooms/${room}/message`, { message: 'late', messageType: 'text', reply: original._id });
  assert.ok(!JSON.stringify(answer.data).includes(SECRET));
  assert.ok(!JSON.stringify(await ann.api.history(room)).includes(SECRET));
});

test('an edit changes message and event; recall wins over it; an edit afterwards is 409', async () => {
  const room = await freshRoom();
  const device = await Device.follow(server, APP, cho, room);
  const original = await ben.api.send(room, 'first words');
  await sleep(3);
  const edited = await ben.api.send(room, SECRET, { _id: original._id });
  assert.equal(edited._id, original._id);
  assert.equal(edited.message, SECRET);
  assert.equal(edited.messageTimeMS, original.messageTimeMS);
  assert.ok(edited.updatedAtMS > original.updatedAtMS);
  const frame = await device.waitFor((one) => one.op === 'event' && one.type === 'edit' && one.room === room);
  assert.equal(frame.message.message, SECRET);
  await ben.api.recall(room, original._id);
  await ben.api.fails([409], 'POST', `/rooms/${room}/message`, { _id: original._id, message: 'again', messageType: 'text' });
  await admin.fails([409], 'POST', `/rooms/${room}/message`, { _id: original._id, message: 'again', messageType: 'text' });
  const after = await cho.api.message(room, original._id);
  assert.deepEqual([after.message, after.messageType], ['', 'recall']);
});

test('edits and a recall at once end recalled', async () => {
  const room = await freshRoom();
  const { _id: id } = await ben.api.send(room, 'start');
  const edit = (i) => ben.api.call('POST', `/rooms/${room}/message`, { _id: id, message: `edit ${i}`, messageType: 'text' });
  const answers = await Promise.all([...[1, 2, 3, 4].map(edit), ben.api.recall(room, id), ...[5, 6, 7, 8].map(edit)]);
  for (const answer of answers) if (answer.status) assert.ok([200, 409].includes(answer.status), JSON.stringify(answer.data));
  const after = await cho.api.message(room, id);
  assert.deepEqual([after.message, after.messageType], ['', 'recall']);
});

test('unread falls by one when an unread message is recalled', async () => {
  const room = await freshRoom();
  const unread = async (who) => (await who.api.get(`/rooms/${room}`)).unread;
  const [first, second] = [await ann.api.send(room, 'one'), await ann.api.send(room, 'two')];
  assert.equal(await unread(ben), 2);
  await ann.api.recall(room, second._id);
  assert.equal(await unread(ben), 1);
  await ben.api.put(`/rooms/${room}/lastRead`, { message: first._id });
  await ann.api.recall(room, first._id);
  assert.equal(await unread(ben), 0, 'a read message does not count twice');
  const listed = listOf(await ben.api.get('/rooms')).find((one) => one._id === room);
  assert.equal(listed.unread, 0);
});

test('lastMessage is the recalled object after a gray bar, the message before after a delete, or null', async () => {
  const room = await freshRoom();
  const device = await Device.follow(server, APP, cho, room);
  const last = async () => (await cho.api.get(`/rooms/${room}`)).lastMessage;
  const [one, two] = [await ben.api.send(room, 'one'), await ben.api.send(room, 'two')];
  assert.equal((await last())._id, two._id);
  await ben.api.recall(room, two._id, { isDelete: true });
  assert.equal((await last())._id, one._id);
  assert.equal((await device.waitEvent('recall', two._id)).lastMessage._id, one._id);
  await ben.api.recall(room, one._id, { isDelete: true });
  assert.equal(await last() ?? null, null);
  assert.equal((await device.waitEvent('recall', one._id)).lastMessage, null);
  const three = await ben.api.send(room, 'three');
  await ben.api.recall(room, three._id);
  const shown = await last();
  assert.deepEqual([shown._id, shown.messageType, shown.message], [three._id, 'recall', '']);
});

test('a recalled message moves to the front of what is new in history v3', async () => {
  const room = await freshRoom();
  const sent = [];
  for (const text of ['one', 'two', 'three']) { sent.push(await ben.api.send(room, text)); await sleep(3); }
  const since = new Date(Date.now()).toISOString();
  await sleep(5);
  await ben.api.recall(room, sent[0]._id);
  assert.equal((await cho.api.history(room, '?limit=1')).data[0]._id, sent[0]._id);
  const changed = await cho.api.history(room, `?afterTime=${encodeURIComponent(since)}`);
  assert.deepEqual(changed.data.map((one) => one._id), [sent[0]._id]);
  const bySending = await cho.api.history(room, `?afterTime=${encodeURIComponent(since)}&timeRangeField=messageTime`);
  assert.deepEqual(bySending.data, []);
});

test('a recall over the WebSocket answers and fans out the same', async () => {
  const room = await freshRoom();
  const [author, reader] = [await Device.follow(server, APP, ben, room), await Device.follow(server, APP, cho, room)];
  const sent = await author.do({ op: 'send', room, messageType: 'text', message: SECRET });
  const result = await author.do({ op: 'recall', room, _id: sent._id, isDelete: true, extra: 'e', reason: 'r' });
  assert.deepEqual([result._id, result.message, result.messageType, result.sender._id], [sent._id, '', 'recall', 'ben']);
  const frame = await reader.waitEvent('recall', sent._id);
  assert.deepEqual([frame.content.isDelete, frame.content.extra], [true, 'e']);
  assert.deepEqual(lasting(await author.do({ op: 'recall', room, _id: sent._id })), lasting(result));
  await reader.refused(403, 'INSUFFICIENT_PERMISSION', { op: 'recall', room,
    _id: (await author.do({ op: 'send', room, messageType: 'text', message: 'mine' }))._id });
  await author.refused(404, 'MESSAGE_NOT_FOUND', { op: 'recall', room, _id: 'nothing-here' });
});

test('an id that the server has not seen is 404 unless recall_unseen says otherwise', async () => {
  const room = await freshRoom();
  for (const api of [ben.api, admin]) {
    await api.fails([404, 'MESSAGE_NOT_FOUND'], 'POST', `/rooms/${room}/message`, { _id: 'never-sent', messageType: 'recall' });
  }
});

// Bad input: the envelope, the code, and the field by name; the server stays as it was.
import assert from 'node:assert/strict';
import { APP, Api, fileServer, eventually, makeRoom, makeUsers, platform, test } from './lib/suite.mjs';

const server = await fileServer();
const admin = platform(server, APP);
const { ann, ben } = await makeUsers(server, APP, 'ann', 'ben');
const room = await makeRoom(ann, [ben]);
const SEND = ['POST', `/rooms/${room}/message`];
const text = { message: 'x', messageType: 'text' };
const plain = (headers) => new Api(server.base, headers);
const nested = (depth) => '['.repeat(depth) + ']'.repeat(depth);

test('no key and no token is 401 INVALID_AUTH', async () => {
  await plain().fails([401, 'INVALID_AUTH'], ...SEND, text);
  await plain().fails([401, 'INVALID_AUTH'], 'POST', '/admin/clients', { _id: 'x' });
  await plain().fails([401, 'INVALID_AUTH'], 'GET', '/rooms');
});

test('the client key alone is never sufficient', async () => {
  await plain({ 'IM-CLIENT-KEY': APP.client_key }).fails([401, ['INVALID_AUTH', 'INVALID_TOKEN']], ...SEND, text);
  await plain({ 'IM-CLIENT-KEY': APP.client_key }).fails([[401, 403]], 'POST', '/admin/clients', { _id: 'x' });
});

test('a token alone is not sufficient', async () => {
  await plain({ 'IM-Authorization': ann.token }).fails([401, ['INVALID_AUTH', 'INVALID_CLIENT_KEY']], ...SEND, text);
});

test('wrong keys and tokens are told apart', async () => {
  await plain({ 'IM-API-KEY': 'wrong' }).fails([401, 'INVALID_API_KEY'], ...SEND, text);
  await plain({ 'IM-API-KEY': APP.client_key }).fails([401, 'INVALID_API_KEY'], ...SEND, text);
  await plain({ 'IM-API-KEY': `${APP.api_key}x` }).fails([401, 'INVALID_API_KEY'], ...SEND, text);
  await plain({ 'IM-CLIENT-KEY': 'wrong', 'IM-Authorization': ann.token }).fails([401, 'INVALID_CLIENT_KEY'], ...SEND, text);
  await plain({ 'IM-CLIENT-KEY': APP.client_key, 'IM-Authorization': 'wrong' }).fails([401, 'INVALID_TOKEN'], ...SEND, text);
});

test('a missing field is 400 MISSING_PARAMETER and named', async () => {
  await ann.api.fails([400, 'MISSING_PARAMETER', '_id'], ...SEND, { messageType: 'recall' });
  await admin.fails([400, 'MISSING_PARAMETER', '_id'], 'POST', '/admin/clients', { nickname: 'x' });
  await admin.fails([400, 'MISSING_PARAMETER', 'room'], 'POST', '/messages', { sender: 'ann', ...text });
  await ann.api.fails([400, 'MISSING_PARAMETER', 'message'], 'PUT', `/rooms/${room}/lastRead`, {});
  await ann.api.fails([400, 'MISSING_PARAMETER', 'messages'], 'POST', '/messages/user-delete', { room });
  await admin.fails([400, 'MISSING_PARAMETER', 'paras'], 'POST', '/messages/batch', { sender: 'ann', ...text });
});

const WRONG_TYPES = [
  ['_id', [...SEND, { _id: 5, messageType: 'recall' }]],
  ['_id', [...SEND, { _id: {}, ...text }]],
  ['_id', [...SEND, { _id: '', messageType: 'recall' }]],
  ['messageType', [...SEND, { message: 'x', messageType: 7 }]],
  ['message', [...SEND, { message: 5, messageType: 'text' }]],
  ['isDelete', [...SEND, { _id: 'abc', messageType: 'recall', isDelete: 'yes' }]],
  ['isDelete', [...SEND, { _id: 'abc', messageType: 'recall', isDelete: {} }]],
  ['reply', [...SEND, { ...text, reply: 5 }]],
  ['nickname', ['POST', '/admin/clients', { _id: 'x', nickname: [] }]],
  ['_id', ['POST', '/admin/clients', { _id: true }]],
  ['invitee', ['POST', '/rooms/createAndJoin', { name: 'x', roomType: 'group', invitee: 5 }]],
  ['roomType', ['POST', '/rooms/createAndJoin', { name: 'x', roomType: 'circus' }]],
  ['messages', ['POST', '/messages/user-delete', { room, messages: 5 }]],
  ['message', ['PUT', `/rooms/${room}/lastRead`, { message: 5 }]],
  ['value', ['PUT', `/rooms/${room}/member/ben`, { property: 'role', value: 'king' }]],
];
for (const [field, call] of WRONG_TYPES) {
  test(`a wrong value of ${field} in ${call[0]} ${call[1].replace(room, '{id}')} is 400 and named: ${JSON.stringify(call[2]).replace(room, '{id}')}`, async () => {
    const api = call[1].startsWith('/admin') ? admin : ann.api;
    await api.fails([400, undefined, field], ...call);
  });
}

test('ids and texts over their limits are 400 and named', async () => {
  const long = (bytes) => 'i'.repeat(bytes + 1);
  await admin.fails([400, undefined, '_id'], 'POST', '/admin/clients', { _id: long(64), nickname: 'x' });
  await admin.fails([400, undefined, 'nickname'], 'POST', '/admin/clients', { _id: 'long', nickname: long(256) });
  await admin.fails([400, undefined, '_id'], 'POST', '/rooms/', { _id: long(128), name: 'x', roomType: 'group' });
  await ann.api.fails([400, undefined, '_id'], ...SEND, { _id: long(64), ...text });
  await ann.api.fails([400, undefined, '_id'], ...SEND, { _id: long(64), messageType: 'recall' });
  await ann.api.fails([400, undefined, 'extra'], ...SEND, { ...text, extra: 'e'.repeat(16 * 1024 + 1) });
  const { _id: id } = await ann.api.send(room, 'to recall');
  await ann.api.fails([400, undefined, 'extra'], ...SEND, { _id: id, messageType: 'recall', extra: 'e'.repeat(16 * 1024 + 1) });
  assert.equal((await ann.api.message(room, id)).messageType, 'text');
});

test('ids and texts at their limits are accepted', async () => {
  const user = await admin.post('/admin/clients', { _id: 'u'.repeat(64), nickname: 'n'.repeat(256) });
  assert.equal(user._id.length, 64);
  const made = await admin.post('/rooms/', { _id: 'r'.repeat(128), name: 'x', roomType: 'group', invitee: ['ann'] });
  assert.equal(made._id.length, 128);
  const message = await ann.api.send(made._id, 'x', { extra: 'e'.repeat(16 * 1024) });
  assert.equal(message.extra.length, 16 * 1024);
});

test('an id with a control character is 400', async () => {
  await ann.api.fails([400, undefined, '_id'], ...SEND, { _id: 'a\u0007b', ...text });
  await admin.fails([400, undefined, '_id'], 'POST', '/rooms/', { _id: 'a\nb', name: 'x', roomType: 'group' });
});

test('malformed JSON is 400 INVALID_BODY', async () => {
  for (const body of ['{', '{"a":}', '{"_id":"a"} trailing', '\u0000', '{"a":"\\ud800"}', 'messageType=recall', '{"a":1e999}']) {
    await ann.api.fails([400], ...SEND, body);
  }
  await ann.api.fails([400], ...SEND, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]));
});

test('JSON that is no object, or an empty body, is 400', async () => {
  for (const body of ['[]', '5', '"x"', 'null', '', '   ']) await ann.api.fails([400], ...SEND, body);
});

test('JSON deeper than 64 is 400; within it passes', async () => {
  await ann.api.fails([400], ...SEND, `{"message":"x","messageType":"text","any":${nested(70)}}`);
  await ann.api.fails([400], ...SEND, `{"message":"x","messageType":"text","any":${nested(50000)}}`);
  await admin.post('/admin/clients', `{"_id":"deep","nickname":"Deep","any":${nested(60)}}`);
});

test('an unknown path is 404, a wrong method 404 or 405, both in the envelope', async () => {
  for (const path of ['/', '/nothing', '/rooms/x/nothing', '/admin', '/admin/clients/x/y/z', '/rooms/x/message/extra']) {
    await admin.fails([404], 'GET', path);
  }
  for (const [method, path] of [['PUT', `/rooms/${room}/message`], ['GET', '/admin/clients/list'], ['DELETE', '/messages'], ['POST', '/admin/stats']]) {
    await admin.fails([[404, 405]], method, path, {});
  }
});

test('percent-encoding in a path is decoded once; bad encoding is 400 or 404', async () => {
  for (const path of ['/rooms/%zz/messages/v3', '/rooms/%/messages/v3', '/rooms/%00/messages/v3', '/rooms/%ff%fe/messages/v3']) {
    await admin.fails([[400, 404]], 'GET', path);
  }
  await admin.fails([[400, 403, 404]], 'GET', '/rooms/..%2f..%2fetc/messages/v3');
});

test('SQL in ids and texts is only text', async () => {
  const id = "x'); DROP TABLE messages;--";
  const message = await ann.api.send(room, "'; DELETE FROM rooms; --", { _id: id });
  assert.equal(message._id, id);
  await ben.api.history(room, `?beforeMessage=${encodeURIComponent(id)}`);
  assert.equal((await ben.api.message(room, encodeURIComponent(id)) ?? message)._id, id);
  await admin.fails([404], 'GET', `/rooms/${encodeURIComponent("' OR '1'='1")}`);
  assert.equal((await ben.api.history(room, '?limit=1')).data[0]._id, id);
});

test('an answer with an error has a log line with a request id', async () => {
  const { headers } = await plain({ 'IM-API-KEY': 'wrong-key-for-the-log' }).call(...SEND, text);
  const id = headers['x-request-id'];
  assert.ok(id, 'the answer tells its request id');
  const line = await eventually('its log line', () => server.logLines().find((one) => one.includes(id)));
  assert.ok(Object.values(JSON.parse(line)).includes(id));
  assert.ok(!line.includes('wrong-key-for-the-log'));
});

// The recall exactly as IMKit's page shows it: both authentications, axios and curl, field for field.
import assert from 'node:assert/strict';
import axios from 'axios';
import { APP, checkOk, curl, fileServer, makeRoom, makeUsers, newId, platform, sleep, test } from './lib/suite.mjs';

const server = await fileServer();
const admin = platform(server, APP);
const { sss, ben } = await makeUsers(server, APP, 'sss', 'ben');
await admin.post('/admin/clients', { _id: 'sss', nickname: 'Nita', avatarUrl: 'http://loremflickr.com/240/240/style?1558435839' });
await makeRoom(sss, [ben], { _id: 'demo-room' });

/** A message by sss under an id of the form of the page's. */
async function sent() {
  const id = newId();
  const message = await sss.api.post('/rooms/demo-room/message', { _id: id, message: 'a secret to take back', messageType: 'text' });
  assert.equal(message._id, id);
  await sleep(3);
  return message;
}

/** The answer's result must be the page's, for this original. */
function checkResult(result, original, sender) {
  assert.equal(result._id, original._id);
  assert.equal(result.id, original._id);
  assert.equal(result.message, '');
  assert.equal(result.room, 'demo-room');
  assert.equal(result.messageType, 'recall');
  assert.equal(result.appID, 'SampleApp');
  assert.equal(result.messageTimeMS, original.messageTimeMS);
  assert.equal(result.createdAtMS, original.createdAtMS);
  assert.ok(Number.isInteger(result.updatedAtMS) && result.updatedAtMS > original.messageTimeMS);
  if (sender === null) {
    assert.equal(result.sender, null);
    return;
  }
  assert.equal(result.sender._id, sender);
  assert.equal(result.sender.id, sender);
  assert.equal(result.sender.nickname, 'Nita');
  assert.equal(result.sender.avatarUrl, 'http://loremflickr.com/240/240/style?1558435839');
  assert.equal(result.sender.isRobot, false);
  assert.equal(typeof result.sender.lastLoginTimeMS, 'number');
}

test('a sent message carries the fields of a message object', async () => {
  const message = await sent();
  assert.equal(message.message, 'a secret to take back');
  assert.equal(message.messageType, 'text');
  assert.equal(message.room, 'demo-room');
  assert.equal(message.id, message._id);
  assert.equal(message.appID, 'SampleApp');
  assert.equal(message.sender._id, 'sss');
  assert.equal(message.sender.nickname, 'Nita');
  for (const field of ['messageTimeMS', 'createdAtMS', 'updatedAtMS']) {
    assert.ok(Math.abs(Date.now() - message[field]) < 60000, `${field}: ${message[field]}`);
  }
});

test('axios with client authentication: the call and the answer of the page', async () => {
  const original = await sent();
  const response = await axios.post(`${server.base}/rooms/demo-room/message`,
    { _id: original._id, messageType: 'recall' },
    { headers: { 'IM-CLIENT-KEY': APP.client_key, 'IM-Authorization': sss.token,
      'Content-Type': 'application/json; charset=utf-8' } });
  checkResult(checkOk(response), original, 'sss');
});

test('axios with the platform key: the call and the answer of the page', async () => {
  const original = await sent();
  const response = await axios.post(`${server.base}/rooms/demo-room/message`,
    { _id: original._id, messageType: 'recall' },
    { headers: { 'IM-API-KEY': APP.api_key, 'Content-Type': 'application/json; charset=utf-8' } });
  checkResult(checkOk(response), original, null);
});

const DATA = (id) => `{"_id": "${id}", "messageType": "recall"}`;

test('curl with client authentication', async () => {
  const original = await sent();
  const answer = await curl('-X', 'POST', `${server.base}/rooms/demo-room/message`,
    '-H', `IM-CLIENT-KEY: ${APP.client_key}`, '-H', `IM-Authorization: ${sss.token}`,
    '-H', 'Content-Type: application/json; charset=utf-8', '-d', DATA(original._id));
  assert.equal(answer.status, 200, answer.body);
  assert.match(answer.headers, /^content-type: application\/json; ?charset=utf-8\s*$/im);
  const body = JSON.parse(answer.body);
  assert.deepEqual([body.RC, body.RM], [0, 'OK']);
  checkResult(body.result, original, 'sss');
});

test('curl with the platform key', async () => {
  const original = await sent();
  const answer = await curl('-X', 'POST', `${server.base}/rooms/demo-room/message`,
    '-H', `IM-API-KEY: ${APP.api_key}`, '-H', 'Content-Type: application/json; charset=utf-8', '-d', DATA(original._id));
  assert.equal(answer.status, 200, answer.body);
  checkResult(JSON.parse(answer.body).result, original, null);
});

test('with the platform key the sender of the answer is the one that the body names', async () => {
  const original = await sent();
  const result = await admin.recall('demo-room', original._id, { sender: 'sss' });
  checkResult(result, original, 'sss');
});

test('the token is accepted as IM-Authorization, Authorization and Authorization: Bearer', async () => {
  for (const header of [{ 'IM-Authorization': sss.token }, { Authorization: sss.token }, { Authorization: `Bearer ${sss.token}` }]) {
    const original = await sent();
    const response = await axios.post(`${server.base}/rooms/demo-room/message`,
      { _id: original._id, messageType: 'recall' }, { headers: { 'IM-CLIENT-KEY': APP.client_key, ...header } });
    checkResult(checkOk(response), original, 'sss');
  }
});

test('a body without a content type is read as JSON all the same', async () => {
  const original = await sent();
  const answer = await curl('-X', 'POST', `${server.base}/rooms/demo-room/message`,
    '-H', `IM-API-KEY: ${APP.api_key}`, '-H', 'Content-Type:', '-d', DATA(original._id));
  assert.equal(answer.status, 200, answer.body);
});

test('after the answer every read shows the recalled object and no trace of the content', async () => {
  const original = await sent();
  const result = await sss.api.recall('demo-room', original._id);
  for (const answer of [await ben.api.message('demo-room', original._id),
    (await ben.api.history('demo-room', '?limit=1')).data[0]]) {
    assert.equal(answer._id, original._id);
    assert.equal(answer.message, '');
    assert.equal(answer.messageType, 'recall');
    assert.equal(answer.updatedAtMS, result.updatedAtMS);
  }
});

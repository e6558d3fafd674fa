// Who may recall: the author within the window, owner and managers, the platform key; nobody else.
import assert from 'node:assert/strict';
import { APP, OTHER_APP, fileServer, makeRoom, makeUsers, newId, platform, sleep, test } from './lib/suite.mjs';

const server = await fileServer({ apps: [{ ...APP, recall_window: 2 }, { ...OTHER_APP, recall_window: 0 }] });
const admin = platform(server, APP);
const { ann, ben, cho, dan, eve } = await makeUsers(server, APP, 'ann', 'ben', 'cho', 'dan', 'eve');
const room = await makeRoom(ann, [ben, cho, dan]); // ann owns it; eve is no member
const WINDOW_PASSED_MS = 2200;

const recallBy = (who, id, where = room) => who.api.call('POST', `/rooms/${where}/message`, { _id: id, messageType: 'recall' });

async function checkRefused(who, id, [status, code]) {
  await who.api.fails([status, code], 'POST', `/rooms/${room}/message`, { _id: id, messageType: 'recall' });
  const message = await ann.api.message(room, id);
  assert.equal(message.messageType, 'text', 'a refused recall changes nothing');
  assert.equal(message.message, 'keep or take');
}

async function checkAllowed(who, id) {
  const answer = await recallBy(who, id);
  assert.equal(answer.status, 200, JSON.stringify(answer.data));
  assert.equal(answer.data.result.sender._id, who.id);
}

test('the author may, within the window', async () => {
  let answer;
  let began;
  do { // again if the window passed because the machine stood still
    began = Date.now();
    answer = await recallBy(ben, (await ben.api.send(room, 'keep or take'))._id);
  } while (answer.status !== 200 && Date.now() - began >= 2000);
  assert.equal(answer.status, 200, JSON.stringify(answer.data));
  assert.equal(answer.data.result.sender._id, ben.id);
});

test('the author may not after the window, and is told so', async () => {
  const { _id: id } = await ben.api.send(room, 'keep or take');
  await sleep(WINDOW_PASSED_MS);
  await checkRefused(ben, id, [403, 'INSUFFICIENT_PERMISSION']);
  const answer = await recallBy(ben, id);
  assert.match(answer.data.RM, /\d|window|time|late|long|second|minute/i, `the sentence says why: ${answer.data.RM}`);
});

test('an edit does not open the window again', async () => {
  const { _id: id } = await ben.api.send(room, 'first words');
  await sleep(WINDOW_PASSED_MS);
  await ben.api.send(room, 'keep or take', { _id: id });
  await checkRefused(ben, id, [403, 'INSUFFICIENT_PERMISSION']);
});

test('a window of 0 has no limit', async () => {
  const { ann: other } = await makeUsers(server, OTHER_APP, 'ann');
  const where = await makeRoom(other);
  const { _id: id } = await other.api.send(where, 'old words');
  await sleep(WINDOW_PASSED_MS);
  assert.equal((await recallBy(other, id, where)).status, 200);
});

test('the owner of the room may at any time', async () => {
  const { _id: id } = await ben.api.send(room, 'keep or take');
  await sleep(WINDOW_PASSED_MS);
  await checkAllowed(ann, id);
});

for (const role of ['manager', 'admin']) {
  test(`a ${role} of the room may at any time, until made a member again`, async () => {
    const [first, second] = [await ben.api.send(room, 'keep or take'), await ben.api.send(room, 'keep or take')];
    await checkRefused(cho, first._id, [403, 'INSUFFICIENT_PERMISSION']);
    await ann.api.put(`/rooms/${room}/member/cho`, { property: 'role', value: role });
    await sleep(WINDOW_PASSED_MS);
    await checkAllowed(cho, first._id);
    await admin.put(`/rooms/${room}/member/cho`, { property: 'role', value: 'member' });
    await checkRefused(cho, second._id, [403, 'INSUFFICIENT_PERMISSION']);
  });
}

test('a plain member may not give roles', async () => {
  await ben.api.fails([403, 'INSUFFICIENT_PERMISSION'], 'PUT', `/rooms/${room}/member/ben`, { property: 'role', value: 'manager' });
});

test('another member may not, not even within the window', async () => {
  const { _id: id } = await ben.api.send(room, 'keep or take');
  await checkRefused(dan, id, [403, 'INSUFFICIENT_PERMISSION']);
});

test('the platform key may at any time', async () => {
  const { _id: id } = await ben.api.send(room, 'keep or take');
  await sleep(WINDOW_PASSED_MS);
  const result = await admin.recall(room, id);
  assert.equal(result.messageType, 'recall');
});

test('someone outside the room may not, and learns nothing of the room', async () => {
  const { _id: id } = await ben.api.send(room, 'keep or take');
  await checkRefused(eve, id, [403, 'NOT_ROOM_MEMBER']);
  const real = await recallBy(eve, id);
  const guess = await recallBy(eve, id, `room-${newId()}`);
  assert.equal(guess.status, real.status);
  assert.equal(guess.data.error.code, real.data.error.code, 'a missing room looks the same');
});

test('an author who was removed from the room may not', async () => {
  const where = await makeRoom(ann, [ben]);
  const { _id: id } = await ben.api.send(where, 'keep or take');
  await ann.api.post(`/rooms/${where}/delete/members`, { members: ['ben'] });
  await ben.api.fails([403, 'NOT_ROOM_MEMBER'], 'POST', `/rooms/${where}/message`, { _id: id, messageType: 'recall' });
});

test('a message of another room is a missing message', async () => {
  const where = await makeRoom(ann, [ben]);
  const { _id: id } = await ann.api.send(where, 'keep or take');
  for (const api of [ann.api, admin]) {
    await api.fails([404, 'MESSAGE_NOT_FOUND'], 'POST', `/rooms/${room}/message`, { _id: id, messageType: 'recall' });
  }
  assert.equal((await ann.api.message(where, id)).message, 'keep or take');
});

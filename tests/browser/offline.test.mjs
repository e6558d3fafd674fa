// A window that was away: what was recalled meanwhile never shows in it, not for a moment; and a reload resumes.
import assert from 'node:assert/strict';
import { eventually, newId, sleep, test } from '../e2e/lib/suite.mjs';
import { stage } from './window.mjs';

const self = await stage();

function withBoth(name, story) {
  return test(name, async () => {
    const [ann, ben] = await Promise.all([self.window('ann'), self.window('ben')]);
    await story(ann, ben);
    await ann.close();
    await ben.close();
  }, { timeout: 90000 });
}

const lastLine = (window) => window.at('room-last-line').first().textContent();
/** Ann writes a message and takes it back; its id and text. */
async function sendAndTakeBack(ann, item) {
  const text = `the safe's number is ${newId()}`;
  const id = await ann.send(text);
  await ann.choose(id, item);
  await ann.gone(id);
  return { id, text };
}

withBoth('switched off, a window says so, keeps what it shows and hears nothing', async (ann, ben) => {
  const id = await ann.send(`before ${newId()}`);
  await ben.message(id).waitFor();
  assert.equal(await ben.at('offline-switch').getAttribute('aria-checked'), 'true');
  await ben.goOffline();
  assert.equal(await ben.at('offline-switch').getAttribute('aria-checked'), 'false');
  assert.match(await ben.at('connection').innerText(), /Offline/);
  await ben.at('offline-line').waitFor();
  const heard = ben.received.length;
  const later = await ann.send(`meanwhile ${newId()}`);
  await sleep(500);
  assert.equal(ben.received.length, heard);
  assert.equal(await ben.message(later).count(), 0);
  assert.equal(await ben.message(id).count(), 1);
  await ben.goOnline();
  await ben.message(later).waitFor();
  assert.equal(await ben.at('offline-line').isVisible(), false);
});

withBoth('what was sent and recalled meanwhile is a gray bar from its first moment', async (ann, ben) => {
  await ben.goOffline();
  const gone = await sendAndTakeBack(ann, 'menu-recall');
  const removed = await sendAndTakeBack(ann, 'menu-delete');
  const stays = `still here ${newId()}`;
  const after = await ann.send(stays);
  const heard = ben.received.length;
  await ben.goOnline();
  await ben.message(after).waitFor();
  assert.match(await ben.noticeText(gone.id), /^Ann recalled a message/);
  assert.equal(await ben.message(removed.id).count() + await ben.notice(removed.id).count(), 0);
  await sleep(500);
  for (const { text } of [gone, removed]) {
    assert.equal(await ben.everSeen(text), false, 'never in the document');
    assert.ok(!ben.received.slice(heard).join('').includes(text), 'nor on the wire');
  }
  assert.ok(await ben.everSeen(stays), 'what is there is noticed by this test');
});

withBoth('what stood in the window turns into a gray bar when it comes back, quotes and last line too', async (ann, ben) => {
  const text = `wrong window ${newId()}`;
  const id = await ann.send(text);
  await ben.message(id).waitFor();
  await ben.choose(id, 'menu-reply');
  const answer = await ben.send(`what do you mean? ${newId()}`);
  const last = await ann.send(`last line ${newId()}`);
  await ben.message(last).waitFor();
  await ben.goOffline();
  await ann.choose(id, 'menu-recall');
  await ann.choose(last, 'menu-delete');
  await ann.gone(last);
  assert.equal(await ben.message(id).count(), 1, 'it cannot know yet');
  await ben.goOnline();
  await ben.notice(id).waitFor();
  await ben.gone(last);
  await ben.message(answer).locator('[data-testid="quote"][data-cleared="true"]').waitFor();
  assert.ok(!(await ben.page.content()).includes(text));
  assert.match(await lastLine(ben), /what do you mean/);
});

withBoth('what is written while switched off goes out, once, when the window comes back', async (ann, ben) => {
  await ben.goOffline();
  const text = `written in a tunnel ${newId()}`;
  await ben.at('composer').fill(text);
  await ben.at('composer').press('Enter');
  await ben.at('pending-message').waitFor();
  assert.match(await ben.at('pending-message').innerText(), /waits until you are online/);
  await sleep(300);
  assert.ok(!(await ann.text()).includes(text));
  await ben.goOnline();
  const id = await ann.idOf(text);
  await ben.message(id).waitFor();
  await ben.at('pending-message').waitFor({ state: 'detached' });
  await sleep(300);
  assert.equal(await ann.at('message-text').filter({ hasText: text }).count(), 1);
});

withBoth('a recall is refused while switched off, and says why', async (ann, ben) => {
  const id = await ben.send(`mine ${newId()}`);
  await ben.goOffline();
  await ben.choose(id, 'menu-recall');
  await ben.at('toast').waitFor();
  assert.match(await ben.at('toast').innerText(), /offline/i);
  await ben.goOnline();
  await ben.choose(id, 'menu-recall');
  await ann.notice(id).waitFor();
});

withBoth('a reload resumes where the window had got to, and shows nothing that was recalled meanwhile', async (ann, ben) => {
  const shown = `seen before the reload ${newId()}`;
  const early = await ann.send(shown);
  await ben.message(early).waitFor();
  await sleep(1300); // the cursor is in the storage
  await ben.goOffline();
  const meanwhile = await sendAndTakeBack(ann, 'menu-recall');
  await ann.choose(early, 'menu-recall');
  await ann.notice(early).waitFor();
  const next = await ann.send(`after ${newId()}`);
  const devices = () => [...new Set(ben.sent.filter((one) => one.includes('"op":"auth"')).map((one) => JSON.parse(one).device))];
  ben.sent.length = 0;
  ben.received.length = 0;
  await ben.reload();
  await ben.message(next).waitFor();
  await Promise.all([ben.notice(early).waitFor(), ben.notice(meanwhile.id).waitFor()]);
  const subscribe = JSON.parse(ben.sent.find((one) => one.includes('"op":"subscribe"')));
  const { seq } = subscribe.since['demo-room'];
  const numbers = ben.received.map((one) => JSON.parse(one)).filter((one) => one.op === 'event' && one.room === 'demo-room').map((one) => one.seq);
  assert.deepEqual(numbers, numbers.map((_, index) => seq + 1 + index), 'no gap and no repeat after the stored cursor');
  assert.ok(numbers.length >= 4, 'two recalls, two messages');
  for (const text of [shown, meanwhile.text]) {
    assert.equal(await ben.everSeen(text), false);
    assert.ok(!ben.received.join('').includes(text));
  }
  assert.equal(devices().length, 1, 'the same device as before');
  await eventually('the ack of what was missed', () => ben.sent.some((one) => one.includes('"op":"ack"') && JSON.parse(one).seq >= seq + numbers.length));
});

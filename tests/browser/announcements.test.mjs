// The system's conversation: what a back end sends to everyone in RongCloud's dialect, and takes back, as windows show it; and the operator's panel.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { post } from '../interop/lib.mjs';
import { eventually, newId, sleep, test } from '../e2e/lib/suite.mjs';
import { DEMO, ELSEWHERE, stage } from './window.mjs';

const shell = promisify(execFile);
const FREE = Object.fromEntries(['BROADCASTS_PER_HOUR', 'BROADCASTS_PER_DAY', 'BROADCAST_RECALLS_PER_HOUR', 'BROADCAST_RECALLS_PER_DAY']
  .map((name) => [`RECALLD_APP_SAMPLEAPP_${name}`, '0']));
const self = await stage(FREE);
const limited = await stage();
const LIMIT = { timeout: 90000 };
const ROOM = '[data-room="~announcements"]';

const roomRow = (window) => window.at('room', ROOM);
const lastLine = async (window) => (await roomRow(window).locator('[data-testid="room-last-line"]').textContent()).trim();
const unread = (window) => roomRow(window).evaluate((row) => parseInt(row.querySelector('[data-testid="room-unread"]')?.textContent ?? '0', 10));

/** Opens the announcements, and the operator's panel there. */
async function operate(window) {
  await roomRow(window).click();
  await window.at('operator-toggle').click();
  await window.at('operator-panel').waitFor();
}

/** Sends to everyone by the panel; the id that the server answered. */
async function announce(window, text) {
  await window.at('operator-text').fill(text);
  await window.at('operator-send').click();
  const answer = await eventually('the answer', async () => /messageUID: (\S+)/.exec(await window.at('operator-sent').textContent())?.[1]);
  assert.match(answer, /^[0-9A-V]{4}(-[0-9A-V]{4}){3}$/);
  await window.message(answer).waitFor();
  return answer;
}

/** A send by a back end. */
async function backEnd(path, fields) {
  const answer = await post(self.server, DEMO, path, fields);
  assert.equal(answer.status, 200, JSON.stringify(answer.data));
  return answer.data;
}

function withBoth(name, story) {
  return test(name, async () => {
    const [ann, ben] = await Promise.all([self.window('ann'), self.window('ben')]);
    await story(ann, ben);
    await ann.close();
    await ben.close();
  }, LIMIT);
}

withBoth('a broadcast shows in every window, counts as unread where nobody looks, and its recall is a gray bar', async (ann, ben) => {
  await operate(ann);
  const text = `the office closes at noon ${newId()}`;
  const uid = await announce(ann, text);
  await eventually('the line among the rooms', async () => (await lastLine(ben)) === `News: ${text}`);
  assert.equal(await unread(ben), 1);
  await roomRow(ben).click();
  await ben.message(uid).waitFor();
  assert.equal((await ben.message(uid).locator('[data-testid="message-text"]').textContent()).trim(), text);
  await eventually('read', async () => await unread(ben) === 0);
  assert.equal(await ann.at('operator-target-id').textContent(), uid);
  await ann.at('operator-recall').click();
  for (const window of [ann, ben]) {
    assert.match(await window.noticeText(uid), /^News recalled a message/);
    await window.gone(uid);
    assert.ok(!(await window.page.content()).includes(text), 'not hidden in the markup either');
  }
  assert.match(await ann.at('operator-recalled').textContent(), /gray bar/);
  assert.equal(await lastLine(ben), 'News recalled a message');
});

withBoth('with isDelete nothing is left in any window', async (ann, ben) => {
  await operate(ann);
  await roomRow(ben).click();
  const text = `never said ${newId()}`;
  const uid = await announce(ann, text);
  await ben.message(uid).waitFor();
  await ann.at('operator-delete').check();
  await ann.at('operator-recall').click();
  for (const window of [ann, ben]) {
    await window.gone(uid);
    assert.equal(await window.notice(uid).count(), 0);
    assert.ok(!(await window.text()).includes(text));
  }
});

withBoth('the curl lines do what the buttons do', async (ann, ben) => {
  await operate(ann);
  await roomRow(ben).click();
  const text = `it's $(echo by hand) & "quoted" ${newId()}`;
  await ann.at('operator-text').fill(text);
  const code = (name) => eventually(`the line of ${name}`, async () => (await ann.at(name).textContent()).includes('Signature: ') && ann.at(name).textContent());
  await eventually('the text in the line', async () => (await code('operator-send-code')).includes(text.slice(-24)));
  const sent = JSON.parse((await shell('/bin/sh', ['-c', `${await code('operator-send-code')} -sS`])).stdout);
  assert.equal(sent.code, 200, JSON.stringify(sent));
  assert.equal(await ben.idOf(text), sent.messageUID);
  await eventually('the id in the line', async () => (await code('operator-recall-code')).includes(sent.messageUID));
  assert.deepEqual(JSON.parse((await shell('/bin/sh', ['-c', `${await code('operator-recall-code')} -sS`])).stdout), { code: 200 });
  await ben.notice(sent.messageUID).waitFor();
});

withBoth('what is sent to one user alone stands among that user\'s announcements', async (ann, ben) => {
  const text = `for Ann alone ${newId()}`;
  const { messageUIDs: [{ messageUID }] } = await backEnd('/message/system/publish.json', {
    fromUserId: 'System', toUserId: 'ann', objectName: 'RC:TxtMsg', content: JSON.stringify({ content: text }) });
  await eventually('the line', async () => (await lastLine(ann)) === `System: ${text}`);
  await Promise.all([ann, ben].map((window) => roomRow(window).click()));
  await ann.message(messageUID).waitFor();
  assert.equal(await ben.message(messageUID).count(), 0);
  await backEnd('/message/recall.json', { fromUserId: 'System', conversationType: 6, targetId: 'ann', messageUID });
  assert.match(await ann.noticeText(messageUID), /^System recalled/);
});

withBoth('nobody writes there: no message box, no menu; and the room beside it has both', async (ann, ben) => {
  await operate(ann);
  const uid = await announce(ann, `read only ${newId()}`);
  assert.equal(await ann.at('composer').isVisible(), false);
  assert.equal(await ann.message(uid).locator('[data-testid="message-menu"]').count(), 0);
  await ann.at('room', '[data-room="demo-room"]').click();
  await ann.at('composer').waitFor();
  await ben.message(await ann.send(`on ${newId()}`)).waitFor();
});

withBoth('a window that was off never shows what was announced and recalled meanwhile', async (ann, ben) => {
  await operate(ann);
  await roomRow(ben).click();
  await ben.goOffline();
  const text = `gone before you came ${newId()}`;
  const uid = await announce(ann, text);
  await ann.at('operator-recall').click();
  await ann.notice(uid).waitFor();
  await ben.goOnline();
  await ben.notice(uid).waitFor();
  await sleep(300);
  assert.equal(await ben.everSeen(text), false);
});

withBoth('a private message of this dialect opens a conversation named by the other, and what is no text is named', async (ann, ben) => {
  const sent = await backEnd('/message/private/publish.json', {
    fromUserId: 'ben', toUserId: 'ann', objectName: 'RC:ImgMsg', content: JSON.stringify({ content: '', imageUri: 'https://127.0.0.1/one.jpg' }) });
  const row = ann.at('room', '[data-room="~private/ann/ben"]');
  await eventually('the conversation', async () => await row.count() === 1 && (await row.innerText()).includes('Ben: Photo'));
  assert.equal(await row.locator('.room-name').textContent(), 'Ben');
  await row.click();
  await ann.message(sent.messageUIDs[0].messageUID).waitFor();
  const answer = await ann.send(`a fine picture ${newId()}`);
  await ben.at('room', '[data-room="~private/ann/ben"]').click();
  await ben.message(answer).waitFor();
  await ann.choose(answer, 'menu-recall');
  await ben.notice(answer).waitFor();
  assert.match(await ben.noticeText(answer), /^Ann recalled/);
});

test('the quota is told in the server\'s sentence', async () => {
  const ann = await limited.window('ann', { expectErrors: true });
  await operate(ann);
  for (const text of ['one', 'two']) await announce(ann, text);
  await ann.at('operator-text').fill('three');
  await ann.at('operator-send').click();
  const told = await eventually('the refusal', async () => {
    const line = await ann.at('operator-sent').textContent();
    return line.includes('1008') && line;
  });
  assert.match(told, /\d/);
  assert.equal(await ann.at('operator-text').inputValue(), 'three', 'what was written is kept');
  await ann.picture('operator-quota');
  await ann.close();
}, LIMIT);

test('where a page may not sign, the panel says why instead', async () => {
  const ann = await self.window('ann', { host: ELSEWHERE });
  await operate(ann);
  assert.equal(await ann.at('operator-unable').isVisible(), true);
  assert.match(await ann.at('operator-unable').innerText(), /http:\/\/127\.0\.0\.1/);
  assert.equal(await ann.at('operator-text').isVisible(), false);
  await ann.close();
}, LIMIT);

test('the panel by keyboard: opened it has the focus, Escape gives it back; answers are spoken, fields have names', async () => {
  const ann = await self.window('ann');
  await roomRow(ann).focus();
  await ann.page.keyboard.press('Enter');
  await ann.at('operator-toggle').focus();
  await ann.page.keyboard.press('Enter');
  const focused = () => ann.page.evaluate(() => document.activeElement.dataset.testid);
  assert.equal(await focused(), 'operator-text');
  await ann.page.keyboard.type('typed');
  await ann.page.keyboard.press('Tab');
  assert.equal(await focused(), 'operator-send');
  await ann.page.keyboard.press('Escape');
  assert.equal(await focused(), 'operator-toggle');
  assert.equal(await ann.at('operator-toggle').getAttribute('aria-expanded'), 'false');
  assert.equal(await ann.at('operator-sent').getAttribute('role'), 'status');
  assert.equal(await ann.page.evaluate(() => document.getElementById('operator-text').labels[0].innerText), 'Announcement');
  await ann.close();
}, LIMIT);

for (const [width, height] of [[1280, 800], [360, 640]]) {
  for (const colorScheme of ['light', 'dark']) {
    test(`at ${width} px, ${colorScheme}: nothing sticks out of the announcements and the panel`, async () => {
      const ann = await self.window('ann', { width, height, colorScheme });
      const menu = ann.page.locator('#side-open');
      if (await menu.isVisible()) await menu.click();
      await operate(ann);
      const text = `The harbour party moves to Saturday. ${newId()}`;
      const uid = await announce(ann, text);
      await ann.page.locator('.operator-more').first().evaluate((one) => { one.open = true; });
      const wide = () => ann.page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(await wide() <= width + 1, `${await wide()} px`);
      const box = await ann.at('operator-panel').boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= width, JSON.stringify(box));
      await ann.picture(`operator-${width}-${colorScheme}`);
      await ann.at('operator-recall').click();
      await ann.notice(uid).waitFor();
      await ann.at('operator-panel').locator('#operator-close').click();
      await ann.at('operator-toggle').click();
      await announce(ann, 'Doors open at eight.');
      await ann.at('operator-panel').locator('#operator-close').click();
      await sleep(300);
      await ann.picture(`announcements-${width}-${colorScheme}`);
      await ann.close();
    }, LIMIT);
  }
}

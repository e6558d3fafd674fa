// The story of the demo: two people, two windows, and messages that are taken back in both.
import assert from 'node:assert/strict';
import { curl, eventually, newId, test } from '../e2e/lib/suite.mjs';
import { stage } from './window.mjs';

const self = await stage();
const both = (ann, ben, act) => Promise.all([act(ann), act(ben)]);

/** Runs `story` with Ann's and Ben's windows and closes them. */
function withBoth(name, story, options) {
  return test(name, async () => {
    const [ann, ben] = await Promise.all([self.window('ann', options), self.window('ben', options)]);
    await story(ann, ben);
    await ann.close();
    await ben.close();
  }, { timeout: 90000 });
}

withBoth('messages appear in both windows', async (ann, ben) => {
  const one = await ann.send('Hello Ben');
  const two = await ben.send('Hello Ann');
  await both(ann, ben, async (window) => {
    await window.message(one).waitFor();
    await window.message(two).waitFor();
  });
  assert.equal(await ann.message(one).getAttribute('data-mine'), 'true');
  assert.equal(await ben.message(one).getAttribute('data-mine'), 'false');
});

withBoth('a recall turns the message into a gray bar in both windows', async (ann, ben) => {
  const text = `the wrong window ${newId()}`;
  const id = await ann.send(text);
  await ben.message(id).waitFor();
  await ann.choose(id, 'menu-recall');
  await both(ann, ben, (window) => window.notice(id).waitFor());
  assert.match(await ann.noticeText(id), /^You recalled a message/);
  assert.match(await ben.noticeText(id), /^Ann recalled a message/);
  await both(ann, ben, async (window) => {
    await window.gone(id);
    assert.ok(!(await window.text()).includes(text));
  });
  assert.ok(!(await ben.page.content()).includes(text), 'not hidden in the markup either');
  assert.equal(await ben.notice(id).locator('[data-testid="re-edit"]').count(), 0, 'only the author may edit again');
});

withBoth('Re-edit puts the text back for its author', async (ann, ben) => {
  const text = `Lunch at tweleve? ${newId()}`;
  const id = await ann.send(text);
  await ann.choose(id, 'menu-recall');
  await ben.notice(id).waitFor();
  await ann.notice(id).locator('[data-testid="re-edit"]').click();
  await eventually('the text in the message box', async () => (await ann.at('composer').inputValue()) === text);
  const again = await ann.send(`Lunch at twelve? ${newId()}`);
  await ben.message(again).waitFor();
});

withBoth('Delete lets the message vanish in both windows', async (ann, ben) => {
  const text = `nobody saw this ${newId()}`;
  const id = await ann.send(text);
  await ben.message(id).waitFor();
  await ann.choose(id, 'menu-delete');
  await both(ann, ben, async (window) => {
    await window.gone(id);
    assert.equal(await window.notice(id).count(), 0);
    assert.ok(!(await window.text()).includes(text));
  });
});

withBoth('a quoted copy is cleared in both windows', async (ann, ben) => {
  const text = `quote me ${newId()}`;
  const id = await ann.send(text);
  await ben.message(id).waitFor();
  await ben.choose(id, 'menu-reply');
  const answer = await ben.send(`I quoted you ${newId()}`);
  await both(ann, ben, async (window) => {
    await window.message(answer).locator('[data-testid="quote"]').waitFor();
    assert.ok((await window.message(answer).textContent()).includes(text));
  });
  await ann.choose(id, 'menu-recall');
  await both(ann, ben, async (window) => {
    await window.message(answer).locator('[data-testid="quote"][data-cleared="true"]').waitFor();
    assert.ok(!(await window.text()).includes(text));
  });
});

withBoth('a recall by the platform through curl says that an admin did it', async (ann, ben) => {
  const id = await ben.send(`against the rules ${newId()}`);
  await ann.message(id).waitFor();
  const answer = await curl('-X', 'POST', `${self.server.base}/rooms/demo-room/message`, '-H', 'IM-API-KEY: demo-api-key',
    '-H', 'Content-Type: application/json; charset=utf-8', '-d', `{"_id": "${id}", "messageType": "recall"}`);
  assert.equal(answer.status, 200, answer.body);
  await both(ann, ben, async (window) => assert.match(await window.noticeText(id), /^Admin recalled a message/));
});

withBoth('names and messages are text, never markup', async (ann, ben) => {
  const attacks = ['<img src=x onerror="window.hacked=1">', '<script>window.hacked=1</script>', '"><svg onload=window.hacked=1>', '[x](javascript:window.hacked=1)', '<b>bold</b> &amp; &lt;'];
  for (const attack of attacks) {
    const id = await ann.send(attack);
    await ben.message(id).waitFor();
    assert.equal((await ben.message(id).locator('[data-testid="message-text"]').textContent()).trim(), attack);
  }
  await self.admin.post('/admin/clients', { _id: 'cho', nickname: '<img src=x onerror="window.hacked=1">' });
  await self.admin.send('demo-room', 'from a strange name', { sender: 'cho' });
  await ben.idOf('from a strange name');
  await both(ann, ben, async (window) => {
    assert.equal(await window.page.evaluate(() => window.hacked), undefined);
    assert.equal(await window.at('log').locator('script, img[src="x"], svg[onload], b').count(), 0);
  });
  await self.admin.post('/admin/clients', { _id: 'cho', nickname: 'Cho' });
});

withBoth('keyboard alone recalls a message', async (ann, ben) => {
  const id = await ann.send(`by keyboard ${newId()}`);
  await ben.message(id).waitFor();
  await ann.message(id).locator('[data-testid="message-menu"]').focus();
  await ann.page.keyboard.press('Enter');
  await ann.at('menu').waitFor();
  await ann.at('menu-recall').focus();
  await ann.page.keyboard.press('Enter');
  await both(ann, ben, (window) => window.notice(id).waitFor());
});

withBoth('one\'s own menu has Recall and Delete, another\'s has not', async (ann, ben) => {
  const id = await ben.send(`mine to recall ${newId()}`);
  await ann.message(id).waitFor();
  await ben.message(id).hover();
  await ben.message(id).locator('[data-testid="message-menu"]').click();
  assert.equal(await ben.at('menu-recall').count(), 1);
  assert.equal(await ben.at('menu-delete').count(), 1);
  assert.ok(await ben.at('menu-reply').count() >= 1);
});

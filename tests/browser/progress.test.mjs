// The recaller sees on how many devices the message is gone, live, and on which.
import assert from 'node:assert/strict';
import { eventually, newId, test } from '../e2e/lib/suite.mjs';
import { stage } from './window.mjs';

const self = await stage();
const progress = (window, id) => window.notice(id).locator('[data-testid="recall-progress"]');
const line = async (window, id) => (await progress(window, id).textContent()).trim();
const becomes = (window, id, words) => eventually(`"${words}"`, async () => (await line(window, id)) === words);

test('the progress line counts the devices as they report, and the sheet names them', async () => {
  const [ann, ben, cho] = await Promise.all(['ann', 'ben', 'cho'].map((user) => self.window(user)));
  const id = await ann.send(`out of three ${newId()}`);
  await Promise.all([ben, cho].map((window) => window.message(id).waitFor()));
  await cho.goOffline();
  await ann.choose(id, 'menu-recall');
  await becomes(ann, id, 'gone from 2 of 3 devices');
  assert.equal(await progress(ben, id).count(), 0, 'only the recaller and who moderates the room are told');

  await progress(ann, id).click();
  await ann.at('ledger').waitFor();
  const states = () => ann.at('ledger-device').evaluateAll((rows) => rows.map((row) => `${row.querySelector('.ledger-name').textContent} ${row.dataset.state}`).sort());
  await eventually('three devices', async () => (await states()).length === 3);
  assert.deepEqual(await states(), ['Ann acked', 'Ben acked', 'Cho offline']);
  const words = await ann.at('ledger').innerText();
  assert.match(words, /A device reports that it removed the content/);
  assert.match(words, /this window/);
  assert.match(words, /Offline: it is told when it comes back/);

  await cho.goOnline();
  await cho.notice(id).waitFor();
  await eventually('the sheet follows', async () => (await states())[2] === 'Cho acked');
  assert.match(await ann.at('ledger-sum').textContent(), /^Gone from 3 of 3 devices/);
  await ann.page.keyboard.press('Escape');
  await ann.at('ledger').waitFor({ state: 'hidden' });
  await becomes(ann, id, 'gone from 3 of 3 devices');
  await Promise.all([ann, ben, cho].map((window) => window.close()));
}, { timeout: 90000 });

test('after a reload the devices can be asked for, by keyboard too', async () => {
  const [ann, ben] = await Promise.all(['ann', 'ben'].map((user) => self.window(user)));
  const id = await ann.send(`asked later ${newId()}`);
  await ben.message(id).waitFor();
  await ann.choose(id, 'menu-recall');
  await ann.notice(id).waitFor();
  await ann.reload();
  await ann.notice(id).waitFor();
  assert.match(await line(ann, id), /^(Show devices|gone from \d+ of \d+ devices)$/);
  await ann.notice(id).focus();
  await ann.page.keyboard.press('Enter');
  await ann.at('ledger-device').first().waitFor();
  assert.match(await line(ann, id), /^gone from \d+ of \d+ devices$/);
  await ann.close();
  await ben.close();
}, { timeout: 90000 });

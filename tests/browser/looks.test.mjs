// How the page looks and holds: phone width, light and dark, screen readers, a server that goes and comes back.
import assert from 'node:assert/strict';
import path from 'node:path';
import { eventually, newId, sleep, tempDir, test } from '../e2e/lib/suite.mjs';
import { stage } from './window.mjs';

const self = await stage();
const LIMIT = { timeout: 90000 };

/** How light the page's background is, 0 to 255. */
const lightness = (window) => window.page.evaluate(() => {
  for (const element of [document.body, document.documentElement]) {
    const [red, green, blue, alpha = 1] = getComputedStyle(element).backgroundColor.match(/[\d.]+/g).map(Number);
    if (alpha > 0) return (red + green + blue) / 3;
  }
  return 255;
});

/** One picture of several windows. */
async function sideBySide(windows, file) {
  const pictures = await Promise.all(windows.map(async (window) => (await window.page.screenshot()).toString('base64')));
  const page = await self.browser.newPage({ viewport: { width: 1328, height: 592 } });
  await page.setContent(`<body style="margin:0;padding:16px;display:flex;gap:16px;background:#8a93a0">${
    pictures.map((picture) => `<img style="display:block;border-radius:8px" src="data:image/png;base64,${picture}">`).join('')}</body>`);
  await page.screenshot({ path: file });
  await page.close();
}

test('the picture for the README: both windows after a recall', async () => {
  const size = { width: 640, height: 560 };
  const [ann, ben] = await Promise.all([self.window('ann', size), self.window('ben', size)]);
  await ann.send('Shall we meet at the harbour?');
  await ben.send('Yes, at noon. I bring the charts.');
  const id = await ann.send('The door code is 4711');
  await ben.message(id).waitFor();
  await ann.choose(id, 'menu-recall');
  await Promise.all([ann, ben].map((window) => window.notice(id).waitFor()));
  await ann.send('Sorry, that was for someone else.');
  await ben.idOf('Sorry, that was for someone else.');
  const progress = ann.notice(id).locator('[data-testid="recall-progress"]');
  await eventually('both reports', async () => (await progress.textContent()) === 'gone from 2 of 2 devices');
  await sleep(600); // what fades in is there
  await sideBySide([ann, ben], process.env.RECALLD_SCREENSHOT ?? path.join(tempDir('pictures'), 'readme.png'));
  await ann.close();
  await ben.close();
}, LIMIT);

test('a phone\'s width: nothing sticks out, the message box is in reach, a recall works', async () => {
  const phone = await self.window('ann', { width: 360, height: 640 });
  const id = await phone.send(`${'verylongword'.repeat(30)} ${newId()}`).catch(() => null);
  await phone.send('short');
  const { wide, view } = await phone.page.evaluate(() => ({ wide: document.documentElement.scrollWidth, view: window.innerWidth }));
  assert.ok(wide <= view + 1, `${wide} px wide in ${view}`);
  const box = await phone.at('composer').boundingBox();
  assert.ok(box && box.x >= 0 && box.x + box.width <= 360 && box.y + box.height <= 640, JSON.stringify(box));
  assert.ok(id, 'the long message was sent');
  await phone.choose(id, 'menu-recall');
  await phone.notice(id).waitFor();
  await phone.picture('phone');
  await phone.goOffline();
  for (const name of ['connection', 'offline-switch', 'curl-toggle']) {
    const one = await phone.at(name).boundingBox();
    assert.ok(one && one.x >= 0 && one.x + one.width <= 360, `${name} ${JSON.stringify(one)}`);
  }
  await phone.picture('phone-offline');
  await phone.goOnline();
  await phone.notice(id).locator('[data-testid="recall-progress"]').click();
  await phone.at('ledger-device').first().waitFor();
  const sheet = await phone.at('ledger').boundingBox();
  assert.ok(sheet.x >= 0 && sheet.x + sheet.width <= 360 && sheet.y + sheet.height <= 640, JSON.stringify(sheet));
  await phone.close();
}, LIMIT);

test('dark and light follow the system, both readable', async () => {
  const [light, dark] = [await self.window('ann'), await self.window('ben', { colorScheme: 'dark' })];
  assert.ok(await lightness(light) > 170, `light: ${await lightness(light)}`);
  assert.ok(await lightness(dark) < 85, `dark: ${await lightness(dark)}`);
  await dark.picture('dark');
  await light.picture('light');
  await light.close();
  await dark.close();
}, LIMIT);

test('a screen reader finds a log that speaks, and names for what can be pressed', async () => {
  const window = await self.window('ann');
  await window.send(`named ${newId()}`);
  const problems = await window.page.evaluate(() => {
    const name = (element) => element.getAttribute('aria-label') || element.getAttribute('title') || element.innerText?.trim()
      || element.labels?.[0]?.innerText || (element.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.innerText ?? '').join('');
    return [...document.querySelectorAll('button, select, textarea, input, a[href]')].filter((element) => !name(element)).map((element) => element.outerHTML.slice(0, 120));
  });
  assert.deepEqual(problems, []);
  const live = await window.page.evaluate(() => Boolean(document.querySelector('[role="log"], [aria-live]')));
  assert.ok(live, 'new messages are announced');
  assert.ok(await window.page.evaluate(() => document.documentElement.lang), 'the page tells its language');
  await window.close();
}, LIMIT);

test('the server goes and comes back: the page tells it, reconnects and goes on', async () => {
  const window = await self.window('ann', { expectErrors: true });
  const before = await window.send(`before ${newId()}`);
  // The first other state is kept: it may last less than one look takes.
  await window.page.evaluate(() => {
    const pill = document.querySelector('#connection');
    new MutationObserver(() => { if (pill.dataset.state !== 'online') globalThis.told ??= pill.dataset.state; }).observe(pill, { attributes: true });
  });
  await self.restart();
  await eventually('a state other than online', () => window.page.evaluate(() => globalThis.told));
  await window.online();
  await window.message(before).waitFor();
  const after = await window.send(`after ${newId()}`);
  await window.choose(after, 'menu-recall');
  await window.notice(after).waitFor();
  await window.close();
}, LIMIT);

test('a phone that lost its connection shows when it tries again, and the whole name of the room', async () => {
  const phone = await self.window('ann', { width: 360, height: 640, expectErrors: true });
  await eventually('the name', async () => await phone.page.locator('#room-title').textContent() === 'Demo room');
  await phone.page.context().setOffline(true);
  await phone.page.evaluate(() => window.dispatchEvent(new Event('offline')));
  await self.restart();
  // Both texts and the title in one look: the next try may be a blink away.
  const waits = () => phone.page.evaluate(() => {
    const title = document.querySelector('#room-title');
    const text = (id) => document.querySelector(id).textContent;
    return /^Retry in \d+s$/.test(text('#connection-text'))
      ? { title: title.textContent, whole: title.scrollWidth <= title.clientWidth, status: text('#connection-status') } : null;
  });
  let seen = null;
  await eventually('the wait', async () => { seen = await waits(); return seen !== null; }, 20000);
  assert.deepEqual(seen, { title: 'Demo room', whole: true, status: 'Reconnecting' });
  await phone.picture('phone-waits');
  await phone.page.context().setOffline(false);
  await phone.online();
  await phone.close();
}, LIMIT);

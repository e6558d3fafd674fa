// One browser window of the demo page, by the page's hooks (clients/demo/README.md).
import path from 'node:path';
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { chromium } from 'playwright-core';
import { Api, ROOT, eventually, startServer, tempDir } from '../e2e/lib/suite.mjs';

const CHROMIUM = process.env.RECALLD_CHROMIUM ?? '/usr/bin/chromium';
export const DEMO = {
  name: 'SampleApp', client_key: 'demo-client-key', api_key: 'demo-api-key', app_key: 'demo-app-key', app_secret: 'demo-app-secret',
};
/** A name of this computer that a browser does not take for this computer: plain http there is no secure context. */
export const ELSEWHERE = 'recalld.test';
const byId = (name) => `[data-testid="${name}"]`;

/** Chromium and `recalld --demo` for a file of tests, both ended after it; `settings` are more of the server's environment. */
export async function stage(settings = {}) {
  const dir = tempDir('demo');
  const env = {
    RECALLD_SERVER_LISTEN: '127.0.0.1:0',
    RECALLD_SERVER_STORE: `sqlite:${path.join(dir, 'demo.db')}`,
    RECALLD_SERVER_DEMO_FILES: path.join(ROOT, 'clients/demo/dist'),
    ...settings,
  };
  const self = { server: await startServer({ args: ['--demo'], env, dir }) };
  after(async () => {
    await self.browser?.close();
    await self.server?.stop();
  });
  self.browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`],
  });
  self.window = (user, options) => Window.open(self, user, options);
  self.admin = new Api(self.server.base, { 'IM-API-KEY': DEMO.api_key });
  self.restart = async () => {
    const listen = `${self.server.host}:${self.server.port}`;
    const old = self.server;
    self.server = null;
    await old.kill9();
    self.server = await startServer({ args: ['--demo'], env: { ...env, RECALLD_SERVER_LISTEN: listen }, dir });
  };
  return self;
}

/** Runs in the page before its own scripts: keeps every text and attribute that ever stands in the document. */
function keepAllThatIsSeen() {
  const seen = new Set();
  const note = (node) => {
    if (node.nodeType === Node.TEXT_NODE) seen.add(node.data);
    for (const attribute of node.attributes ?? []) seen.add(attribute.value);
    if (node.nodeType === Node.TEXT_NODE || !node.childNodes) return;
    for (const child of node.childNodes) note(child);
  };
  new MutationObserver((records) => {
    for (const record of records) {
      for (const value of [record.oldValue, record.target.data, record.target.attributes?.[record.attributeName]?.value]) {
        if (value) seen.add(value);
      }
      for (const node of [...record.addedNodes, ...record.removedNodes]) note(node);
    }
  }).observe(document, {
    subtree: true, childList: true, characterData: true, attributes: true, attributeOldValue: true, characterDataOldValue: true,
  });
  globalThis.everSeen = (text) => [...seen].some((one) => one.includes(text));
}

export class Window {
  static async open(stageOf, user, { width = 1100, height = 760, colorScheme = 'light', expectErrors = false, host } = {}) {
    const self = new Window();
    self.context = await stageOf.browser.newContext({ viewport: { width, height }, colorScheme });
    self.page = await self.context.newPage();
    self.page.setDefaultTimeout(10000);
    self.errors = [];
    self.page.on('pageerror', (error) => self.errors.push(String(error)));
    self.page.on('console', (message) => { if (message.type() === 'error') self.errors.push(message.text()); });
    self.expectErrors = expectErrors;
    self.sent = [];
    self.received = [];
    self.page.on('websocket', (socket) => {
      socket.on('framesent', ({ payload }) => self.sent.push(String(payload)));
      socket.on('framereceived', ({ payload }) => self.received.push(String(payload)));
    });
    await self.page.addInitScript(keepAllThatIsSeen);
    const base = host === undefined ? stageOf.server.base : `http://${host}:${stageOf.server.port}`;
    await self.page.goto(`${base}/demo/#user=${user}`);
    await self.online();
    return self;
  }

  at(name, inside = '') { return this.page.locator(`${byId(name)}${inside}`); }
  message(id) { return this.at('message', `[data-message-id="${id}"]`); }
  notice(id) { return this.at('notice', `[data-message-id="${id}"]`); }
  online() { return this.at('connection', '[data-state="online"]').waitFor({ timeout: 20000 }); }

  /** Turns the page's offline switch, and waits until it says so. */
  async goOffline() {
    await this.at('offline-switch').click();
    await this.at('connection', '[data-state="offline"]').waitFor();
  }

  async goOnline() {
    await this.at('offline-switch').click();
    await this.online();
  }

  async reload() {
    await this.page.reload();
    await this.online();
  }

  /** Whether the text stood anywhere in the document, for however short a time, since the page was loaded. */
  everSeen(text) { return this.page.evaluate((one) => globalThis.everSeen(one), text); }

  /** Writes and sends; the id once the server has it. */
  async send(text) {
    await this.at('composer').fill(text);
    await this.at('composer').press('Enter');
    return this.idOf(text);
  }

  /** The id of the message that shows this text. */
  async idOf(text) {
    return eventually(`a message "${text}"`, () => this.page.evaluate(([wanted, message, words]) => (
      [...document.querySelectorAll(message)].find((one) => (
        [...one.querySelectorAll(words)].some((part) => part.textContent.trim() === wanted)))?.dataset.messageId),
    [text, byId('message'), byId('message-text')]), 10000);
  }

  /** Chooses from the menu of a message. */
  async choose(id, item) {
    const message = this.message(id);
    await message.hover();
    await message.locator(byId('message-menu')).click();
    await this.at(item).click();
  }

  async noticeText(id) {
    await this.notice(id).waitFor();
    return (await this.notice(id).locator(byId('notice-text')).textContent()).trim();
  }

  async gone(id) {
    await this.message(id).waitFor({ state: 'detached' });
  }

  text() { return this.page.evaluate(() => document.body.innerText); }

  /** Saves a picture beside the server's log. */
  async picture(name) {
    await this.page.screenshot({ path: path.join(tempDir('pictures'), `${name}.png`) });
  }

  async close() {
    await this.context.close();
    if (!this.expectErrors) assert.deepEqual(this.errors, [], 'errors on the console of the page');
  }
}

// recall-client's storage in a browser's own IndexedDB and localStorage.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ROOT, test } from '../e2e/lib/suite.mjs';
import { stage } from './window.mjs';

const self = await stage();
const { buildSync } = createRequire(path.join(ROOT, 'clients/demo/package.json'))('esbuild');
const client = buildSync({
  entryPoints: [path.join(ROOT, 'clients/js/src/index.ts')], bundle: true, format: 'iife', globalName: 'recallClient',
  footer: { js: 'globalThis.recallClient = recallClient;' }, write: false,
}).outputFiles[0].text;

/** A page of the server's origin that has the client's module. */
async function page() {
  const context = await self.browser.newContext();
  const one = await context.newPage();
  one.ready = async () => {
    await one.goto(`${self.server.base}/healthz`);
    await one.evaluate(client);
  };
  await one.ready();
  return one;
}

test('IndexedDbStorage keeps texts across a reload, and removes them', async () => {
  const one = await page();
  const first = await one.evaluate(async () => {
    const storage = new recallClient.IndexedDbStorage('mine');
    await Promise.all([storage.set('a', '1'), storage.set('b', '2'), storage.set('a', '3')]);
    await storage.remove('b');
    return [await storage.get('a'), await storage.get('b'), await new recallClient.IndexedDbStorage('other').get('a')];
  });
  assert.deepEqual(first, ['3', null, null]);
  await one.ready();
  assert.equal(await one.evaluate(() => new recallClient.IndexedDbStorage('mine').get('a')), '3');
  await one.context().close();
});

test('IndexedDbStorage stands in nobody\'s way and opens again', async () => {
  const one = await page();
  const values = await one.evaluate(async () => {
    const storage = new recallClient.IndexedDbStorage('mine');
    await storage.set('a', '1');
    await new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase('mine');
      request.onsuccess = resolve;
      request.onerror = request.onblocked = reject;
    });
    const gone = await storage.get('a');
    await storage.set('a', '2');
    await storage.close();
    return [gone, await storage.get('a')];
  });
  assert.deepEqual(values, [null, '2']);
  await one.context().close();
});

test('IndexedDbStorage tells of a failure, and works again after it', async () => {
  const one = await page();
  const result = await one.evaluate(async () => {
    let broken = true;
    const factory = { open: (...args) => {
      if (broken) throw new DOMException('no room', 'QuotaExceededError');
      return indexedDB.open(...args);
    } };
    const storage = new recallClient.IndexedDbStorage('mine', factory);
    const failure = await storage.set('a', '1').then(() => 'none', (error) => error.name);
    broken = false;
    await storage.set('a', '1');
    return [failure, await storage.get('a')];
  });
  assert.deepEqual(result, ['QuotaExceededError', '1']);
  await one.context().close();
});

test('LocalStorage keeps texts across a reload, under its prefix', async () => {
  const one = await page();
  await one.evaluate(() => new recallClient.LocalStorage('me:').set('a', '1'));
  await one.ready();
  assert.deepEqual(await one.evaluate(() => [new recallClient.LocalStorage('me:').get('a'), localStorage.getItem('me:a'), new recallClient.LocalStorage().get('a')]), ['1', '1', null]);
  await one.context().close();
});

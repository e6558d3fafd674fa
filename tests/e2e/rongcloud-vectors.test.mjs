// The golden requests of proto/vectors/rongcloud: what each SDK puts on the wire, byte for byte, against the real server.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { APP, Device, ownServer, test } from './lib/suite.mjs';
import { RongCloud, UID, checkAnswer, exchangeHttp, rcUser } from './lib/rongcloud.mjs';

const FOLDER = new URL('../../proto/vectors/rongcloud/', import.meta.url);
const files = fs.readdirSync(fileURLToPath(FOLDER)).filter((name) => name.endsWith('.json')).sort();
const vectors = Object.fromEntries(files.map((name) => [name, JSON.parse(fs.readFileSync(new URL(name, FOLDER), 'utf8'))]));

// The key and the secret that the signatures were made with; without quotas, which are not what this shows.
const { app: golden } = Object.values(vectors)[0];
const app = { ...APP, ...golden, broadcasts_per_hour: 0, broadcasts_per_day: 0, broadcast_recalls_per_hour: 0, broadcast_recalls_per_day: 0 };

/** Does `got` have what `want` has? A text {{name}} is bound the first time. */
function matches(want, got, bound, at) {
  if (typeof want === 'string' && /^\{\{\w+\}\}$/.test(want)) {
    const name = want.slice(2, -2);
    bound[name] ??= got;
    assert.match(String(got), UID, at);
    assert.equal(got, bound[name], at);
  } else if (Array.isArray(want)) {
    assert.equal(got?.length, want.length, `${at}: ${JSON.stringify(got)}`);
    want.forEach((one, index) => matches(one, got[index], bound, `${at}[${index}]`));
  } else if (want && typeof want === 'object') {
    for (const [key, value] of Object.entries(want)) matches(value, got?.[key], bound, `${at}.${key}`);
  } else {
    assert.deepEqual(got, want, at);
  }
}

for (const [name, { about, requests, users, app: its }] of Object.entries(vectors)) {
  test(`${name}: ${about}`, async (t) => {
    const server = await ownServer(t, { apps: [app] });
    assert.deepEqual(its, golden);
    assert.ok(requests.length >= 5);
    const rc = new RongCloud(server, app);
    const devices = {};
    for (const user of users) devices[user] = await Device.follow(server, app, await rcUser(rc, user), 'all');
    const bound = {};
    const fill = (text) => text.replace(/\{\{(\w+)\}\}/g, (_, key) => bound[key] ?? assert.fail(`${key} is not known yet`));
    for (const { name: what, path, headers, body, code, answer = {}, names, event } of requests) {
      const bytes = Buffer.from(fill(body), 'utf8');
      const got = await exchangeHttp(server, { path, headers: { ...headers, 'Content-Length': bytes.length }, body: bytes });
      const data = checkAnswer(got, path);
      assert.equal(data.code, code, `${what}: ${got.text}`);
      const id = Object.entries(headers).find(([key]) => key.toLowerCase() === 'x-request-id');
      if (id) assert.equal(got.headers['x-request-id'], id[1], what);
      matches(answer, data, bound, what);
      if (names) assert.ok(data.errorMessage.includes(names), `${what}: ${got.text}`);
      if (event) {
        const frame = await devices[event.user].waitEvent(event.type, fill(event.id));
        assert.equal(frame.room, event.room, what);
        if (event.message !== undefined) assert.equal(frame.message.message, event.message, what);
        if (event.content) matches(event.content, frame.content, bound, what);
      }
    }
    await Promise.all(Object.values(devices).map((device) => device.close()));
  });
}

// RongCloud's dialect from outside: its own SDK for Node, pointed at our server, and real devices that see what comes of it.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import axios from 'axios';
import { APP, Device } from '../e2e/lib/suite.mjs';

export * from '../e2e/lib/suite.mjs';

const require = createRequire(import.meta.url);

/** The app without the limits of broadcasts, for files that are about other things. */
export const FREE = Object.freeze({
  ...APP, broadcasts_per_hour: 0, broadcasts_per_day: 0, broadcast_recalls_per_hour: 0, broadcast_recalls_per_day: 0,
  recalls_per_second: 0,
});
export const UID = /^[0-9A-V]{4}(-[0-9A-V]{4}){3}$/;

/** The SDK, as its documentation sets it up. It is one per process: a second call points the first elsewhere. */
export function sdkOf(server, app, more = {}) {
  return require('rongcloud-sdk')({ appkey: app.app_key, secret: app.app_secret, api: server.base, ...more });
}

/** A call of an endpoint that this release of the SDK has no function for, by the SDK's own transport. */
export async function sdkPost(url, data, submitType = 'form') {
  const answer = await require('rongcloud-sdk/lib/request').request({ url, data, submitType });
  return answer.text;
}

/** The answer's body must say 200; the body. */
export function good(answer) {
  assert.equal(answer?.code, 200, JSON.stringify(answer));
  return answer;
}

/** What the SDK makes of a refusal: the code or one of several (its own for 1004 and 1008), and our sentence. */
export function bad(answer, code, naming) {
  const shown = JSON.stringify(answer)?.slice(0, 500);
  assert.ok([code].flat().includes(Number(answer?.code)), `${code} expected: ${shown}`);
  assert.ok(typeof answer.msg === 'string' && answer.msg.length > 3, shown);
  if (naming) assert.ok(answer.msg.includes(naming), `"${naming}" expected: ${shown}`);
  return answer;
}

export const sign = (app, nonce, timestamp) => crypto.createHash('sha1').update(`${app.app_secret}${nonce}${timestamp}`).digest('hex');

export function signed(app, { nonce = crypto.randomInt(1e9), timestamp = Date.now(), prefix = '' } = {}) {
  return {
    [`${prefix}App-Key`]: app.app_key, [`${prefix}Nonce`]: String(nonce), [`${prefix}Timestamp`]: String(timestamp),
    [`${prefix}Signature`]: sign(app, nonce, timestamp),
  };
}

/** A call without the SDK: {status, headers, data}. A text goes out as it is, other values as a form. */
export async function post(server, app, path, body, headers = {}) {
  const data = typeof body === 'string' ? body : new URLSearchParams(body).toString();
  const answer = await axios.request({
    method: 'POST', url: server.base + path, data, timeout: 20000, maxRedirects: 0, validateStatus: () => true,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...signed(app), ...headers },
  });
  return { status: answer.status, headers: answer.headers, data: answer.data };
}

/** A refusal in RongCloud's form: status, a code that is a number, a sentence, the path. */
export function checkRefused(answer, status, code, naming) {
  const shown = `${answer.status} ${JSON.stringify(answer.data)}`;
  assert.equal(answer.status, status, shown);
  assert.match(String(answer.headers['content-type']), /^application\/json; ?charset=utf-8$/i, shown);
  assert.strictEqual(answer.data.code, code, shown);
  assert.ok(typeof answer.data.errorMessage === 'string' && answer.data.errorMessage.length > 3, shown);
  assert.ok(typeof answer.data.url === 'string' && answer.data.url.startsWith('/'), shown);
  if (naming) assert.ok(answer.data.errorMessage.includes(naming), `"${naming}" expected: ${shown}`);
  return answer.data;
}

/** Users with tokens of the SDK's User.register, by id. */
export async function register(sdk, ...ids) {
  const users = {};
  for (const id of ids) {
    const name = id[0].toUpperCase() + id.slice(1);
    const { token } = good(await sdk.User.register({ id, name, portrait: `http://127.0.0.1/${id}.png` }));
    users[id] = { id, name, token };
  }
  return users;
}

/** A device of the user that follows everything; `since` are cursors to go on from. */
export async function deviceOf(server, app, user, { since, ...options } = {}) {
  const device = await Device.login(server, app, user, options);
  const result = await device.do({ op: 'subscribe', all: true, ...(since && { since }) });
  device.positions = Object.fromEntries(result.rooms.map((entry) => [entry.room, entry]));
  return device;
}

/** Up to where this device has heard each room's log. */
export function cursorsOf(device) {
  const cursors = {};
  for (const { room, epoch, seq } of [...Object.values(device.positions), ...device.events()]) {
    if (epoch !== undefined) cursors[room] = { epoch, seq: Math.max(seq, cursors[room]?.seq ?? 0) };
  }
  return cursors;
}

export const commandFor = (device, uid) => device.waitFor(
  (frame) => frame.op === 'event' && frame.type === 'recall' && frame.content?.messageUId === uid, { what: `the recall of ${uid}` });

/** The frames that have to do with the message, whatever they are. */
export const framesAbout = (device, uid) => device.frames.filter((frame) => JSON.stringify(frame).includes(uid));

/** The command as clients must get it; `expected` names what is not a default. */
export function checkCommand(frame, expected) {
  const { room, from, operator = from, uid, ...content } = expected;
  assert.equal(frame.room, room);
  assert.equal(frame.objectName, 'RC:RcCmd');
  const wanted = {
    messageUId: uid, isAdmin: false, isDelete: false, extra: '', disableUpdateLastMsg: false, originalFromUserId: from, ...content,
  };
  for (const [name, value] of Object.entries(wanted)) assert.strictEqual(frame.content[name], value, `${name}: ${JSON.stringify(frame.content)}`);
  assert.strictEqual(typeof frame.content.sentTime, 'number');
  assert.equal(frame.content.user?.id, operator);
  assert.equal(frame.message?._id, uid);
  assert.equal(frame.message.messageType, 'recall');
  assert.equal(frame.message.message, '');
  assert.ok(Number.isSafeInteger(frame.recallTimeMS) && frame.recallTimeMS >= frame.content.sentTime);
  assert.ok(!('content' in frame.message), 'nothing of the content is left');
}

/** The message as clients must get it. */
export function checkMessage(frame, { room, from, uid, text, objectName = 'RC:TxtMsg' }) {
  assert.equal(frame.room, room);
  assert.equal(frame.message._id, uid);
  assert.equal(frame.message.sender?._id, from);
  assert.equal(frame.message.objectName, objectName);
  if (objectName === 'RC:TxtMsg') {
    assert.equal(frame.message.messageType, 'text');
    assert.equal(frame.message.message, text);
    assert.equal(frame.message.content.content, text);
  }
}

/** The entries of a zip archive: {name: text}. */
export function unzip(bytes) {
  const end = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  assert.ok(end >= 0, 'a zip archive');
  const files = {};
  let at = bytes.readUInt32LE(end + 16);
  for (let i = bytes.readUInt16LE(end + 10); i > 0; i -= 1) {
    const [method, size, nameLength, extra, comment] = [
      bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20), bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30), bytes.readUInt16LE(at + 32)];
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength);
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const packed = bytes.subarray(start, start + size);
    files[name] = (method === 0 ? packed : zlib.inflateRawSync(packed)).toString('utf8');
    at += 46 + nameLength + extra + comment;
  }
  return files;
}

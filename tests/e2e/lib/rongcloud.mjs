// A backend that speaks RongCloud's dialect: signs, sends forms or JSON, and looks at every answer.
import crypto from 'node:crypto';
import http from 'node:http';
import assert from 'node:assert/strict';

const sha1 = (text) => crypto.createHash('sha1').update(text).digest('hex');

/** HTTP statuses of the dialect's codes. */
export const STATUS = Object.freeze({
  200: [200], 404: [404], 1000: [500, 503], 1001: [401], 1002: [400], 1003: [400], 1004: [401], 1005: [400, 413], 1006: [401],
  1007: [401], 1008: [429], 1009: [430], 1050: [504],
});

/** Signed headers; `family` '' or 'RC-', and any of nonce, timestamp, secret, signature instead of the right ones. */
export function signed(app, { family = '', nonce = String(crypto.randomInt(1e9)), timestamp = Math.floor(Date.now() / 1000), secret = app.app_secret,
  signature = sha1(`${secret}${nonce}${timestamp}`) } = {}) {
  return { [`${family}App-Key`]: app.app_key, [`${family}Nonce`]: nonce, [`${family}Timestamp`]: String(timestamp), [`${family}Signature`]: signature };
}

/** A form as most SDKs write it: percent-encoded, lists as repeated keys. */
export function formOf(params) {
  return Object.entries(params).flatMap(([key, value]) => [value].flat().map((one) => `${encodeURIComponent(key)}=${encodeURIComponent(one)}`)).join('&');
}

/** One request, whatever it is: {status, headers, text, bytes}. A body goes out as it is. */
export function exchangeHttp(server, { method = 'POST', path, headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: server.host, port: server.port, method, path, headers, agent: false, timeout: 20000 }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => {
        const bytes = Buffer.concat(parts);
        resolve({ status: response.statusCode, headers: response.headers, bytes, text: bytes.toString('utf8') });
      });
    });
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error(`no answer to ${path}`)));
    request.end(body);
  });
}

/** What every answer of the dialect is: JSON with a number, a status that fits it, and for an error a sentence and the path. */
export function checkAnswer(answer, path) {
  const shown = `${path}: ${answer.status} ${answer.text.slice(0, 500)}`;
  assert.match(String(answer.headers['content-type']).toLowerCase(), /^application\/json; ?charset=utf-8$/, shown);
  const data = JSON.parse(answer.text);
  assert.equal(typeof data.code, 'number', shown);
  assert.ok(STATUS[data.code]?.includes(answer.status), `code and status fit: ${shown}`);
  if (data.code !== 200) {
    assert.ok(typeof data.errorMessage === 'string' && data.errorMessage.length > 3, shown);
    assert.equal(data.url, path.split('?')[0].replace(/\/+/g, '/'), shown);
  }
  if (data.code === 1008) {
    const wait = Number(answer.headers['retry-after']);
    assert.ok(wait >= 1, `Retry-After expected: ${shown}`);
    assert.ok(data.errorMessage.includes(String(wait)), `the wait in the sentence: ${shown}`);
  }
  return data;
}

export class RongCloud {
  constructor(server, app, signing = {}) {
    Object.assign(this, { server, app, signing });
  }

  /** Any body: {status, headers, data}. */
  async send(path, body, headers = {}, method = 'POST') {
    const answer = await exchangeHttp(this.server, {
      method, path, body, headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...signed(this.app, this.signing), ...headers } });
    return { ...answer, data: checkAnswer(answer, path) };
  }

  call(path, params) { return this.send(path, formOf(params)); }
  callJson(path, body) { return this.send(path, typeof body === 'string' ? body : JSON.stringify(body), { 'Content-Type': 'application/json' }); }

  async ok(path, params) {
    const { data, text } = await this.call(path, params);
    assert.equal(data.code, 200, `${path}: ${text}`);
    return data;
  }

  async okJson(path, body) {
    const { data, text } = await this.callJson(path, body);
    assert.equal(data.code, 200, `${path}: ${text}`);
    return data;
  }

  /** A refusal with this number, whose sentence names `naming`. */
  async fails(code, naming, path, params) {
    const answer = typeof params === 'object' ? await this.call(path, params) : await this.send(path, params);
    assert.equal(answer.data.code, code, `${path}: ${answer.text}`);
    if (naming) assert.ok(answer.data.errorMessage.includes(naming), `names ${naming}: ${answer.text}`);
    return answer;
  }

  /** A send; `kind` private, group, chatroom, system. Its messageUIDs. */
  async publish(kind, from, target, text, more = {}) {
    const name = { private: 'toUserId', group: 'toGroupId', chatroom: 'toChatroomId', system: 'toUserId' }[kind];
    const answer = await this.ok(`/message/${kind}/publish.json`, {
      fromUserId: from, [name]: target, objectName: 'RC:TxtMsg', content: JSON.stringify({ content: text }), ...more });
    return answer.messageUIDs;
  }

  broadcast(from, text, more = {}) {
    return this.ok('/message/broadcast.json', { fromUserId: from, objectName: 'RC:TxtMsg', content: JSON.stringify({ content: text }), ...more });
  }

  recall(from, conversationType, targetId, messageUID, more = {}) {
    return this.ok('/message/recall.json', { fromUserId: from, conversationType, targetId, messageUID, ...more });
  }
}

/** A user made by getToken: {id, token}, as Device.login wants one. */
export async function rcUser(rc, id, name = id) {
  const answer = await rc.ok('/user/getToken.json', { userId: id, name, portraitUri: 'http://h/p.png' });
  assert.equal(answer.userId, id);
  assert.ok(typeof answer.token === 'string' && Buffer.byteLength(answer.token) <= 256, answer.token);
  return { id, token: answer.token };
}

export const UID = /^[0-9A-V]{4}-[0-9A-V]{4}-[0-9A-V]{4}-[0-9A-V]{4}$/;

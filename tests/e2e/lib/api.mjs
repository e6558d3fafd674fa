// The HTTP side of an application: platform key or a client's token, and the IMKit envelope checked on every answer.
import { execFile } from 'node:child_process';
import crypto from 'node:crypto';
import http from 'node:http';
import assert from 'node:assert/strict';
import axios from 'axios';

const CODES = new Set(['INVALID_TOKEN', 'INVALID_API_KEY', 'INVALID_CLIENT_KEY', 'INVALID_AUTH', 'NOT_ROOM_MEMBER',
  'INSUFFICIENT_PERMISSION', 'ROOM_NOT_FOUND', 'MESSAGE_NOT_FOUND', 'CLIENT_NOT_FOUND', 'MISSING_PARAMETER',
  'INVALID_BODY', 'RESULT_TOO_LARGE', 'RATE_LIMIT_EXCEEDED', 'INTERNAL_ERROR', 'SERVICE_UNAVAILABLE']);
const JSON_TYPE = 'application/json; charset=utf-8';
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

export const newId = () => crypto.randomBytes(12).toString('hex');

/** An error answer: the status, the envelope, one of the codes; `naming` is a field that its sentence must name. */
export function checkError(answer, status, code, naming) {
  const shown = `${answer.status} ${JSON.stringify(answer.data)}`;
  const statuses = [status].flat();
  assert.ok(statuses.includes(answer.status), `status ${statuses.join(' or ')} expected: ${shown}`);
  assert.match(String(answer.headers['content-type']).toLowerCase(), /^application\/json; ?charset=utf-8$/, shown);
  assert.equal(answer.data.RC, answer.status, shown);
  assert.ok(typeof answer.data.RM === 'string' && answer.data.RM.length > 3, `RM must be a sentence: ${shown}`);
  assert.ok(CODES.has(answer.data.error?.code), `error.code must be one of the known: ${shown}`);
  assert.equal(typeof answer.data.error.message, 'string', shown);
  if (code) assert.ok([code].flat().includes(answer.data.error.code), `error.code ${code} expected: ${shown}`);
  if (naming) {
    const text = `${answer.data.RM} ${answer.data.error.message}`;
    assert.ok(text.includes(naming), `the answer must name "${naming}": ${shown}`);
  }
  return answer.data;
}

/** A good answer: 200, the envelope; its result. */
export function checkOk(answer) {
  const shown = `${answer.status} ${JSON.stringify(answer.data)}`.slice(0, 2000);
  assert.equal(answer.status, 200, shown);
  assert.match(String(answer.headers['content-type']).toLowerCase(), /^application\/json; ?charset=utf-8$/, shown);
  assert.equal(answer.data.RC, 0, shown);
  assert.equal(answer.data.RM, 'OK', shown);
  return answer.data.result;
}

export class Api {
  constructor(base, headers = {}) {
    this.base = base;
    this.headers = headers;
  }

  /** Any call: {status, headers, data}, whatever the status. A string body goes out as it is. */
  async call(method, path, body, headers = {}) {
    const answer = await axios.request({
      method, url: this.base + path, data: body, httpAgent: agent, timeout: 20000, maxRedirects: 0,
      headers: { 'Content-Type': JSON_TYPE, ...this.headers, ...headers },
      transformRequest: [(data) => (data === undefined || typeof data === 'string' || Buffer.isBuffer(data)
        ? data : JSON.stringify(data))],
      validateStatus: () => true,
    });
    return { status: answer.status, headers: answer.headers, data: answer.data };
  }

  async ok(method, path, body, headers) { return checkOk(await this.call(method, path, body, headers)); }
  async fails([status, code, naming], method, path, body, headers) {
    return checkError(await this.call(method, path, body, headers), status, code, naming);
  }

  get(path) { return this.ok('GET', path); }
  post(path, body) { return this.ok('POST', path, body); }
  put(path, body) { return this.ok('PUT', path, body); }
  delete(path, body) { return this.ok('DELETE', path, body); }

  send(room, message, more = {}) {
    return this.post(`/rooms/${room}/message`, { message, messageType: 'text', ...more });
  }

  recall(room, id, more = {}) {
    return this.post(`/rooms/${room}/message`, { _id: id, messageType: 'recall', ...more });
  }

  history(room, query = '') { return this.get(`/rooms/${room}/messages/v3${query}`); }

  /** One message of a room, as the room's members get it now, or undefined. */
  async message(room, id) {
    return listOf(await this.get(`/rooms/${room}/messages/${id}?before=0&after=0`)).find((one) => one._id === id);
  }
}

/** A message object without what changes by itself: when its sender was last seen. */
export function lasting(message) {
  const { sender, ...rest } = message;
  return { ...rest, sender: sender && { ...sender, lastLoginTimeMS: undefined } };
}

/** The array of an answer that is one, or that carries it with a count beside it. */
export function listOf(result) {
  const list = Array.isArray(result) ? result : result.data ?? result.rooms ?? result.messages;
  assert.ok(Array.isArray(list), `a list expected: ${JSON.stringify(result).slice(0, 500)}`);
  return list;
}

/** The ids in a room's members, given as ids or as objects. */
export const memberIds = (room) => room.members.map((member) => member._id ?? member.id ?? member).sort();

export const platform = (server, app) => new Api(server.base, { 'IM-API-KEY': app.api_key });
export const client = (server, app, token) => new Api(server.base,
  { 'IM-CLIENT-KEY': app.client_key, 'IM-Authorization': token });

/** A token signed here with the app's own secret; `claims` and `header` replace parts of it. */
export function signToken(app, claims, { header = {}, secret = app.token_secret } = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const body = `${part({ alg: 'HS256', typ: 'JWT', ...header })}.${part({ app: app.name, iat: now, exp: now + 600, jti: newId(), ...claims })}`;
  return `${body}.${crypto.createHmac('sha256', secret).update(body).digest('base64url')}`;
}

/** The claims of a token, unverified. */
export const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

/** Runs curl: {status, headers, body, seconds}. */
export function curl(...args) {
  const format = '\n%{http_code} %{time_total}';
  return new Promise((resolve, reject) => {
    execFile('curl', ['-sS', '-i', '--max-time', '20', '-w', format, ...args], { maxBuffer: 1 << 24 }, (error, stdout) => {
      if (error) { reject(error); return; }
      const cut = stdout.lastIndexOf('\n');
      const [status, seconds] = stdout.slice(cut + 1).split(' ').map(Number);
      const text = stdout.slice(0, cut);
      const parts = text.split('\r\n\r\n');
      const body = parts.pop();
      resolve({ status, seconds, headers: parts.pop() ?? '', body });
    });
  });
}

/** A user with a fresh token and the API of that user: {id, token, api}. */
export async function makeUser(server, app, id, nickname = id) {
  const result = await platform(server, app).post('/admin/clients', { _id: id, nickname, issueAccessToken: true });
  assert.equal(typeof result.token, 'string', `a token expected: ${JSON.stringify(result)}`);
  return { id, nickname, token: result.token, expirationDate: result.expirationDate, api: client(server, app, result.token) };
}

/** Several users at once, by id: {ann: {…}, ben: {…}}. */
export async function makeUsers(server, app, ...ids) {
  const users = {};
  for (const id of ids) users[id] = await makeUser(server, app, id, id[0].toUpperCase() + id.slice(1));
  return users;
}

/** A group room created by `owner`, with the others as members; its id. */
export async function makeRoom(owner, others = [], more = {}) {
  const room = await owner.api.post('/rooms/createAndJoin',
    { _id: `room-${newId()}`, name: 'A room', roomType: 'group', invitee: others.map((one) => one.id), ...more });
  return room._id;
}

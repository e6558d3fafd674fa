// One device on /ws: every frame kept, so that a test may wait for what came already, count, and look at order.
import assert from 'node:assert/strict';
import WebSocket from 'ws';

const open = new Set();

export class Device {
  constructor(ws) {
    this.ws = ws;
    this.frames = [];
    this.waiting = new Set();
    this.nextId = 100;
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => { open.delete(this); this.end = { code, reason: String(reason) }; resolve(this.end); this.wake(); });
    });
    ws.on('error', () => {}); // the close that follows is what tests look at
    ws.on('message', (data, isBinary) => {
      assert.ok(!isBinary, 'the server sends text frames only');
      this.frames.push(JSON.parse(String(data)));
      this.wake();
    });
    open.add(this);
  }

  /** Connects without authenticating (headers may do it). Rejects with the HTTP status when the upgrade is refused. */
  static connect(server, { headers = {}, protocols = ['recall.v1'], ...options } = {}) {
    return new Promise((resolve, reject) => {
      const ws = new WebSocket(server.ws, protocols, { headers, handshakeTimeout: 10000, ...options });
      const device = new Device(ws);
      ws.once('open', () => resolve(device));
      ws.once('unexpected-response', (request, response) => {
        reject(Object.assign(new Error(`upgrade refused with ${response.statusCode}`), { status: response.statusCode }));
        request.destroy();
      });
      ws.once('error', reject);
    });
  }

  /** Connects and authenticates by the first frame. */
  static async login(server, app, user, { device, caps = ['recall', 'quote', 'ack'], ...options } = {}) {
    const self = await Device.connect(server, options);
    self.sendFrame({ op: 'auth', id: 1, clientKey: app.client_key, token: user.token, ...(device && { device }), caps });
    self.welcome = await self.waitFor((frame) => frame.op === 'ready' || (frame.op === 'reply' && frame.RC !== 0));
    assert.equal(self.welcome.op, 'ready', JSON.stringify(self.welcome));
    return self;
  }

  /** Logged in and following these rooms, or every room with 'all'. */
  static async follow(server, app, user, rooms, options) {
    const self = await Device.login(server, app, user, options);
    self.positions = await self.subscribe(rooms);
    return self;
  }

  wake() {
    for (const check of this.waiting) check();
  }

  sendFrame(frame) { this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame)); }

  /** The first frame, come already or coming, that `test` likes. */
  waitFor(test, { ms = 8000, what = String(test) } = {}) {
    return new Promise((resolve, reject) => {
      let looked = 0;
      const finish = (action, value) => { this.waiting.delete(check); clearTimeout(timer); action(value); };
      const check = () => {
        for (; looked < this.frames.length; looked += 1) {
          if (test(this.frames[looked])) { finish(resolve, this.frames[looked]); return; }
        }
        if (this.end) finish(reject, new Error(`closed with ${this.end.code} before: ${what}`));
      };
      const timer = setTimeout(() => finish(reject, new Error(
        `not within ${ms} ms: ${what}; frames: ${JSON.stringify(this.frames.slice(-6))}`)), ms);
      this.waiting.add(check);
      check();
    });
  }

  waitEvent(type, id, ms) {
    return this.waitFor((frame) => frame.op === 'event' && frame.type === type
      && (!id || frame.message?._id === id), { ms, what: `event ${type} ${id ?? ''}` });
  }

  events(type, room) {
    return this.frames.filter((frame) => frame.op === 'event' && (!type || frame.type === type)
      && (!room || frame.room === room));
  }

  /** Sends an op with an id of its own and gives the reply with that id. */
  async request(frame, ms) {
    this.nextId += 1;
    const id = this.nextId;
    this.sendFrame({ ...frame, id });
    return this.waitFor((answer) => answer.id === id, { ms, what: `the answer to ${frame.op} ${id}` });
  }

  /** A request that must succeed; its result. */
  async do(frame, ms) {
    const answer = await this.request(frame, ms);
    assert.equal(answer.op, 'reply', JSON.stringify(answer));
    assert.equal(answer.RC, 0, JSON.stringify(answer));
    assert.equal(answer.RM, 'OK', JSON.stringify(answer));
    return answer.result;
  }

  /** A request that must be refused with this RC; the reply. */
  async refused(rc, code, frame) {
    const answer = await this.request(frame);
    const shown = JSON.stringify(answer);
    assert.equal(answer.op, 'reply', shown);
    assert.equal(answer.RC, rc, shown);
    assert.ok(typeof answer.RM === 'string' && answer.RM.length > 3, shown);
    if (code) assert.ok([code].flat().includes(answer.error?.code), shown);
    return answer;
  }

  /** Follows rooms (ids) or 'all'; gives {room: {epoch, seq}}. */
  async subscribe(rooms) {
    const what = rooms === 'all' ? { all: true } : { rooms: [rooms].flat().map((room) => ({ room })) };
    const result = await this.do({ op: 'subscribe', ...what });
    return Object.fromEntries(result.rooms.map((entry) => [entry.room, entry]));
  }

  /** Waits until everything committed in the room before this call has come: `sender` sends a mark and it arrives. */
  async barrier(sender, room) {
    const mark = await sender.send(room, 'mark');
    await this.waitEvent('message', mark._id);
  }

  async ping() { return this.request({ op: 'ping' }); }

  async closedWith(code, ms = 8000) {
    const timer = new Promise((resolve) => { setTimeout(resolve, ms, null).unref(); });
    const end = await Promise.race([this.closed, timer]);
    assert.ok(end, `not closed within ${ms} ms; frames: ${JSON.stringify(this.frames.slice(-6))}`);
    assert.ok([code].flat().includes(end.code), `closed with ${end.code} "${end.reason}" instead of ${code}`);
    return end;
  }

  stillOpen() { return !this.end && this.ws.readyState === WebSocket.OPEN; }

  async close() {
    this.ws.close(1000);
    const timer = setTimeout(() => this.ws.terminate(), 3000);
    await this.closed;
    clearTimeout(timer);
  }

  /** Ends what tests left open, so that a file's process can end. */
  static closeAll() {
    for (const device of open) device.ws.terminate();
  }
}

/** Events of one room as one subscription must see them: seq grows by one from `after`, one epoch. */
export function checkOrder(events, after) {
  events.forEach((event, index) => {
    assert.equal(event.seq, after + 1 + index, `seq ${event.seq} where ${after + 1 + index} was due`);
    assert.equal(event.epoch, events[0].epoch, 'one epoch');
  });
}

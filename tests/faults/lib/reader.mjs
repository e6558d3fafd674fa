// A reader: a small strict WebSocket client that writes down every frame, keeps a cursor for each room, loses its connection,
// resumes with since and epoch, and at times does not read for a while.
import WebSocket from 'ws';
import { tokensIn } from './http.mjs';

const CLOSES = new Set([1000, 1001, 1005, 1006, 1013, 4409]);

export class Reader {
  constructor(world, plan) {
    Object.assign(this, { world, plan, random: plan.random });
    this.history = { name: plan.name, connections: [], items: [], held: {} };
    this.cursors = new Map(); // room -> {epoch, seq}
    this.changed = null;
  }

  /** Connects again and again until the round is over. */
  async run() {
    while (!this.world.over) {
      const server = await this.world.running();
      if (!server) return;
      await this.connection(server);
      await this.world.pause(this.random.int(1, 25));
    }
  }

  connection(server) {
    const index = this.history.connections.push({ startAt: performance.now() }) - 1;
    const headers = this.plan.headers ? { ...this.world.userHeaders(this.plan.user), 'IM-Device-ID': this.plan.name, 'IM-Caps': 'recall,quote,ack' } : {};
    const ws = new WebSocket(server.ws, ['recall.v1'], { headers, perMessageDeflate: false, handshakeTimeout: 10000 });
    const timers = this.misbehave(ws);
    this.ws = ws;
    return new Promise((resolve) => {
      ws.on('open', () => { if (!this.plan.headers) this.authenticate(ws); });
      ws.on('message', (data) => this.frame(ws, index, String(data)));
      ws.on('error', () => {}); // the close that follows is what counts
      ws.on('close', (code) => {
        timers.forEach(clearTimeout);
        if (!CLOSES.has(code)) this.note({ kind: 'refused', conn: index, text: `closed with ${code}` });
        resolve();
      });
    });
  }

  authenticate(ws) {
    const headers = this.world.userHeaders(this.plan.user);
    ws.send(JSON.stringify({ op: 'auth', id: 1, clientKey: headers['IM-CLIENT-KEY'], token: headers['IM-Authorization'], device: this.plan.name, caps: ['recall', 'quote', 'ack'] }));
  }

  /** Breaks and stalls of this connection; none once traffic is over. */
  misbehave(ws) {
    const { random, plan, world } = this;
    const timers = [];
    const later = (ms, run) => timers.push(setTimeout(() => { if (!world.settling) run(); }, ms));
    if (plan.steady) return timers;
    if (random.chance(0.6)) later(random.int(10, 700), () => (random.chance(0.7) ? ws.terminate() : ws.close(1000)));
    if (plan.stalls) {
      const from = random.int(0, 250);
      const length = random.int(100, 900);
      later(from, () => ws.pause());
      timers.push(setTimeout(() => ws.resume(), from + length)); // also when traffic is over
    }
    return timers;
  }

  note(item) { this.history.items.push(item); }

  frame(ws, conn, raw) {
    const frame = JSON.parse(raw);
    if (frame.op === 'ready') this.subscribe(ws);
    else if (frame.op === 'event') this.event(ws, conn, frame, raw);
    else if (frame.op === 'reply' && frame.id === 2) this.subscribed(conn, frame);
    else if (frame.op === 'reset') {
      this.note({ kind: 'reset', conn, room: frame.room, epoch: frame.epoch, seq: frame.seq });
      this.cursors.set(frame.room, { epoch: frame.epoch, seq: frame.seq });
    } else if (frame.op === 'reply' && frame.RC !== 0) this.note({ kind: 'refused', conn, text: raw.slice(0, 300) });
  }

  subscribe(ws) {
    const { plan, world } = this;
    let what;
    if (plan.all) {
      // Without a cursor `all` begins now; to begin at the beginning each room gets the cursor 0.
      if (!plan.fromNow) for (const room of world.plan.rooms) this.begin(room, 0);
      what = { all: true, since: Object.fromEntries(this.cursors) };
    } else {
      what = { rooms: world.plan.rooms.map((room) => {
        if (!plan.fromNow) this.begin(room, 0);
        const cursor = this.cursors.get(room);
        return cursor ? { room, ...(cursor.epoch && { epoch: cursor.epoch }), since: cursor.seq } : { room };
      }) };
    }
    ws.send(JSON.stringify({ op: 'subscribe', id: 2, ...what }));
  }

  /** From here on nothing of the room may be missed. */
  begin(room, seq, epoch = this.world.epoch) {
    if (this.cursors.has(room)) return false;
    this.note({ kind: 'start', room, epoch, seq });
    this.cursors.set(room, { epoch, seq });
    return true;
  }

  subscribed(conn, frame) {
    if (frame.RC !== 0) { this.note({ kind: 'refused', conn, text: JSON.stringify(frame).slice(0, 300) }); return; }
    for (const { room, epoch, seq, recovered, error } of frame.result.rooms) {
      if (error) this.note({ kind: 'refused', conn, text: `${room}: ${JSON.stringify(error)}` });
      else if (!this.begin(room, seq, epoch)) this.note({ kind: 'live', conn, room, epoch, seq, recovered });
    }
  }

  event(ws, conn, frame, raw) {
    const { room, epoch, seq, type, message } = frame;
    const recalled = type === 'recall' || message?.messageType === 'recall';
    this.begin(room, seq - 1, epoch); // without a cursor events may come before the answer that tells where they begin
    this.note({ kind: 'event', conn, room, epoch, seq, type, message: message?._id ?? null, tokens: tokensIn(raw) });
    this.cursors.set(room, { epoch, seq: Math.max(seq, this.cursors.get(room)?.seq ?? 0) });
    if (message) (this.history.held[room] ??= {})[message._id] = { recalled, text: message.message };
    if (this.random.chance(0.02)) ws.send(JSON.stringify({ op: 'ack', room, seq }));
    this.changed?.();
  }

  /** Waits until the cursors stand at these heads; false after `ms`. */
  async reached(heads, ms) {
    const there = () => Object.entries(heads).every(([room, seq]) => (this.cursors.get(room)?.seq ?? -1) >= seq);
    const end = Date.now() + ms;
    while (!there()) {
      if (Date.now() > end) return false;
      await new Promise((resolve) => { this.changed = resolve; setTimeout(resolve, 50); });
    }
    return true;
  }

  leave() { this.ws?.terminate(); }
}

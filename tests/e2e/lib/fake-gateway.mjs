// A gateway that breaks one promise on purpose, for tests of what is to notice that. It keeps everything in memory and knows just
// the calls that a load test makes.
import http from 'node:http';
import { WebSocketServer } from 'ws';

const EPOCH = 'f4ke';

/** `fault` is asked before each delivery of an event to a subscriber: (frame, {nth subscriber, nth event}) => frames to send. */
export class FakeGateway {
  static async start({ fault = (frame) => [frame], acknowledge = () => true, unordered = false } = {}) {
    const self = new FakeGateway();
    Object.assign(self, { fault, acknowledge, unordered, rooms: new Map(), subscribers: new Map(), events: 0 });
    self.http = http.createServer((request, response) => self.answer(request, response));
    self.sockets = new WebSocketServer({ server: self.http, path: '/ws', handleProtocols: () => 'recall.v1' });
    self.sockets.on('connection', (socket) => self.welcome(socket));
    await new Promise((resolve) => { self.http.listen(0, '127.0.0.1', resolve); });
    self.base = `http://127.0.0.1:${self.http.address().port}`;
    return self;
  }

  async stop() {
    for (const socket of this.sockets.clients) socket.terminate();
    this.sockets.close();
    this.http.closeAllConnections();
    await new Promise((resolve) => { this.http.close(resolve); });
  }

  welcome(socket) {
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data));
      if (frame.op !== 'subscribe') return;
      const { room } = frame.rooms[0];
      this.subscribers.set(room, [...(this.subscribers.get(room) ?? []), socket]);
      const seq = this.rooms.get(room) ?? 0;
      socket.send(JSON.stringify({ op: 'reply', id: frame.id, RC: 0, RM: 'OK', result: { rooms: [{ room, epoch: EPOCH, seq, recovered: false }] } }));
    });
    socket.send(JSON.stringify({ op: 'ready', session: 's', device: 'd', user: { _id: 'u' }, pingMS: 25000, limits: {} }));
  }

  publish(room, type, body) {
    const seq = (this.rooms.get(room) ?? 0) + 1;
    this.rooms.set(room, seq);
    this.events += 1;
    const base = { op: 'event', room, epoch: EPOCH, seq, type, ...body };
    // A frame whose members stand in another order is the same frame.
    const frame = this.unordered ? { op: 'event', ...Object.fromEntries(Object.entries(base).slice(1).reverse()) } : base;
    (this.subscribers.get(room) ?? []).forEach((socket, nth) => {
      for (const one of this.fault(frame, { nth, event: this.events })) socket.send(JSON.stringify(one));
    });
  }

  message(room, body) {
    if (body.messageType === 'recall') {
      const message = { _id: body._id, message: '', messageType: 'recall' };
      this.publish(room, 'recall', { objectName: 'RC:RcCmd', content: { messageUId: body._id }, message });
    } else if (this.acknowledge(this.events)) {
      this.publish(room, 'message', { message: { _id: body._id, message: body.message } });
    }
  }

  answer(request, response) {
    let text = '';
    request.on('data', (data) => { text += data; });
    request.on('end', () => {
      const body = text ? JSON.parse(text) : undefined;
      const room = /^\/rooms\/([^/]+)\/message$/.exec(request.url)?.[1];
      let result = {};
      if (request.url === '/admin/clients/list') result = body.map(({ _id }) => ({ _id, token: `token-of-${_id}` }));
      if (room) this.message(room, body);
      response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8' });
      response.end(JSON.stringify({ RC: 0, RM: 'OK', result }));
    });
  }
}

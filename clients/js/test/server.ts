// A small server that speaks recall.v1, for tests of the client alone. The real one is tested in tests/e2e.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

export type Frame = Record<string, any>;

export class Peer {
  readonly frames: Frame[] = [];
  constructor(readonly socket: WebSocket, readonly protocol: string) {}

  send(frame: Frame): void {
    this.socket.send(JSON.stringify(frame));
  }

  reply(id: number, result: unknown = {}): void {
    this.send({ op: 'reply', id, RC: 0, RM: 'OK', result });
  }

  of(op: string): Frame[] {
    return this.frames.filter((frame) => frame['op'] === op);
  }
}

export class FakeServer {
  readonly peers: Peer[] = [];
  readonly calls: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = [];
  /** Sees each frame first; true: it has dealt with it. */
  onFrame: (peer: Peer, frame: Frame) => boolean | void = () => false;
  /** Answers HTTP calls: status and envelope. */
  onCall: (call: FakeServer['calls'][number]) => [number, unknown] = () => [404, { RC: 404, RM: 'no' }];
  ready: Frame = { session: 's', device: 'd-made', user: { _id: 'ann', nickname: 'Ann' }, pingMS: 25_000, limits: { frame: 65_536, rooms: 1024 } };
  /** Heads of the rooms, for subscribes. */
  heads: Record<string, { epoch: string; seq: number }> = {};
  readonly #http: Server;
  readonly #ws: WebSocketServer;
  #waiting: (() => void)[] = [];

  private constructor() {
    this.#http = createServer((request, response) => void this.#call(request, response));
    this.#ws = new WebSocketServer({ server: this.#http, path: '/ws' });
    this.#ws.on('connection', (socket) => this.#accept(socket));
  }

  static async start(): Promise<FakeServer> {
    const server = new FakeServer();
    await new Promise<void>((resolve) => server.#http.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  get last(): Peer {
    return this.peers[this.peers.length - 1]!;
  }

  async stop(): Promise<void> {
    for (const socket of this.#ws.clients) socket.terminate();
    this.#ws.close();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  /** Waits until `check` holds; it is tried again whenever something arrives. */
  async until(check: () => boolean, what: string, ms = 4000): Promise<void> {
    const end = Date.now() + ms;
    while (!check()) {
      if (Date.now() > end) throw new Error(`in vain: ${what}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 20);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) one();
  }

  #accept(socket: WebSocket): void {
    const peer = new Peer(socket, socket.protocol);
    this.peers.push(peer);
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as Frame;
      peer.frames.push(frame);
      if (this.onFrame(peer, frame) !== true) this.#answer(peer, frame);
      this.#wake();
    });
    socket.on('close', () => this.#wake());
    this.#wake();
  }

  #answer(peer: Peer, frame: Frame): void {
    if (frame['op'] === 'auth') peer.send({ op: 'ready', id: frame['id'], ...this.ready });
    else if (frame['op'] === 'ping') peer.send({ op: 'pong', id: frame['id'], tsMS: Date.now() });
    else if (frame['op'] === 'subscribe') {
      const rooms = frame['all'] ? Object.keys(this.heads) : (frame['rooms'] as Frame[]).map((one) => one['room'] as string);
      peer.reply(frame['id'], {
        rooms: rooms.map((room) => ({ room, epoch: 'e1', seq: 0, ...this.heads[room], recovered: true })),
      });
    } else if (frame['op'] === 'send') {
      const message = { _id: `id-${frame['clientMsgId']}`, message: frame['message'], room: frame['room'] };
      peer.reply(frame['id'], message);
    } else if (frame['op'] !== 'ack' && frame['op'] !== 'typing') peer.reply(frame['id']);
  }

  async #call(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const call = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
    this.calls.push(call);
    const [status, envelope] = this.onCall(call);
    response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify(envelope));
    this.#wake();
  }
}

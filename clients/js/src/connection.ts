/**
 * One WebSocket from its opening to its end: authentication first, then frames, and a watch that notices when the
 * other side is gone without a close (a phone that slept, a network that changed).
 */
import { startTimer, stopTimer, type Timer, type WebSocketConstructor, type WebSocketLike } from './env.js';
import type { Frame, ReadyFrame } from './types.js';

export interface ConnectionOptions {
  url: string;
  WebSocket: WebSocketConstructor;
  /** The fields of the auth frame beside op and id. */
  auth: Record<string, unknown>;
  /** From the start to `ready`, ms. */
  connectTimeoutMS: number;
  /** How long a ping may stay unanswered, ms. */
  pongTimeoutMS: number;
  onReady(ready: ReadyFrame): void;
  onFrame(frame: Frame): void;
  /** Called once; afterwards nothing more comes. */
  onEnd(end: ConnectionEnd): void;
}

export interface ConnectionEnd {
  /** The close code; 1006 where there was none. */
  code: number;
  reason: string;
}

/** The watch looks at least this often. */
const TICK_MS = 5000;
const OPEN = 1;

export class Connection {
  readonly #options: ConnectionOptions;
  #socket: WebSocketLike | undefined;
  #deadline: Timer | undefined;
  #tick: Timer | undefined;
  #pongTimer: Timer | undefined;
  #ready = false;
  #heardMS = 0;
  #pingMS = 25_000;
  #pingSentMS = 0;
  #refusal: ConnectionEnd | undefined;
  /** The server's clock minus ours, from the last pong. */
  clockOffsetMS = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#deadline = startTimer(options.connectTimeoutMS, () => this.#fail(1006, 'no answer from the server in time'));
    let socket: WebSocketLike;
    try {
      socket = new options.WebSocket(options.url, ['recall.v1']);
    } catch (error) {
      // Reported like any other end, after the constructor's caller has its object.
      stopTimer(this.#deadline);
      this.#deadline = startTimer(0, () => this.#fail(1006, String(error)));
      return;
    }
    this.#socket = socket;
    socket.onopen = () => this.send({ op: 'auth', id: 0, ...options.auth });
    socket.onmessage = (event: { data: unknown }) => this.#message(event.data);
    socket.onclose = (event: { code?: number; reason?: unknown }) => this.#closed(event);
    // What an error means comes with the close that follows it.
    socket.onerror = () => undefined;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Sends a frame; false if the socket is not open. */
  send(frame: Record<string, unknown>): boolean {
    return this.sendText(JSON.stringify(frame));
  }

  sendText(text: string): boolean {
    if (!this.#socket || this.#socket.readyState !== OPEN) return false;
    try {
      this.#socket.send(text);
      return true;
    } catch {
      return false;
    }
  }

  /** Makes sure now that the other side is there: answered within the pong time, or this connection ends. */
  probe(): void {
    if (!this.#ready || this.#pongTimer !== undefined) return;
    this.#pingSentMS = Date.now();
    if (!this.send({ op: 'ping', id: 0 })) {
      this.#fail(1006, 'the socket is not open any more');
      return;
    }
    this.#pongTimer = startTimer(this.#options.pongTimeoutMS, () => this.#fail(1006, 'no answer to a ping'));
  }

  /** Ends the connection without a call of onEnd. */
  close(code = 1000, reason = ''): void {
    this.#release(code, reason);
  }

  /** Ends it as if the other side had gone. */
  #fail(code: number, reason: string): void {
    this.#release(code === 1006 ? 1000 : code, reason);
    this.#options.onEnd({ code, reason });
  }

  #release(code: number, reason: string): void {
    stopTimer(this.#deadline);
    stopTimer(this.#tick);
    stopTimer(this.#pongTimer);
    this.#ready = false;
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    // A dead socket may take minutes to close: nobody waits for it.
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.onerror = () => undefined;
    try {
      // Browsers allow 1000 and 3000 to 4999 only.
      socket.close(code === 1000 || code >= 3000 ? code : 1000, reason.slice(0, 40));
    } catch {
      // It never opened, or is closed already.
    }
  }

  #closed(event: { code?: number; reason?: unknown }): void {
    const end = { code: event.code ?? 1006, reason: String(event.reason ?? '') };
    const refusal = this.#refusal;
    this.#socket = undefined;
    this.#release(1000, '');
    this.#options.onEnd(end.code < 4000 && refusal ? refusal : end);
  }

  #message(data: unknown): void {
    this.#heardMS = Date.now();
    let frame: Frame;
    try {
      frame = JSON.parse(String(data)) as Frame;
    } catch {
      this.#fail(4400, 'the server sent a frame that is not JSON');
      return;
    }
    if (frame === null || typeof frame !== 'object' || typeof frame.op !== 'string') return;
    if (frame.op === 'pong') {
      this.#pong(frame);
      return;
    }
    if (this.#ready) {
      this.#options.onFrame(frame);
    } else if (frame.op === 'ready' && typeof (frame as { user?: { _id?: unknown } }).user?._id === 'string') {
      this.#start(frame as unknown as ReadyFrame);
    } else if (frame.op === 'reply' && frame['RC'] !== 0) {
      this.#refused(frame);
    }
  }

  #start(ready: ReadyFrame): void {
    stopTimer(this.#deadline);
    this.#ready = true;
    if (typeof ready.pingMS === 'number' && ready.pingMS > 0) this.#pingMS = ready.pingMS;
    this.#watch();
    this.#options.onReady(ready);
    // The first ping also tells the server's clock.
    this.probe();
  }

  /** The auth frame was refused: the close code follows, or the RC stands for it. */
  #refused(frame: Frame): void {
    const rc = Number(frame['RC']);
    const reason = String(frame['RM'] ?? '');
    const code = rc === 401 ? 4401 : rc === 403 ? 4403 : rc === 400 ? 4400 : 1013;
    this.#refusal = { code, reason };
    stopTimer(this.#deadline);
    this.#deadline = startTimer(1000, () => this.#fail(code, reason));
  }

  #pong(frame: Frame): void {
    stopTimer(this.#pongTimer);
    this.#pongTimer = undefined;
    const now = Date.now();
    if (typeof frame['tsMS'] === 'number') this.clockOffsetMS = frame['tsMS'] - (now + this.#pingSentMS) / 2;
  }

  #watch(): void {
    this.#tick = startTimer(Math.min(TICK_MS, this.#pingMS), () => {
      this.#watch();
      if (Date.now() - Math.max(this.#heardMS, this.#pingSentMS) >= this.#pingMS) this.probe();
    });
  }
}

/**
 * Requests that wait for a `reply`. A request outlives its connection: it goes out again, unchanged, on the next one,
 * which is right because each is idempotent (a send by its clientMsgId, a recall by its message).
 */
import { startTimer, stopTimer, utf8Length, type Timer } from './env.js';
import { envelopeError, RecallError } from './errors.js';
import type { Frame } from './types.js';

interface Pending {
  id: number;
  op: string;
  text: string;
  /** Whether it went out, on whichever connection. */
  sent: boolean;
  /** The connection on which it went out last. */
  sentOn: number;
  /** Whether it goes out again on the next connection. */
  keep: boolean;
  timer: Timer | undefined;
  resolve(result: unknown): void;
  reject(error: RecallError): void;
}

/** More than this many unanswered requests are refused with BUSY: well under the server's burst of 500 frames. */
export const MAX_PENDING = 256;

export class Requests {
  readonly #pending = new Map<number, Pending>();
  readonly #timeoutMS: number;
  /** Sends a text on the present connection; false if there is none that is ready. */
  readonly #transmit: (text: string) => boolean;
  #nextId = 1;
  /** Counts connections. */
  #connection = 0;
  /** The largest frame the server takes, bytes. */
  frameLimit = 65_536;

  constructor(timeoutMS: number, transmit: (text: string) => boolean) {
    this.#timeoutMS = timeoutMS;
    this.#transmit = transmit;
  }

  /**
   * Sends `frame` (without id) now or once connected; resolves with the reply's result. `once`: it belongs to the
   * present connection, fails with it, and may take as long as that lives.
   */
  request(frame: { op: string } & Record<string, unknown>, once = false): Promise<unknown> {
    if (this.#pending.size >= MAX_PENDING) {
      return Promise.reject(new RecallError('BUSY', `${MAX_PENDING} requests are waiting already`));
    }
    const id = this.#nextId++;
    const text = JSON.stringify({ ...frame, id });
    if (utf8Length(text) > this.frameLimit) {
      return Promise.reject(
        new RecallError('FRAME_TOO_LARGE', `this ${frame.op} is larger than ${this.frameLimit} bytes`, { rc: 413 }),
      );
    }
    return new Promise((resolve, reject) => {
      const timer = once ? undefined : startTimer(this.#timeoutMS, () => this.#timeOut(id));
      const pending: Pending = { id, op: frame.op, text, sent: false, sentOn: -1, keep: !once, timer, resolve, reject };
      this.#pending.set(id, pending);
      this.#send(pending);
      if (once && !pending.sent) this.#take(id)?.reject(new RecallError('CLOSED', 'not connected'));
    });
  }

  /** Hands a reply to its request; false if nobody waits for it. */
  answer(frame: Frame): boolean {
    const pending = typeof frame.id === 'number' ? this.#take(frame.id) : undefined;
    if (!pending) return false;
    if (frame['RC'] === 0) pending.resolve(frame['result']);
    else pending.reject(envelopeError(frame));
    return true;
  }

  /** The connection ended: what belonged to it fails, the rest waits for the next one. */
  disconnected(): void {
    this.#connection += 1;
    for (const pending of [...this.#pending.values()]) {
      if (!pending.keep) this.#take(pending.id)?.reject(new RecallError('CLOSED', 'the connection ended'));
    }
  }

  /** A new connection is ready: everything unanswered goes out on it, in the order it was asked. */
  resume(): void {
    for (const pending of this.#pending.values()) {
      // What was asked since it is ready has gone out on it already.
      if (pending.sentOn !== this.#connection) this.#send(pending);
    }
  }

  /** Gives up what had gone out: the connection ended in a way that one of these frames may have caused. */
  failSent(error: RecallError): void {
    for (const pending of [...this.#pending.values()]) {
      if (pending.sent) this.#take(pending.id)?.reject(error);
    }
  }

  /** Gives up everything. */
  failAll(error: RecallError): void {
    for (const pending of [...this.#pending.values()]) this.#take(pending.id)?.reject(error);
  }

  #send(pending: Pending): void {
    if (!this.#transmit(pending.text)) return;
    pending.sent = true;
    pending.sentOn = this.#connection;
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending) {
      this.#pending.delete(id);
      stopTimer(pending.timer);
    }
    return pending;
  }

  #timeOut(id: number): void {
    const pending = this.#take(id);
    if (!pending) return;
    const known = pending.sent ? 'whether it was done is not known' : 'it never went out';
    pending.reject(
      new RecallError('TIMEOUT', `no answer to this ${pending.op} within ${this.#timeoutMS} ms; ${known}`),
    );
  }
}

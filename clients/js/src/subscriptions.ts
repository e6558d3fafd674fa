/**
 * Which rooms are to be followed, and on the present connection already are. After a reconnect everything is asked for
 * again, from the cursors.
 */
import { startTimer, stopTimer, utf8Length, type Timer } from './env.js';
import { RecallError } from './errors.js';
import type { Requests } from './requests.js';
import type { Rooms } from './rooms.js';
import type { SubscribedRoom } from './types.js';

export interface SubscriptionsOptions {
  requests: Requests;
  rooms: Rooms;
  timeoutMS: number;
  /** Whether the connection is ready. */
  online(): boolean;
  /** When the server was heard last, ms. */
  heardMS(): number;
  /** One room of an answer, before whoever waits for it hears. */
  onRoom(room: SubscribedRoom): void;
  /** Everything wanted is followed. */
  onSynced(): void;
  /** The server refused for now; the connection had better be made anew. */
  onRetry(error: RecallError): void;
}

interface Waiter {
  /** null: all rooms. */
  rooms: string[] | null;
  timer: Timer;
  resolve(rooms: SubscribedRoom[]): void;
  reject(error: RecallError): void;
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #wanted = new Set<string>();
  #wantAll = false;
  /** Of this connection: rooms with their answers. */
  readonly #followed = new Map<string, SubscribedRoom>();
  #followsAll: SubscribedRoom[] | undefined;
  readonly #waiters = new Set<Waiter>();
  #busy = false;
  /** Counts connections: an answer to an earlier one means nothing. */
  #generation = 0;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** Follows `rooms`, null: all. Resolves once the server follows, which is after everything missed was replayed. */
  follow(rooms: string[] | null): Promise<SubscribedRoom[]> {
    if (rooms === null) this.#wantAll = true;
    for (const room of rooms ?? []) {
      this.#wanted.add(room);
      // A refusal of before may not hold any more.
      if (this.#followed.get(room)?.error) this.#followed.delete(room);
    }
    return new Promise((resolve, reject) => {
      const timer = startTimer(this.#options.timeoutMS, () => this.#late(waiter));
      const waiter: Waiter = { rooms, timer, resolve, reject };
      this.#waiters.add(waiter);
      this.#settle();
      this.sync();
    });
  }

  async unfollow(rooms: string[]): Promise<void> {
    for (const room of rooms) {
      this.#wanted.delete(room);
      this.#followed.delete(room);
    }
    if (!this.#options.online()) return;
    try {
      await this.#options.requests.request({ op: 'unsubscribe', rooms }, true);
    } catch (error) {
      // A connection that is gone follows nothing.
      if ((error as RecallError).code !== 'CLOSED') throw error;
    }
  }

  /** The connection is gone. */
  disconnected(): void {
    this.#generation += 1;
    this.#busy = false;
    this.#followed.clear();
    this.#followsAll = undefined;
  }

  failAll(error: RecallError): void {
    for (const waiter of [...this.#waiters]) this.#take(waiter)?.reject(error);
  }

  /** Asks for what is wanted and not followed yet, one frame at a time. */
  sync(): void {
    if (this.#busy || !this.#options.online()) return;
    const frame = this.#nextFrame();
    if (!frame) {
      this.#options.onSynced();
      return;
    }
    this.#busy = true;
    const generation = this.#generation;
    this.#options.requests.request(frame, true).then(
      (result) => {
        if (generation !== this.#generation) return;
        this.#busy = false;
        this.#answered(frame, result as { rooms?: SubscribedRoom[] } | undefined);
        this.sync();
      },
      (error: RecallError) => {
        if (generation !== this.#generation) return;
        this.#busy = false;
        this.#refused(frame, error);
      },
    );
  }

  #nextFrame(): ({ op: string } & Record<string, unknown>) | undefined {
    // Some room for op, id and the braces around the list.
    let left = this.#options.requests.frameLimit - 128;
    if (this.#wantAll && !this.#followsAll) {
      const since: Record<string, { epoch: string; seq: number }> = {};
      // A room left out for want of space is replayed from the start: let those be the shortest ones.
      const cursors = [...this.#options.rooms.all]
        .flatMap(([room, { log }]) => (log.cursor ? [{ room, cursor: log.cursor }] : []))
        .sort((a, b) => b.cursor.seq - a.cursor.seq);
      for (const { room, cursor } of cursors) {
        left -= utf8Length(JSON.stringify({ [room]: cursor }));
        if (left < 0) break;
        since[room] = { epoch: cursor.epoch, seq: cursor.seq };
      }
      return cursors.length > 0 ? { op: 'subscribe', all: true, since } : { op: 'subscribe', all: true };
    }
    const rooms: Record<string, unknown>[] = [];
    for (const room of this.#wanted) {
      if (this.#followed.has(room)) continue;
      const cursor = this.#options.rooms.cursor(room);
      const entry = cursor ? { room, epoch: cursor.epoch, since: cursor.seq } : { room };
      left -= utf8Length(JSON.stringify(entry)) + 1;
      if (left < 0 && rooms.length > 0) break;
      rooms.push(entry);
    }
    return rooms.length > 0 ? { op: 'subscribe', rooms } : undefined;
  }

  #answered(frame: Record<string, unknown>, result: { rooms?: SubscribedRoom[] } | undefined): void {
    const rooms = Array.isArray(result?.rooms) ? result.rooms : [];
    const told = new Set<string>();
    for (const one of rooms) {
      told.add(one.room);
      this.#note(one);
    }
    if (frame['all'] === true) this.#followsAll = rooms;
    else {
      for (const { room } of frame['rooms'] as { room: string }[]) {
        // No word about a room that was asked for: not followed, and asking again would not end.
        if (!told.has(room)) this.#note({ room, error: { code: 'BAD_ANSWER', message: 'the answer leaves it out' } });
      }
    }
    this.#settle();
  }

  #note(one: SubscribedRoom): void {
    if (one.error) this.#wanted.delete(one.room);
    this.#followed.set(one.room, one);
    this.#options.onRoom(one);
  }

  #refused(frame: Record<string, unknown>, error: RecallError): void {
    if (error.code === 'CLOSED') return;
    if (error.rc === 429 || error.rc >= 500) {
      this.#options.onRetry(error);
      return;
    }
    const { code, message } = error;
    if (frame['all'] === true) {
      this.#wantAll = false;
      for (const waiter of [...this.#waiters]) if (waiter.rooms === null) this.#take(waiter)?.reject(error);
    } else for (const { room } of frame['rooms'] as { room: string }[]) this.#note({ room, error: { code, message } });
    this.#settle();
    this.sync();
  }

  /** Answers those whose rooms are all decided. */
  #settle(): void {
    for (const waiter of [...this.#waiters]) {
      const rooms = waiter.rooms === null ? this.#followsAll : waiter.rooms.map((room) => this.#followed.get(room));
      if (rooms?.every((one) => one !== undefined)) this.#take(waiter)?.resolve(rooms as SubscribedRoom[]);
    }
  }

  #late(waiter: Waiter): void {
    const { timeoutMS } = this.#options;
    // A long replay is no silence: go on waiting while frames come.
    if (this.#options.online() && Date.now() - this.#options.heardMS() < timeoutMS) {
      waiter.timer = startTimer(timeoutMS, () => this.#late(waiter));
      return;
    }
    this.#take(waiter)?.reject(
      new RecallError('TIMEOUT', `no answer to this subscribe within ${timeoutMS} ms; it goes on being asked for`),
    );
  }

  #take(waiter: Waiter): Waiter | undefined {
    stopTimer(waiter.timer);
    return this.#waiters.delete(waiter) ? waiter : undefined;
  }
}

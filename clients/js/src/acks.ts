import { startTimer, stopTimer, type Timer } from './env.js';

/** A recall is acked within this time, spread at random; anything else at most once in QUIET_MS per room. */
export const RECALL_MS = 250;
export const QUIET_MS = 1000;
/** An ack that went out this shortly before a connection broke may be lost; it is sent again. */
const DOUBT_MS = 60_000;
/** Frames of one turn and the time to the next: 80 a second stay under the server's 100. */
const BATCH = 40;
const PACE_MS = 500;

interface RoomAcks {
  seq: number;
  refused: number[];
  /** Refused numbers of the acks that may be lost yet. */
  doubtful: number[];
  /** When it is to go out; undefined: nothing new. */
  dueMS: number | undefined;
  sentMS: number;
}

/** Tells the server what this device has applied: cumulative, one frame per room and turn. */
export class Acks {
  readonly #rooms = new Map<string, RoomAcks>();
  /** Sends an ack frame; false without a connection (it is then kept for the next). */
  readonly #transmit: (frame: Record<string, unknown>) => boolean;
  readonly #random: () => number;
  #timer: Timer | undefined;
  #timerMS = Infinity;

  constructor(transmit: (frame: Record<string, unknown>) => boolean, random: () => number = Math.random) {
    this.#transmit = transmit;
    this.#random = random;
  }

  /** Everything up to `seq` is applied (`refused`: except this one). `soon`: it was a recall. */
  applied(room: string, seq: number, soon: boolean, refused = false): void {
    const now = Date.now();
    const entry = this.#rooms.get(room) ?? { seq: 0, refused: [], doubtful: [], dueMS: undefined, sentMS: 0 };
    this.#rooms.set(room, entry);
    entry.seq = Math.max(entry.seq, seq);
    if (refused) entry.refused.push(seq);
    const due = now + (soon ? this.#random() * RECALL_MS : QUIET_MS);
    entry.dueMS = Math.min(entry.dueMS ?? Infinity, due);
    this.#arm();
  }

  /** Whether anything was applied, and so is or will be told, since the client was made. */
  knows(room: string): boolean {
    return this.#rooms.has(room);
  }

  /** The room's log began anew: earlier numbers mean nothing. */
  restart(room: string): void {
    this.#rooms.delete(room);
  }

  /** Another user: what the former one applied is nobody's business any more. */
  clear(): void {
    this.stop();
    this.#rooms.clear();
  }

  /** Sends what is due later now, before a close. */
  sendAll(): void {
    for (const entry of this.#rooms.values()) if (entry.dueMS !== undefined) entry.dueMS = 0;
    this.stop();
    this.#flush();
  }

  /** A new connection is ready and its rooms are followed. */
  resume(): void {
    const now = Date.now();
    for (const entry of this.#rooms.values()) {
      if (entry.sentMS <= now - DOUBT_MS) continue;
      entry.dueMS ??= now + this.#random() * RECALL_MS;
      entry.refused = [...new Set([...entry.doubtful, ...entry.refused])];
    }
    this.#timerMS = Infinity;
    this.#arm();
  }

  stop(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
    this.#timerMS = Infinity;
  }

  #arm(): void {
    let due = Infinity;
    for (const entry of this.#rooms.values()) if (entry.dueMS !== undefined && entry.dueMS < due) due = entry.dueMS;
    if (due === Infinity || due >= this.#timerMS) return;
    this.#set(due);
  }

  #set(due: number): void {
    stopTimer(this.#timer);
    this.#timerMS = due;
    this.#timer = startTimer(Math.max(0, due - Date.now()), () => this.#flush());
  }

  #flush(): void {
    this.#timer = undefined;
    this.#timerMS = Infinity;
    const now = Date.now();
    let left = BATCH;
    for (const [room, entry] of this.#rooms) {
      if (entry.dueMS === undefined || entry.dueMS > now + 5) continue;
      if (left-- === 0) {
        this.#set(now + PACE_MS);
        return;
      }
      const frame: Record<string, unknown> = { op: 'ack', room, seq: entry.seq };
      if (entry.refused.length > 0) frame['refused'] = entry.refused;
      // Without a connection the entries stay due; resume() goes on with them.
      if (!this.#transmit(frame)) return;
      entry.doubtful = entry.sentMS > now - DOUBT_MS ? [...entry.doubtful, ...entry.refused] : entry.refused;
      entry.refused = [];
      entry.dueMS = undefined;
      entry.sentMS = now;
    }
    this.#arm();
  }
}

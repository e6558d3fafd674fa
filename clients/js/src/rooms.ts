/** What the client remembers of each room, and its way into storage and back. */
import { startTimer, stopTimer, type Timer } from './env.js';
import { RecallError } from './errors.js';
import type { MessageList } from './list.js';
import { RoomLog } from './log.js';
import type { Storage } from './storage.js';
import type { Cursor } from './types.js';

export interface RoomState {
  readonly log: RoomLog;
  list: MessageList | undefined;
  /** Up to where everything is applied, also by the app: what is acked and stored. */
  applied: Cursor | undefined;
  /** What has to end before the next event counts as applied: the app's own work, a reload after a reset. */
  chain: Promise<void> | undefined;
}

/** Cursors reach the storage this long after they moved; what is lost of that is replayed and ignored. */
const SAVE_MS = 1000;

type StoredCursors = Record<string, { epoch: string; seq: number; tombstones?: boolean }>;

export class Rooms {
  readonly #storage: Storage;
  readonly #onError: (error: RecallError) => void;
  readonly #states = new Map<string, RoomState>();
  readonly #dirty = new Set<string>();
  #prefix: string | undefined;
  #timer: Timer | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(storage: Storage, onError: (error: RecallError) => void) {
    this.#storage = storage;
    this.#onError = onError;
  }

  /** Loads what is stored under `prefix`; a prefix other than before (another user) starts from an empty memory. */
  async open(prefix: string): Promise<void> {
    if (this.#prefix === prefix) return;
    if (this.#prefix !== undefined) {
      await this.flush();
      for (const state of this.#states.values()) this.#forget(state);
    }
    this.#prefix = prefix;
    const stored = await this.#loadCursors(prefix);
    await Promise.all(Object.entries(stored).map(async ([room, one]) => {
      if (typeof one?.epoch !== 'string' || !Number.isSafeInteger(one.seq)) return;
      const state = this.state(room);
      const at = state.log.cursor;
      // A list that was filled from a cache goes on from that cache's place; the earlier of the two leaves no gap.
      if (!at || (at.epoch === one.epoch && one.seq < at.seq)) state.log.cursor = { epoch: one.epoch, seq: one.seq };
      state.applied ??= state.log.cursor;
      if (!one.tombstones) return;
      try {
        state.log.restore(await this.#storage.get(`${prefix}tombstones:${room}`));
      } catch (reason) {
        this.#failed(reason);
      }
    }));
  }

  state(room: string): RoomState {
    let state = this.#states.get(room);
    if (!state) {
      state = { log: new RoomLog(room), list: undefined, applied: undefined, chain: undefined };
      this.#states.set(room, state);
    }
    return state;
  }

  get all(): IterableIterator<[string, RoomState]> {
    return this.#states.entries();
  }

  /** Rooms with a cursor, for a subscribe. */
  cursor(room: string): Cursor | undefined {
    return this.#states.get(room)?.log.cursor;
  }

  /** The user is no member any more: the cursor goes, what the list shows stays. */
  leave(room: string): void {
    const state = this.#states.get(room);
    if (!state?.log.cursor) return;
    state.log.cursor = undefined;
    state.applied = undefined;
    this.#arm();
  }

  /** What was not applied to its end before the client was stopped is asked for again. */
  rewind(): void {
    for (const { log, applied } of this.#states.values()) if (applied) log.cursor = applied;
  }

  /** Goes on from `to`, or from where the room stands if that is earlier; false if that is another log. */
  rewindTo(room: string, to: Cursor): boolean {
    const state = this.state(room);
    const at = state.log.cursor;
    if (at && at.epoch !== to.epoch) return false;
    if (!at || to.seq < at.seq) state.log.cursor = to;
    if (state.applied && to.seq < state.applied.seq) state.applied = to;
    return true;
  }

  moved(room: string, cursor: Cursor): void {
    this.state(room).applied = cursor;
    this.#arm();
  }

  buried(room: string): void {
    this.#dirty.add(room);
    this.#arm();
  }

  /** Writes what has changed now. */
  flush(): Promise<void> {
    if (this.#timer === undefined) return this.#saving;
    stopTimer(this.#timer);
    this.#timer = undefined;
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    const prefix = this.#prefix;
    if (prefix === undefined) return this.#saving;
    this.#saving = this.#save(prefix, dirty, this.#saving);
    return this.#saving;
  }

  /** One value under `key`, apart from the users' rooms. */
  async load(key: string): Promise<string | undefined> {
    try {
      return (await this.#storage.get(key)) ?? undefined;
    } catch (reason) {
      this.#failed(reason);
      return undefined;
    }
  }

  async store(key: string, value: string): Promise<void> {
    try {
      await this.#storage.set(key, value);
    } catch (reason) {
      this.#failed(reason);
    }
  }

  #forget(state: RoomState): void {
    state.list?.clear();
    state.log.clear();
    state.applied = undefined;
    state.chain = undefined;
  }

  async #loadCursors(prefix: string): Promise<StoredCursors> {
    const text = await this.load(`${prefix}cursors`);
    if (!text) return {};
    try {
      const value: unknown = JSON.parse(text);
      return value !== null && typeof value === 'object' ? (value as StoredCursors) : {};
    } catch (reason) {
      // Without cursors everything starts from now, as on a new device.
      this.#failed(reason);
      return {};
    }
  }

  #arm(): void {
    if (this.#prefix !== undefined) this.#timer ??= startTimer(SAVE_MS, () => void this.flush());
  }

  async #save(prefix: string, dirty: string[], before: Promise<void>): Promise<void> {
    const cursors: StoredCursors = {};
    for (const [room, { applied, log }] of this.#states) {
      if (applied) cursors[room] = log.hasTombstones ? { ...applied, tombstones: true } : applied;
    }
    // As texts now: what happens while earlier writes end belongs to the next save.
    const text = JSON.stringify(cursors);
    const tombstones = dirty.map((room): [string, string] => [room, this.state(room).log.serialize()]);
    try {
      await before;
      // Tombstones first: a cursor may never stand behind a recall that is not remembered.
      await Promise.all(tombstones.map(([room, value]) => this.#storage.set(`${prefix}tombstones:${room}`, value)));
      await this.#storage.set(`${prefix}cursors`, text);
    } catch (reason) {
      this.#failed(reason);
    }
  }

  #failed(reason: unknown): void {
    this.#onError(new RecallError('STORAGE', 'the storage failed; what it holds may be behind', { reason }));
  }
}

import type { Cursor, EventFrame } from './types.js';
import type { Tombstone } from './notice.js';

/** Tombstones kept per room; the oldest go first. The server delivers late messages already recalled as well. */
export const TOMBSTONES_PER_ROOM = 500;

/** `extra` longer than this is not written to storage with a tombstone. */
const STORED_EXTRA = 512;

/** What is remembered of one room besides its messages: how far its log was applied, and what was recalled. */
export class RoomLog {
  readonly room: string;
  cursor: Cursor | undefined;
  readonly #tombstones = new Map<string, Tombstone>();

  constructor(room: string) {
    this.room = room;
  }

  /** Moves the cursor to the event; false for a repeat. Another epoch is another log: its numbers start anew. */
  advance(event: EventFrame): boolean {
    const at = this.cursor;
    if (at && at.epoch === event.epoch && event.seq <= at.seq) return false;
    this.cursor = { epoch: event.epoch, seq: event.seq };
    return true;
  }

  get hasTombstones(): boolean {
    return this.#tombstones.size > 0;
  }

  /** Ids of what was recalled. */
  get tombstones(): string[] {
    return [...this.#tombstones.keys()];
  }

  clear(): void {
    this.cursor = undefined;
    this.#tombstones.clear();
  }

  tombstone(id: string): Tombstone | undefined {
    return this.#tombstones.get(id);
  }

  /** Remembers a recall; false if it was known. */
  bury(tombstone: Tombstone): boolean {
    if (this.#tombstones.has(tombstone.id)) return false;
    this.#tombstones.set(tombstone.id, tombstone);
    if (this.#tombstones.size > TOMBSTONES_PER_ROOM) {
      for (const oldest of this.#tombstones.keys()) {
        this.#tombstones.delete(oldest);
        break;
      }
    }
    return true;
  }

  /** The tombstones as a text for storage. */
  serialize(): string {
    return JSON.stringify(
      [...this.#tombstones.values()].map((one) => (one.extra.length > STORED_EXTRA ? { ...one, extra: '' } : one)),
    );
  }

  /** Takes in what `serialize` made; tombstones learned meanwhile stay. A damaged text counts as empty. */
  restore(text: string | null | undefined): void {
    if (!text) return;
    let stored: unknown;
    try {
      stored = JSON.parse(text);
    } catch {
      return;
    }
    if (!Array.isArray(stored)) return;
    for (const one of stored as Tombstone[]) {
      if (one && typeof one === 'object' && typeof one.id === 'string') {
        this.bury({ ...one, extra: String(one.extra ?? ''), delete: one.delete === true, admin: one.admin === true });
      }
    }
  }
}

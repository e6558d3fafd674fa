import { senderId, type Tombstone } from './notice.js';
import type { ListItem, MessageItem } from './types.js';

/**
 * The unread count of one room: what the server counted when asked, plus what arrived since, minus what was read or
 * recalled. A message counts if it was sent by someone else after the user's last read.
 */
export class Unread {
  #count = 0;
  /** Whether `#count` may hold messages that the list does not have. */
  #seeded = false;
  #lastReadMS: number | undefined;
  /** The counted messages that the list has; never more than `#count`. */
  readonly #counted = new Set<string>();

  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
    this.#seeded = false;
    this.#lastReadMS = undefined;
    this.#counted.clear();
  }

  /** What the server counted. `kept`: it has a read mark of the user; `lastReadMS`: the time of that message, where the list has it. */
  seed(count: number, kept: boolean, lastReadMS: number | undefined, items: readonly ListItem[], me: string | undefined): void {
    this.#seeded = true;
    if (this.#lastReadMS !== undefined && (!kept || (lastReadMS !== undefined && lastReadMS < this.#lastReadMS))) {
      // The server counted before it heard of what was read here, or keeps no read mark in this room.
      this.#counted.clear();
      for (const item of items) if (item.kind === 'message' && this.#counts(item, me)) this.#counted.add(item.id);
      this.#count = this.#counted.size;
      return;
    }
    this.#count = Math.max(0, count);
    if (lastReadMS !== undefined) this.#lastReadMS = lastReadMS;
    this.recount(items, me);
  }

  /** Finds out again which of the items are counted: with a server's count the newest ones of others. */
  recount(items: readonly ListItem[], me: string | undefined): void {
    if (!this.#seeded) return;
    this.#counted.clear();
    for (let i = items.length - 1; i >= 0 && this.#counted.size < this.#count; i--) {
      const item = items[i]!;
      if (item.kind === 'message' && this.#counts(item, me)) this.#counted.add(item.id);
    }
  }

  arrived(item: MessageItem, me: string | undefined): void {
    if (!this.#counts(item, me)) return;
    this.#counted.add(item.id);
    this.#count += 1;
  }

  /** A recall; `item` is the message where the list has it. */
  recalled(tombstone: Tombstone, item: ListItem | undefined, me: string | undefined): void {
    if (item) {
      if (this.#counted.delete(item.id)) this.#count -= 1;
      return;
    }
    // Of a message that the list does not have only the server's count can have known.
    const sentByOther = tombstone.author !== '' && tombstone.author !== me;
    const afterRead = tombstone.sentTime > 0
      && (this.#lastReadMS === undefined || tombstone.sentTime > this.#lastReadMS);
    if (this.#seeded && sentByOther && afterRead && this.#count > this.#counted.size) this.#count -= 1;
  }

  /** Read up to `timeMS` (undefined: the list does not have that message); `badge` is the server's count after it. */
  read(timeMS: number | undefined, badge: number | undefined, items: readonly ListItem[]): void {
    if (timeMS !== undefined) {
      const readTo = Math.max(timeMS, this.#lastReadMS ?? 0);
      this.#lastReadMS = readTo;
      for (const item of items) if (item.timeMS <= readTo) this.#counted.delete(item.id);
      this.#count = this.#counted.size;
    }
    if (badge !== undefined) {
      this.#count = Math.max(0, badge);
      this.#seeded = true;
    }
  }

  /** The message was deleted for all. */
  deleted(id: string): void {
    if (this.#counted.delete(id)) this.#count -= 1;
  }

  /** The item left the list without a recall; the count stays as it was. */
  gone(id: string): void {
    if (this.#counted.delete(id)) this.#seeded = true;
  }

  #counts(item: MessageItem, me: string | undefined): boolean {
    const counted = item.message['isCounted'];
    if (counted === false || counted === 0) return false;
    return senderId(item.message) !== me && (this.#lastReadMS === undefined || item.timeMS > this.#lastReadMS);
  }
}

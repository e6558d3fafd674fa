/** A list as a text that an app may keep, with its place in the room's log, and back. */
import { isRecalled, messageId, messageTime } from './notice.js';
import type { Cursor, ListItem, Message } from './types.js';

export interface ListCache {
  /** Up to where the room's log is applied in `items`. */
  cursor: Cursor;
  /** Whose screen it was; undefined: not known. */
  user: string | undefined;
  items: ListItem[];
  hasMore: boolean;
}

const VERSION = 1;

/** The newest item that a conversation list may show. */
export function newestLine(items: readonly ListItem[]): ListItem | null {
  for (let i = items.length - 1; i >= 0; i--) if (!items[i]!.unlisted) return items[i]!;
  return null;
}

/** When an item last changed, which is the order of history. */
function changedAt(item: ListItem): number {
  return item.kind === 'message' ? item.message.updatedAtMS ?? item.timeMS : item.notice.recallActionTime;
}

/** Everything that changed after this message is among `items`: history goes on before it. */
export function pageEdge(items: readonly ListItem[]): string | undefined {
  let edge: string | undefined;
  let oldest = Infinity;
  for (const item of items) {
    const at = changedAt(item);
    if (at > 0 && at < oldest) {
      oldest = at;
      edge = item.id;
    }
  }
  return edge;
}

/** The newest `limit` items by their last change, so that what history has before the oldest of them is what lacks. */
export function writeCache(room: string, cache: ListCache, limit: number): string {
  const newest = [...cache.items].sort((a, b) => changedAt(b) - changedAt(a)).slice(0, Math.max(0, limit));
  const kept = new Set(newest);
  const items = cache.items.filter((item) => kept.has(item)).map((item) => {
    if (item.kind === 'message') return { message: item.message };
    // The text of a recalled message stays in memory, for its author and for a short time.
    const { recallContent: _text, ...notice } = item.notice;
    return { id: item.id, timeMS: item.timeMS, notice, ...(item.unlisted && { unlisted: true }) };
  });
  const { cursor, user } = cache;
  const hasMore = cache.hasMore || items.length < cache.items.length;
  return JSON.stringify({ version: VERSION, room, cursor: { epoch: cursor.epoch, seq: cursor.seq }, user, hasMore, items });
}

/** What `writeCache` made of this room; null for anything else. */
export function readCache(room: string, text: string | null | undefined): ListCache | null {
  let value: any;
  try {
    value = JSON.parse(text || 'null');
  } catch {
    return null;
  }
  const cursor = value?.cursor;
  if (value?.version !== VERSION || value.room !== room || !Array.isArray(value.items)) return null;
  if (typeof cursor?.epoch !== 'string' || !Number.isSafeInteger(cursor.seq)) return null;
  const items = (value.items as unknown[]).map(readItem).filter((item) => item !== null);
  items.sort((a, b) => a.timeMS - b.timeMS);
  return {
    cursor: { epoch: cursor.epoch, seq: cursor.seq },
    user: typeof value.user === 'string' ? value.user : undefined,
    items,
    hasMore: value.hasMore !== false,
  };
}

function readItem(value: any): ListItem | null {
  if (value?.message && typeof value.message === 'object') {
    const message = value.message as Message;
    const id = messageId(message);
    return id === '' || isRecalled(message) ? null : { kind: 'message', id, timeMS: messageTime(message), message };
  }
  const { id, timeMS, notice, unlisted } = value ?? {};
  if (typeof id !== 'string' || typeof timeMS !== 'number' || !notice || typeof notice !== 'object') return null;
  return { kind: 'notice', id, timeMS, notice, ...(unlisted === true && { unlisted }) };
}

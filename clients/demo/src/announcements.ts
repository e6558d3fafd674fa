// Conversations that are no room of their own: what the system tells everyone and this user alone is one to its reader.
import { conversationOf, type ListItem, type MessageList } from 'recall-client';

export const ANNOUNCEMENTS = '~announcements';

// The server's rooms that a conversation is made of.
export function partsOf(room: string, me: string): string[] {
  return room === ANNOUNCEMENTS ? ['~broadcast', `~system/${me}`] : [room];
}

export interface Placed {
  room: string;
  item: ListItem;
}

// The lines of all lists in the order of their time.
export function linesOf(lists: readonly MessageList[]): Placed[] {
  const lines = lists.flatMap((list) => list.items.map((item) => ({ room: list.room, item })));
  return lists.length > 1 ? lines.sort((a, b) => a.item.timeMS - b.item.timeMS) : lines;
}

export function lastLineOf(lists: readonly MessageList[]): ListItem | null {
  return lists.reduce<ListItem | null>((last, { lastLine }) => (
    lastLine !== null && (last === null || lastLine.timeMS > last.timeMS) ? lastLine : last), null);
}

// What a room is called that has no name of its own.
export function titleOf(room: string, me: string, nameOf: (id: string) => string | undefined): string {
  if (room === ANNOUNCEMENTS) return 'System';
  const { kind, target } = conversationOf(room, me);
  return kind === 'private' ? nameOf(target) ?? target : target;
}

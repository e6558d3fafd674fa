// What the server's message objects hold, as the plain facts that the views draw.
import { RecallError, contentOf, type Message } from 'recall-client';
import type { Person, Quote } from './model.ts';

const EDITED_AFTER_MS = 500;

// The server's own sentence where there is one. A fetch that reached nobody says no more than its browser's two words.
export function sentenceOf(error: unknown): string {
  if (error instanceof RecallError && error.code === 'TOKEN' && error.reason instanceof Error) return sentenceOf(error.reason);
  if (error instanceof TypeError) return 'The server cannot be reached.';
  return error instanceof Error && error.message !== '' ? error.message : 'The server did not answer.';
}

export function asPerson(user: { _id?: string; id?: string; nickname?: string } | null | undefined): Person | null {
  const id = user?._id ?? user?.id ?? '';
  return id === '' ? null : { id, name: user?.nickname || id };
}

// The text of a message and its kind, whichever dialect it came in: `text`, `image` and so on, else the type itself.
export function asContent(message: Message): { text: string; messageType: string } {
  const { kind, text } = contentOf(message);
  return { text, messageType: kind === 'other' ? message.messageType ?? 'other' : kind };
}

export function asQuote(reply: Message['reply']): Quote | null {
  if (reply === null || reply === undefined || reply === '') return null;
  if (typeof reply === 'string') return { id: reply, author: null, text: '', messageType: 'text', cleared: true };
  const cleared = reply.messageType === 'recall';
  return {
    id: reply._id,
    author: asPerson(reply.sender),
    ...(cleared ? { text: '', messageType: 'recall' } : asContent(reply)),
    cleared,
  };
}

// An edit that happened before this window came: the message changed after it was made. Clearing its quote changes it too.
export function editedBefore(message: Message): boolean {
  const made = message.createdAtMS ?? message.messageTimeMS ?? 0;
  return (message.updatedAtMS ?? 0) - made > EDITED_AFTER_MS && asQuote(message.reply)?.cleared !== true;
}

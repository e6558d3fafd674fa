// What the server's message objects hold, as the plain facts that the views draw.
import { RecallError, type Message } from 'recall-client';
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

export function asText(message: unknown): string {
  if (typeof message === 'string') return message;
  return message === null || message === undefined ? '' : JSON.stringify(message);
}

export function asQuote(reply: Message['reply']): Quote | null {
  if (reply === null || reply === undefined || reply === '') return null;
  if (typeof reply === 'string') return { id: reply, author: null, text: '', messageType: 'text', cleared: true };
  const cleared = reply.messageType === 'recall';
  return {
    id: reply._id,
    author: asPerson(reply.sender),
    text: cleared ? '' : asText(reply.message),
    messageType: reply.messageType ?? 'text',
    cleared,
  };
}

// An edit that happened before this window came: the message changed after it was made. Clearing its quote changes it too.
export function editedBefore(message: Message): boolean {
  const made = message.createdAtMS ?? message.messageTimeMS ?? 0;
  return (message.updatedAtMS ?? 0) - made > EDITED_AFTER_MS && asQuote(message.reply)?.cleared !== true;
}

/** What a room and a message are, in both dialects: for titles, last lines and drawing. No words of any language. */
import type { Message } from './types.js';

export type ConversationKind = 'private' | 'group' | 'chatroom' | 'system' | 'broadcast';

export interface Conversation {
  kind: ConversationKind;
  /** The other user of a private conversation, the user of a system one, a chatroom's or group's id; '' of the broadcast. */
  target: string;
}

/** What a room is, by its name. `me` is the user whose screen it is: it tells the other one of a private conversation. */
export function conversationOf(room: string, me = ''): Conversation {
  if (room === '~broadcast') return { kind: 'broadcast', target: '' };
  if (room.startsWith('~system/')) return { kind: 'system', target: room.slice(8) };
  if (room.startsWith('~chatroom/')) return { kind: 'chatroom', target: room.slice(10) };
  if (!room.startsWith('~private/')) return { kind: 'group', target: room };
  const pair = room.slice(9);
  // An id may hold a slash, so one's own is cut off where it stands.
  if (me !== '' && pair.startsWith(`${me}/`)) return { kind: 'private', target: pair.slice(me.length + 1) };
  if (me !== '' && pair.endsWith(`/${me}`)) return { kind: 'private', target: pair.slice(0, -me.length - 1) };
  return { kind: 'private', target: pair };
}

export type ContentKind = 'text' | 'image' | 'voice' | 'video' | 'file' | 'location' | 'other';

export interface Content {
  kind: ContentKind;
  /** The text itself; beside another kind its caption, a file's name, a place; '' where there is none. */
  text: string;
}

const KINDS = new Map<string, ContentKind>(Object.entries({
  text: 'text', 'RC:TxtMsg': 'text', 'RC:ReferenceMsg': 'text',
  image: 'image', 'RC:ImgMsg': 'image', 'RC:GIFMsg': 'image',
  audio: 'voice', voice: 'voice', 'RC:HQVCMsg': 'voice', 'RC:VcMsg': 'voice',
  video: 'video', 'RC:SightMsg': 'video',
  file: 'file', 'RC:FileMsg': 'file',
  location: 'location', 'RC:LBSMsg': 'location',
}));

/** What a message shows, whichever dialect it was sent in. */
export function contentOf(message: Message): Content {
  const type = message.messageType ?? 'text';
  const kind = KINDS.get(type) ?? 'other';
  const own = message.message;
  if (typeof own === 'string' ? own !== '' : own !== null && own !== undefined) {
    return { kind, text: typeof own === 'string' ? own : JSON.stringify(own) };
  }
  const content = message['content'];
  if (content === null || typeof content !== 'object') return { kind, text: '' };
  const fields = content as Record<string, unknown>;
  const text = kind === 'text' ? fields['content'] : kind === 'file' ? fields['name'] : kind === 'location' ? fields['poi'] : '';
  return { kind, text: typeof text === 'string' ? text : '' };
}

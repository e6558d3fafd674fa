import type { EventFrame, Message, RcNtf } from './types.js';

/** What is remembered of a recall. It holds nothing of the message's content. */
export interface Tombstone {
  id: string;
  operatorId: string;
  operatorName: string;
  /** When the message had been sent, ms; 0: unknown. */
  sentTime: number;
  /** When it was recalled, ms. */
  actionTime: number;
  /** The message's author; '': unknown. */
  author: string;
  admin: boolean;
  delete: boolean;
  user: RcNtf['user'];
  extra: string;
}

const OBJECT_NAMES: Record<string, string> = {
  text: 'RC:TxtMsg',
  image: 'RC:ImgMsg',
  audio: 'RC:HQVCMsg',
  voice: 'RC:HQVCMsg',
  video: 'RC:SightMsg',
  file: 'RC:FileMsg',
  location: 'RC:LBSMsg',
};

/** The message's object name: its own, or RongCloud's name for an IMKit type, or the type as it is. */
export function objectName(message: Message): string {
  if (typeof message.objectName === 'string') return message.objectName;
  const type = message.messageType ?? 'text';
  return OBJECT_NAMES[type] ?? type;
}

export function messageId(message: Message): string {
  return typeof message._id === 'string' ? message._id : typeof message['id'] === 'string' ? message['id'] : '';
}

export function messageTime(message: Message): number {
  return message.messageTimeMS ?? message.createdAtMS ?? 0;
}

export function senderId(message: Message): string {
  return message.sender?._id ?? message.sender?.id ?? '';
}

export function isRecalled(message: Message): boolean {
  return message.messageType === 'recall';
}

/** The tombstone of a recall event, or null if the frame names no message. */
export function tombstoneOf(event: EventFrame): Tombstone | null {
  const command = event.content;
  const after = event.message ?? undefined;
  const id = command?.messageUId ?? (after ? messageId(after) : '');
  if (typeof id !== 'string' || id === '') return null;
  const user = command?.user ?? null;
  const operator = after?.sender ?? null;
  return {
    id,
    operatorId: String(user?.id ?? operator?._id ?? ''),
    operatorName: String(user?.name ?? operator?.nickname ?? ''),
    sentTime: command?.sentTime ?? (after ? messageTime(after) : 0),
    actionTime: event.recallTimeMS ?? after?.updatedAtMS ?? 0,
    author: command?.originalFromUserId ?? '',
    admin: command?.isAdmin === true,
    delete: command?.isDelete === true,
    user,
    extra: command?.extra ?? '',
  };
}

/** The tombstone that a message object read as recalled (from history, or a late message) stands for. */
export function tombstoneFrom(message: Message): Tombstone {
  const operator = message.sender ?? null;
  const id = operator ? operator._id ?? operator.id : undefined;
  return {
    id: messageId(message),
    operatorId: id ?? '',
    operatorName: operator?.nickname ?? '',
    sentTime: messageTime(message),
    actionTime: message.updatedAtMS ?? 0,
    author: '',
    // Nobody's name on a recall means that the platform did it.
    admin: typeof message['isAdmin'] === 'boolean' ? message['isAdmin'] : operator === null,
    delete: message['isDelete'] === true,
    user: id === undefined ? null : { id, name: operator?.nickname ?? '' },
    extra: '',
  };
}

/** The gray bar of a recall; `original` is the message where this client has it. */
export function noticeOf(tombstone: Tombstone, original?: Message): RcNtf {
  return {
    operatorId: tombstone.operatorId,
    operatorName: tombstone.operatorName,
    recallTime: tombstone.sentTime || (original ? messageTime(original) : 0),
    recallActionTime: tombstone.actionTime,
    originalObjectName: !original ? '' : isRecalled(original) && original.objectName === undefined ? '' : objectName(original),
    admin: tombstone.admin,
    delete: tombstone.delete,
    user: tombstone.user,
    extra: tombstone.extra,
  };
}

/** What stands in a quote where the copy of a recalled message stood. */
export function recalledCopy(tombstone: Tombstone): Message {
  return {
    _id: tombstone.id,
    id: tombstone.id,
    message: '',
    messageType: 'recall',
    sender: tombstone.operatorId === '' ? null
      : { _id: tombstone.operatorId, id: tombstone.operatorId, nickname: tombstone.operatorName },
    messageTimeMS: tombstone.sentTime,
    updatedAtMS: tombstone.actionTime,
  };
}

/** The id of the message that `message` quotes, or ''. */
export function quotedId(message: Message): string {
  const reply = message.reply;
  if (typeof reply === 'string') return reply;
  return reply && typeof reply === 'object' ? messageId(reply) : '';
}

/**
 * `message` without its copy of the recalled one, or the same object if it holds none. `named`: the server says that
 * it quotes the recalled message, whatever its copy looks like.
 */
export function clearQuote(message: Message, tombstone: Tombstone, named: boolean): Message {
  let result = message;
  const reply = message.reply;
  if (reply && typeof reply === 'object' && !isRecalled(reply) && (named || messageId(reply) === tombstone.id)) {
    result = { ...result, reply: recalledCopy(tombstone) };
  }
  for (const field of ['message', 'content']) {
    const cleared = clearReference(result[field], tombstone.id);
    if (cleared !== undefined) result = { ...result, [field]: cleared };
  }
  return result;
}

/** The content of an `RC:ReferenceMsg` (an object or its JSON text) without its copy; undefined if it has none. */
function clearReference(content: unknown, id: string): unknown {
  const isText = typeof content === 'string';
  if (isText && !content.includes('referMsgUid')) return undefined;
  let value: unknown = content;
  if (isText) {
    try {
      value = JSON.parse(content);
    } catch {
      return undefined;
    }
  }
  if (value === null || typeof value !== 'object' || !('referMsgUid' in value) || value.referMsgUid !== id) {
    return undefined;
  }
  const { referMsg: _copy, ...rest } = value as Record<string, unknown>;
  const cleared = { ...rest, referMsgStatus: 2 };
  return isText ? JSON.stringify(cleared) : cleared;
}

/** Addresses in a message's content: what an app may have cached for it. */
export function mediaUrls(message: Message): string[] {
  const found = new Set<string>();
  const walk = (value: unknown, depth: number): void => {
    if (typeof value === 'string') {
      if (value.length <= 4096 && /^(https?|blob|file|content):/i.test(value)) found.add(value);
    } else if (value !== null && typeof value === 'object' && depth < 6) {
      for (const inner of Object.values(value)) walk(inner, depth + 1);
    }
  };
  const isText = (message.messageType ?? 'text') === 'text';
  for (const [field, value] of Object.entries(message)) {
    if (field === 'sender' || field === 'reply' || (field === 'message' && isText)) continue;
    if (typeof value === 'string' && (field === 'message' || field === 'content') && /^\s*[{[]/.test(value)) {
      try {
        walk(JSON.parse(value), 1);
      } catch {
        // Not JSON after all: it holds no address as a whole.
      }
    } else walk(value, 0);
  }
  return [...found];
}

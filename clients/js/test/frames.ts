// Frames as the server makes them, for the tests.
import type { EventFrame, Message } from 'recall-client';

export const T0 = 1_558_435_851_576;

export function message(id: string, from: string, text: string, more: Record<string, unknown> = {}): Message {
  const at = T0 + Number(id.replace(/\D/g, '') || 0) * 1000;
  return {
    _id: id, id, room: 'r', message: text, messageType: 'text', sender: { _id: from, id: from, nickname: from },
    messageTimeMS: at, createdAtMS: at, updatedAtMS: at, ...more,
  };
}

export function event(seq: number, of: Message, type = 'message', epoch = 'e1'): EventFrame {
  return { op: 'event', room: of.room ?? 'r', epoch, seq, type, message: of };
}

export interface RecallOf {
  by?: string;
  isDelete?: boolean;
  keepLast?: boolean;
  lastMessage?: Message | null;
  quotedBy?: string[];
  at?: number;
  epoch?: string;
}

export function recalled(of: Message, by = of.sender!._id, at = T0 + 60_000): Message {
  return { ...message(of._id, by, '', { messageType: 'recall' }), room: of.room, updatedAtMS: at };
}

export function recall(seq: number, of: Message, more: RecallOf = {}): EventFrame {
  const by = more.by ?? of.sender!._id;
  const at = more.at ?? T0 + 60_000;
  return {
    op: 'event', room: of.room ?? 'r', epoch: more.epoch ?? 'e1', seq, type: 'recall', objectName: 'RC:RcCmd',
    content: {
      messageUId: of._id, targetId: 'r', conversationType: 3, sentTime: of.messageTimeMS!, isAdmin: false,
      isDelete: more.isDelete ?? false, extra: '', disableUpdateLastMsg: more.keepLast ?? false,
      originalFromUserId: of.sender!._id, user: { id: by, name: by },
    },
    message: recalled(of, by, at), recallTimeMS: at,
    ...(more.lastMessage === undefined ? {} : { lastMessage: more.lastMessage }), quotedBy: more.quotedBy ?? [],
  };
}

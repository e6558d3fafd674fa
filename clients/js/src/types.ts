/**
 * Shapes on the wire (version recall.v1) and of the public surface.
 *
 * Readers ignore fields that they do not know, so the interfaces name what this client reads; everything else is
 * kept as it came.
 */

/** A user as messages carry it. */
export interface User {
  _id: string;
  id?: string;
  nickname?: string;
  avatarUrl?: string;
  [field: string]: unknown;
}

/** An IMKit message object. */
export interface Message {
  _id: string;
  room?: string;
  message?: unknown;
  messageType?: string;
  sender?: User | null;
  messageTimeMS?: number;
  createdAtMS?: number;
  updatedAtMS?: number;
  /** The quoted message: a populated copy, or its bare id. */
  reply?: Message | string | null;
  /** RongCloud's name of the content, where the message came in that dialect; `content` is the content itself then. */
  objectName?: string;
  content?: unknown;
  [field: string]: unknown;
}

/** Content of the recall command `RC:RcCmd`. */
export interface RecallCommand {
  messageUId: string;
  targetId?: string;
  conversationType?: number;
  sentTime?: number;
  isAdmin?: boolean;
  isDelete?: boolean;
  extra?: string;
  disableUpdateLastMsg?: boolean;
  originalFromUserId?: string;
  user?: { id?: string; name?: string; [field: string]: unknown } | null;
  [field: string]: unknown;
}

/** The gray bar's content, `RC:RcNtf`, made by the client. */
export interface RcNtf {
  operatorId: string;
  operatorName: string;
  /** When the message had been sent (server, ms). */
  recallTime: number;
  /** When it was recalled (server, ms). */
  recallActionTime: number;
  originalObjectName: string;
  /** The text, for its author's own re-edit, and only until `reEditMS` have passed. */
  recallContent?: string;
  admin: boolean;
  delete: boolean;
  user: { id?: string; name?: string; [field: string]: unknown } | null;
  extra: string;
}

/** Any frame with `op: "event"`: it has a place (`epoch`, `seq`) in its room's log. */
export interface EventFrame {
  op: 'event';
  room: string;
  epoch: string;
  seq: number;
  type: string;
  message?: Message | null;
  objectName?: string;
  content?: RecallCommand;
  recallTimeMS?: number;
  lastMessage?: Message | null;
  quotedBy?: string[];
  [field: string]: unknown;
}

/** What passes and is not kept: `read`, `typing`, `recallProgress`; of others nothing is known but these two fields. */
export interface SignalFrame {
  op: 'signal';
  room: string;
  type: string;
  client?: string;
  lastRead?: string;
  [field: string]: unknown;
}

/** How far a recall has come; for the recaller's devices and the room's owner and managers, a few times a second. */
export interface RecallProgress {
  op: 'signal';
  room: string;
  type: 'recallProgress';
  /** The recalled message. */
  _id: string;
  /** Devices that reported that they applied the recall. */
  acked: number;
  /** Devices that the recall is meant for. */
  devices: number;
}

export interface ResetFrame {
  op: 'reset';
  room: string;
  epoch: string;
  seq: number;
}

export interface ByeFrame {
  op: 'bye';
  code?: number;
  reason?: string;
  reconnectMS?: number;
}

export interface ExpiringFrame {
  op: 'expiring';
  inMS: number;
}

export interface ReadyFrame {
  op: 'ready';
  id?: number;
  session?: string;
  device?: string;
  user: User;
  pingMS?: number;
  limits?: { frame?: number; rooms?: number };
}

/** Any object that arrives on the socket. */
export type Frame = { op: string; id?: number; [field: string]: unknown };

/** A place in a room's log. */
export interface Cursor {
  epoch: string;
  seq: number;
}

/** One room of a subscribe's answer: followed, or refused with `error`. */
export interface SubscribedRoom {
  room: string;
  epoch?: string;
  seq?: number;
  recovered?: boolean;
  error?: { code: string; message: string };
}

export interface MessageItem {
  kind: 'message';
  id: string;
  timeMS: number;
  message: Message;
  /** Sent with disableUpdateLastMsg: the conversation list never shows it. */
  unlisted?: true;
}

export interface NoticeItem {
  kind: 'notice';
  id: string;
  timeMS: number;
  notice: RcNtf;
  unlisted?: true;
}

/** One line of a room: a message, or the gray bar where a message was. */
export type ListItem = MessageItem | NoticeItem;

/** What has to leave the device because of a recall: shown notifications by id, cached media by address. */
export interface Forget {
  room: string;
  /** The recalled message. */
  ids: string[];
  /** Addresses that occurred in its content, as far as this client had it. */
  urls: string[];
  isDelete: boolean;
}

export interface SendOptions {
  message: unknown;
  /** Default `text`. */
  messageType?: string;
  /** Id of the message that is quoted. */
  reply?: string;
  /** Makes the send idempotent; made here unless given. */
  clientMsgId?: string;
  mentions?: unknown;
  extra?: unknown;
  [field: string]: unknown;
}

export interface RecallOptions {
  /** true: the message vanishes; false (default): a gray bar takes its place. */
  isDelete?: boolean;
  /** Shown as an administrator's; for the room's owner, admins and managers. */
  isAdmin?: boolean;
  reason?: string;
  extra?: string;
  disableUpdateLastMsg?: boolean;
}

export interface HistoryOptions {
  limit?: number;
  beforeMessage?: string;
  afterMessage?: string;
  afterTime?: string | number;
  timeRangeField?: 'updatedAt' | 'createdAt' | 'messageTime';
}

export interface HistoryPage {
  totalCount?: number;
  data: Message[];
  userDeletedIDs?: string[];
}

/** A room object of `GET /rooms` and `GET /rooms/{id}`. */
export interface Room {
  _id: string;
  name?: string;
  lastMessage?: Message | null;
  unread?: number;
  members?: User[];
  memberProperties?: { client: string; badge?: number; lastRead?: string | null; role?: string }[];
  [field: string]: unknown;
}

/**
 * Where a device stands with a recall. `acked`: it reported that it applied it (that is its word, not proof); `refused`:
 * it reported that it did not; `pending`: connected, no report yet; `offline`: it is told when it comes back;
 * `incapable`: it is connected with an app that does not know recalls.
 */
export type DeviceState = 'acked' | 'refused' | 'pending' | 'offline' | 'incapable';

/** What became of a recall, device by device. */
export interface Ledger {
  _id: string;
  room: string;
  /** The recall's place in the room's log. */
  seq: number;
  recallTimeMS: number;
  /** Who recalled; null: the platform. */
  operator: User | null;
  isDelete: boolean;
  isAdmin: boolean;
  reason: string | null;
  extra: string | null;
  /** Devices by state, all pages together. */
  counts: Record<DeviceState, number>;
  /** From the commit to the ack, ms; null before the first ack. */
  ackMS: { p50: number | null; p99: number | null; max: number | null };
  devices: { user: string; device: string; state: DeviceState; ackMS?: number | null; [field: string]: unknown }[];
  /** `after` for the next page; null: this was the last. */
  next: string | null;
  [field: string]: unknown;
}

/** `waiting`: a reconnect timer runs. `offline`: connect() was not called. `closed`: no further attempt is made. */
export type State = 'connecting' | 'online' | 'waiting' | 'offline' | 'closed';

export interface StateInfo {
  /** With `waiting`: time until the next attempt. */
  inMS?: number;
  /** Why the connection ended, where there is a reason. */
  code?: number;
  reason?: string;
  /** With `online`: the authenticated user. */
  user?: User;
}

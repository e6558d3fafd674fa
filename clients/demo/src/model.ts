// What the views draw. The session fills it from recall-client; no view talks to the client itself.

export interface Person {
  id: string;
  name: string;
}

export interface Quote {
  id: string;
  author: Person | null;
  text: string;
  messageType: string;
  // The quoted message was recalled: its copy here is gone.
  cleared: boolean;
}

export interface MessageEntry {
  kind: 'message';
  id: string;
  // The server's room that it is in.
  room: string;
  author: Person | null;
  text: string;
  messageType: string;
  timeMS: number;
  edited: boolean;
  quote: Quote | null;
}

export interface NoticeEntry {
  kind: 'notice';
  id: string;
  room: string;
  timeMS: number;
  operatorId: string;
  operatorName: string;
  admin: boolean;
  // The author's own text, while it may be edited again.
  reEdit: string | null;
  // On how many devices the message is gone, by their own word, where the server has told us.
  reach: { acked: number; devices: number } | null;
}

export type Entry = MessageEntry | NoticeEntry;

// A message on its way: in the log until the server's own event brings it.
export interface Pending {
  key: string;
  text: string;
  timeMS: number;
  failed: boolean;
  // For the offline switch: it goes out when the page is online again.
  waits: boolean;
  quote: Quote | null;
}

export type DeviceState = 'acked' | 'refused' | 'pending' | 'offline' | 'incapable';

export interface LedgerPage {
  counts: Record<DeviceState, number>;
  all: number;
  // From the recall to the report: half of them, the slowest; null before the first.
  halfMS: number | null;
  maxMS: number | null;
  devices: { user: Person; device: string; state: DeviceState; ackMS: number | null; isThis: boolean }[];
  next: string | null;
}

export interface RoomLine {
  id: string;
  name: string;
  line: string;
  isNotice: boolean;
  isAnnouncements: boolean;
  timeMS: number;
  unread: number;
}

export interface Viewer {
  me: Person;
  // Owner or manager of the room: may recall anyone's message.
  moderates: boolean;
  // Nobody writes here but a back end.
  readOnly: boolean;
  nameOf(id: string): string | undefined;
}

export type Connection =
  | { state: 'connecting' | 'online' | 'offline' }
  | { state: 'reconnecting'; untilMS: number };

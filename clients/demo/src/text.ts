// Words and labels of the page, apart from the DOM so that they can be tested alone.

// Who a notice names. `name` is another person's; the view isolates it (a name may be written right to left).
export type Recaller = { kind: 'you' } | { kind: 'admin' } | { kind: 'other'; name: string };

export interface NoticeFacts {
  operatorId?: string | null;
  operatorName?: string | null;
  admin?: boolean;
}

export function recaller(facts: NoticeFacts, me: string, nameOf: (id: string) => string | undefined): Recaller {
  const id = facts.operatorId ?? '';
  if (id !== '' && id === me) return { kind: 'you' };
  if (facts.admin || id === '') return { kind: 'admin' };
  return { kind: 'other', name: facts.operatorName || nameOf(id) || id };
}

export function recallerWord(who: Recaller): string {
  if (who.kind === 'you') return 'You';
  return who.kind === 'admin' ? 'Admin' : who.name;
}

const splitter = typeof Intl.Segmenter === 'function' ? new Intl.Segmenter() : undefined;

function firstLetter(word: string): string {
  if (splitter === undefined) return [...word][0] ?? '';
  for (const part of splitter.segment(word)) return part.segment;
  return '';
}

// At most two letters, whole graphemes, so that an emoji or an accent is not cut in half.
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter((word) => word !== '');
  const first = words[0];
  if (first === undefined) return '?';
  const last = words.length > 1 ? words[words.length - 1]! : '';
  return (firstLetter(first) + firstLetter(last)).toUpperCase();
}

// One of eight avatar colours, the same for a user on every screen.
export function hueOf(id: string): number {
  let sum = 7;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return (sum ^ (sum >>> 9)) % 8;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const fullTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const withYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const shortDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

export function timeLabel(ms: number): string {
  return clock.format(ms);
}

export function fullTimeLabel(ms: number): string {
  return fullTime.format(ms);
}

// Local calendar day, as a key.
export function dayKey(ms: number): string {
  const day = new Date(ms);
  return `${day.getFullYear()}-${day.getMonth() + 1}-${day.getDate()}`;
}

function dayBefore(ms: number): number {
  const day = new Date(ms);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - 1, 12).getTime();
}

export function dayLabel(ms: number, nowMS: number): string {
  if (dayKey(ms) === dayKey(nowMS)) return 'Today';
  if (dayKey(ms) === dayKey(dayBefore(nowMS))) return 'Yesterday';
  return new Date(ms).getFullYear() === new Date(nowMS).getFullYear() ? weekday.format(ms) : withYear.format(ms);
}

// Beside a room: the time if it was today, else the day.
export function briefTime(ms: number, nowMS: number): string {
  return dayKey(ms) === dayKey(nowMS) ? clock.format(ms) : shortDay.format(ms);
}

const KIND_WORDS = new Map(Object.entries({
  image: 'Photo', voice: 'Voice message', video: 'Video', file: 'File', location: 'Location',
}));

// A message in one line: quotes, the room list, the curl panel. What is no text is named.
export function oneLine(text: string, messageType = 'text'): string {
  const line = text.replace(/\s+/gu, ' ').trim();
  const word = messageType === 'text' || messageType === '' ? '' : KIND_WORDS.get(messageType) ?? `[${messageType}]`;
  const all = word === '' || line === '' ? word + line : `${word}: ${line}`;
  return all.length > 160 ? `${all.slice(0, 159)}…` : all;
}

// One word for a POSIX shell. Ids are the callers' to choose, so an id may hold quotes, and this line is made to be pasted.
export function shellWord(text: string): string {
  return `'${text.replace(/'/gu, `'\\''`)}'`;
}

function pathPart(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/gu, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

export interface CurlFacts {
  origin: string;
  room: string;
  id: string;
  apiKey: string;
  isDelete: boolean;
}

// The call of IMKit's "Recall a Message", Example 2, as a shell line.
export function curlLine(facts: CurlFacts): string {
  const body: string[] = [`"_id": ${JSON.stringify(facts.id)}`, '"messageType": "recall"'];
  if (facts.isDelete) body.push('"isDelete": true');
  return [
    `curl -X "POST" "${facts.origin}/rooms/${pathPart(facts.room)}/message" \\`,
    `-H ${shellWord(`IM-API-KEY: ${facts.apiKey}`)} \\`,
    "-H 'Content-Type: application/json; charset=utf-8' \\",
    `-d ${shellWord(`{${body.join(', ')}}`)}`,
  ].join('\n');
}

export interface RcCurlFacts {
  origin: string;
  path: string;
  headers: readonly (readonly [string, string])[];
  fields: readonly (readonly [string, string])[];
}

// A signed form request of RongCloud's dialect as a shell line.
export function rcCurl(facts: RcCurlFacts): string {
  return [
    `curl -X "POST" "${facts.origin}${facts.path}"`,
    ...facts.headers.map(([name, value]) => `-H ${shellWord(`${name}: ${value}`)}`),
    ...facts.fields.map(([name, value]) => `--data-urlencode ${shellWord(`${name}=${value}`)}`),
  ].join(' \\\n');
}

export function typingLine(names: readonly string[]): string {
  if (names.length === 0) return '';
  if (names.length === 1) return `${names[0]} is typing…`;
  if (names.length === 2) return `${names[0]} and ${names[1]} are typing…`;
  return 'Several people are typing…';
}

export function progressLine(reach: { acked: number; devices: number } | null): string {
  if (reach === null) return 'Show devices';
  return `gone from ${reach.acked} of ${reach.devices} ${reach.devices === 1 ? 'device' : 'devices'}`;
}

export function durationLabel(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

// Where a device stands with a recall. It says no more than is known: that content is gone is the device's own word.
export function deviceStateLine(state: 'acked' | 'refused' | 'pending' | 'offline' | 'incapable', ackMS: number | null): string {
  switch (state) {
    case 'acked': return `Reports that it removed the content${ackMS === null ? '' : `, after ${durationLabel(ackMS)}`}`;
    case 'refused': return 'Reports that it did not remove the content';
    case 'pending': return 'Connected, has not reported yet';
    case 'offline': return 'Offline: it is told when it comes back';
    case 'incapable': return 'Its app does not know recalls';
  }
}

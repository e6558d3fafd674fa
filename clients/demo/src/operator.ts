// The back end's part in RongCloud's dialect, as an SDK does it: signed form requests. Only a demo may do this in a page: its keys
// are public.
import { rcCurl } from './text.ts';

const APP_KEY = 'demo-app-key';
const APP_SECRET = 'demo-app-secret';
// Whom the announcements come from.
const FROM = 'News';

export const BROADCAST = '/message/broadcast.json';
export const RECALL = '/message/broadcast/recall.json';

export type Fields = readonly (readonly [name: string, value: string])[];
export interface Answer {
  ok: boolean;
  // What to tell: the id of a new broadcast, or the server's sentence.
  messageUID: string;
  sentence: string;
}

// Whether this page may sign: browsers have no SHA-1 for a page from elsewhere over plain http.
export function canSign(): boolean {
  return globalThis.crypto?.subtle !== undefined;
}

export function broadcastFields(text: string): Fields {
  return [['fromUserId', FROM], ['objectName', 'RC:TxtMsg'], ['content', JSON.stringify({ content: text })]];
}

export function recallFields(target: { id: string; from: string; sentMS: number }, isDelete: boolean): Fields {
  return [['fromUserId', target.from], ['messageUID', target.id], ['sentTime', String(target.sentMS)], ['isDelete', isDelete ? '1' : '0']];
}

export class Operator {
  // One signature for the page's life, as the vendor's SDK for Node does it: it covers neither path nor body.
  private heads: Promise<Fields> | undefined;

  private async signed(): Promise<Fields> {
    const nonce = String(crypto.getRandomValues(new Uint32Array(1))[0]);
    const timestamp = String(Date.now());
    const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(APP_SECRET + nonce + timestamp));
    const signature = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return [['App-Key', APP_KEY], ['Nonce', nonce], ['Timestamp', timestamp], ['Signature', signature]];
  }

  private headers(): Promise<Fields> {
    this.heads ??= this.signed();
    return this.heads;
  }

  async curl(path: string, fields: Fields): Promise<string> {
    return rcCurl({ origin: location.origin, path, headers: await this.headers(), fields });
  }

  async call(path: string, fields: Fields): Promise<Answer> {
    const headers = Object.fromEntries(await this.headers());
    const response = await fetch(path, { method: 'POST', headers, body: new URLSearchParams(fields.map(([name, value]) => [name, value])) });
    const answer = await response.json().catch(() => null) as { code?: number; errorMessage?: string; messageUID?: string } | null;
    const ok = answer?.code === 200;
    const sentence = ok ? '' : `${answer?.errorMessage ?? `The server answered ${response.status}.`}${answer?.code === undefined ? '' : ` (code ${answer.code})`}`;
    return { ok, messageUID: answer?.messageUID ?? '', sentence };
  }
}

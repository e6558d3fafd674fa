/**
 * What is used of the surroundings, described by its shape: browsers, React Native and Node have it in different
 * places or from a package, and the published types must not ask their users for the DOM library.
 */

/** The part of a WebSocket that is used. A browser's, React Native's and the `ws` package's fit. */
export interface WebSocketLike {
  readonly readyState: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: any) => any) | null;
  onmessage: ((event: any) => any) | null;
  onclose: ((event: any) => any) | null;
  onerror: ((event: any) => any) | null;
}

export type WebSocketConstructor = new (url: string, protocols?: any) => WebSocketLike;

export interface ResponseLike {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

export type FetchLike = (
  url: string,
  init?: { method?: string; headers?: Record<string, string>; body?: string; signal?: any },
) => Promise<ResponseLike>;

export type Timer = { readonly timer: unique symbol };

interface Surroundings {
  WebSocket?: WebSocketConstructor;
  fetch?: FetchLike;
  localStorage?: unknown;
  indexedDB?: { open(name: string, version?: number): any };
  navigator?: {
    connection?: {
      addEventListener?(type: string, listener: () => void): void;
      removeEventListener?(type: string, listener: () => void): void;
    };
  };
  AbortController?: new () => { signal: unknown; abort(): void };
  crypto?: { randomUUID?(): string; getRandomValues?(bytes: Uint8Array): Uint8Array };
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
  document?: {
    visibilityState?: string;
    addEventListener?(type: string, listener: () => void): void;
    removeEventListener?(type: string, listener: () => void): void;
  };
  setTimeout(run: () => void, ms: number): Timer;
  clearTimeout(timer: Timer | undefined): void;
}

export const env = globalThis as unknown as Surroundings;

export function startTimer(ms: number, run: () => void): Timer {
  return env.setTimeout(run, ms);
}

/** A timer that does not keep a Node process alive; elsewhere the same as startTimer. */
export function startIdleTimer(ms: number, run: () => void): Timer {
  const timer = env.setTimeout(run, ms);
  (timer as { unref?: () => void }).unref?.();
  return timer;
}

export function stopTimer(timer: Timer | undefined): void {
  if (timer !== undefined) env.clearTimeout(timer);
}

/** A random id of 32 hex digits; `crypto` where there is one (an old React Native has none). */
export function randomId(): string {
  const bytes = new Uint8Array(16);
  if (env.crypto?.getRandomValues) env.crypto.getRandomValues(bytes);
  else for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(Math.random() * 256);
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

/** Bytes of a text in UTF-8, without needing TextEncoder. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < text.length) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}

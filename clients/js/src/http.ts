/** The HTTP calls beside the socket, in the IMKit dialect. */
import { env, startTimer, stopTimer, type FetchLike, type ResponseLike } from './env.js';
import { envelopeError, RecallError } from './errors.js';

export interface HttpOptions {
  baseUrl: string;
  clientKey: string;
  fetch: FetchLike | undefined;
  timeoutMS: number;
  /** The user's token; `renew` asks for another than the last one, if there is a way to get it. */
  token(renew: boolean): Promise<string>;
  /** Whether `token(true)` can answer another token. */
  renewable: boolean;
}

/** `ws://host/ws` → `http://host`: the calls lie beside the socket's path. */
export function httpUrlOf(url: string): string {
  return url.replace(/^ws/i, 'http').replace(/[?#].*$/, '').replace(/\/ws\/?$/, '').replace(/\/+$/, '');
}

/** `{a: 1, b: undefined}` → `?a=1`. */
export function queryOf(fields: Record<string, string | number | undefined>): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return pairs.length > 0 ? `?${pairs.join('&')}` : '';
}

export class Http {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /** Calls and answers the envelope's result. A refused token is renewed once. */
  async call<Result>(method: string, path: string, body?: unknown): Promise<Result> {
    let response = await this.#once(method, path, body, false);
    if (response.status === 401 && this.#options.renewable) response = await this.#once(method, path, body, true);
    return response.result as Result;
  }

  async #once(
    method: string, path: string, body: unknown, renew: boolean,
  ): Promise<{ status: number; result: unknown }> {
    const { baseUrl, clientKey, timeoutMS } = this.#options;
    const run = this.#options.fetch ?? env.fetch;
    if (!run) throw new RecallError('NETWORK', 'there is no fetch here: pass one');
    const headers: Record<string, string> = {
      'IM-CLIENT-KEY': clientKey,
      'IM-Authorization': await this.#options.token(renew),
    };
    if (body !== undefined) headers['Content-Type'] = 'application/json; charset=utf-8';
    const abort = env.AbortController ? new env.AbortController() : undefined;
    const timer = startTimer(timeoutMS, () => abort?.abort());
    let response: ResponseLike;
    let text: string;
    try {
      response = await run(baseUrl + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(abort ? { signal: abort.signal } : {}),
      });
      text = await response.text();
    } catch (reason) {
      throw new RecallError('NETWORK', `${method} ${path} did not reach the server`, { reason });
    } finally {
      stopTimer(timer);
    }
    const envelope = parse(text);
    if (envelope?.['RC'] === 0) return { status: response.status, result: envelope['result'] };
    if (response.status === 401 && !renew && this.#options.renewable) return { status: 401, result: undefined };
    if (envelope) throw envelopeError({ RC: response.status, ...envelope });
    throw new RecallError('BAD_ANSWER', `${method} ${path} answered ${response.status} without an envelope`, {
      rc: response.status,
    });
  }
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

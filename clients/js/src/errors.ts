/** The one class of errors that this package raises and reports. */
export class RecallError extends Error {
  /**
   * A code of the server's envelope (`NOT_ROOM_MEMBER`, …), or one of the client's own: `TIMEOUT`, `CLOSED`,
   * `NETWORK`, `BUSY`, `FRAME_TOO_LARGE`, `BAD_ANSWER`, `STORAGE`, `TOKEN`, `HANDLER`.
   */
  readonly code: string;
  /** The envelope's RC, a WebSocket close code, or 0. */
  readonly rc: number;
  /** Seconds to wait, where the server said so. */
  readonly retryAfter: number | undefined;
  /** What led to it, where there is something. */
  readonly reason: unknown;

  constructor(code: string, message: string, more: { rc?: number; retryAfter?: number; reason?: unknown } = {}) {
    super(message);
    this.name = 'RecallError';
    this.code = code;
    this.rc = more.rc ?? 0;
    this.retryAfter = more.retryAfter;
    this.reason = more.reason;
  }
}

/** The error of an IMKit envelope whose RC is not 0. */
export function envelopeError(envelope: Record<string, unknown>): RecallError {
  const detail = envelope['error'] as { code?: unknown; message?: unknown } | undefined;
  const rc = typeof envelope['RC'] === 'number' ? envelope['RC'] : 500;
  const text = typeof envelope['RM'] === 'string' ? envelope['RM'] : detail?.message;
  const retryAfter = envelope['retryAfter'];
  return new RecallError(
    typeof detail?.code === 'string' ? detail.code : `RC_${rc}`,
    typeof text === 'string' ? text : `the server answered RC ${rc}`,
    typeof retryAfter === 'number' ? { rc, retryAfter } : { rc },
  );
}

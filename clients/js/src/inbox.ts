/**
 * What arrives for rooms: it is applied to their lists at once and in order; an event counts as applied, and is acked
 * and stored, when whatever stands before it (the app's own work, a reload) has ended.
 */
import type { Acks } from './acks.js';
import { Backoff } from './backoff.js';
import { startTimer } from './env.js';
import { RecallError } from './errors.js';
import { tombstoneOf } from './notice.js';
import type { RecallClientOptions } from './options.js';
import type { Rooms, RoomState } from './rooms.js';
import type { EventFrame, Forget, Frame, ResetFrame, SignalFrame, SubscribedRoom } from './types.js';

export interface InboxOptions {
  rooms: Rooms;
  acks: Acks;
  apply: RecallClientOptions['apply'];
  /** Whether the client was stopped: no more attempts at anything. */
  stopped(): boolean;
  onEvent(event: EventFrame): void;
  onReset(reset: ResetFrame): void;
  onForget(forget: Forget): void;
  onError(error: RecallError): void;
}

export class Inbox {
  readonly #options: InboxOptions;
  /** Rooms that got a `reset` on the present connection. */
  readonly #reset = new Set<string>();

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  disconnected(): void {
    this.#reset.clear();
  }

  event(frame: Frame): void {
    if (!isPlaced(frame)) return;
    const event = frame as unknown as EventFrame;
    const state = this.#options.rooms.state(event.room);
    const at = state.log.cursor;
    if (at && at.epoch !== event.epoch) {
      // A log that began anew should have been told by a reset: what lies between is not known.
      this.#restart(state, { op: 'reset', room: event.room, epoch: event.epoch, seq: event.seq - 1 });
    }
    if (!this.#take(state, event)) return;
    if (event.type === 'recall') this.#options.rooms.buried(event.room);
    this.#options.onEvent(event);
    this.#settle(state, event, event.type === 'recall');
  }

  reset(frame: Frame): void {
    if (!isPlaced(frame)) return;
    const reset = frame as unknown as ResetFrame;
    this.#restart(this.#options.rooms.state(reset.room), reset);
  }

  signal(frame: Frame): void {
    if (typeof frame['room'] === 'string') {
      this.#options.rooms.state(frame['room']).list?.signal(frame as unknown as SignalFrame);
    }
  }

  /** A subscribe was answered for this room; everything missed came before it. */
  followed(room: SubscribedRoom): void {
    if (typeof room.epoch !== 'string' || !Number.isSafeInteger(room.seq)) return;
    const { rooms, acks } = this.#options;
    const state = rooms.state(room.room);
    const place = { epoch: room.epoch, seq: room.seq! };
    if (!state.log.cursor) {
      // From now on; events that came already have set it.
      state.log.cursor = place;
      rooms.moved(room.room, place);
    } else if (!this.#reset.has(room.room) && (room.recovered === false || state.log.cursor.epoch !== place.epoch)) {
      this.#restart(state, { op: 'reset', room: room.room, ...place });
      return;
    }
    // After a reset it is the reload that shows the list again, and acks.
    if (this.#reset.has(room.room)) return;
    state.list?.caughtUp();
    // What was applied before a restart may not have been told; a device that starts from now has nothing older.
    const seq = state.applied?.seq ?? 0;
    if (seq > 0 && !acks.knows(room.room)) acks.applied(room.room, seq, false);
  }

  #take(state: RoomState, event: EventFrame): boolean {
    if (state.list) return state.list.apply(event);
    if (!state.log.advance(event)) return false;
    const tombstone = event.type === 'recall' ? tombstoneOf(event) : null;
    if (tombstone && state.log.bury(tombstone)) {
      this.#options.onForget({ room: event.room, ids: [tombstone.id], urls: [], isDelete: tombstone.delete });
    }
    return true;
  }

  #restart(state: RoomState, reset: ResetFrame): void {
    const place = { epoch: reset.epoch, seq: reset.seq };
    this.#reset.add(reset.room);
    state.log.cursor = place;
    this.#options.acks.restart(reset.room);
    this.#options.onReset(reset);
    if (state.list) this.#chain(state, () => this.#reload(state));
    this.#settle(state, reset, true);
  }

  /** Loads the room anew until that succeeds; what is on the screen may hold what was recalled meanwhile. */
  async #reload(state: RoomState): Promise<void> {
    const backoff = new Backoff();
    while (state.list && !this.#options.stopped()) {
      try {
        await state.list.reload();
        return;
      } catch (reason) {
        const error = reason as RecallError;
        this.#options.onError(error);
        if (error.rc >= 400 && error.rc < 500 && error.rc !== 401 && error.rc !== 429) {
          // The room cannot be had any more: nothing is shown rather than something recalled.
          state.list.clear();
          return;
        }
        await new Promise<void>((resolve) => startTimer((error.retryAfter ?? 0) * 1000 + backoff.next(), resolve));
      }
    }
  }

  #settle(state: RoomState, frame: EventFrame | ResetFrame, soon: boolean): void {
    const { apply } = this.#options;
    if (!apply && !state.chain) {
      this.#applied(state, frame, soon, false);
      return;
    }
    this.#chain(state, async () => {
      let refused = false;
      try {
        refused = apply !== undefined && (await apply(frame)) === false;
      } catch (reason) {
        refused = true;
        this.#options.onError(new RecallError('HANDLER', 'apply failed; the event is refused', { reason }));
      }
      this.#applied(state, frame, soon, refused);
    });
  }

  #applied(state: RoomState, frame: EventFrame | ResetFrame, soon: boolean, refused: boolean): void {
    // A log that began anew meanwhile has nothing to do with this place; a client that stopped no say any more.
    if (this.#options.stopped() || state.log.cursor?.epoch !== frame.epoch) return;
    this.#options.rooms.moved(frame.room, { epoch: frame.epoch, seq: frame.seq });
    this.#options.acks.applied(frame.room, frame.seq, soon, refused);
  }

  #chain(state: RoomState, run: () => Promise<void>): void {
    const chain: Promise<void> = (state.chain ?? Promise.resolve()).then(run).finally(() => {
      if (state.chain === chain) state.chain = undefined;
    });
    state.chain = chain;
  }
}

/** Whether an untrusted frame has a room and a place in its log. */
function isPlaced(frame: Frame): boolean {
  return typeof frame['room'] === 'string' && typeof frame['epoch'] === 'string' && Number.isSafeInteger(frame['seq']);
}

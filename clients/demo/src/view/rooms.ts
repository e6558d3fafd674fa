// The side column's rooms, each with its last line and how many messages are unread.
import { avatar, byId, h, icon } from '../dom.ts';
import type { RoomLine } from '../model.ts';
import { briefTime, hueOf, initials } from '../text.ts';

export class RoomsView {
  private readonly list = byId<HTMLUListElement>('room-list');
  private drawn = '';

  constructor(private readonly choose: (room: string) => void) {}

  render(rooms: readonly RoomLine[], current: string): void {
    const now = JSON.stringify([rooms, current]);
    if (now === this.drawn) return;
    this.drawn = now;
    const focused = this.list.contains(document.activeElement)
      ? (document.activeElement as HTMLElement).dataset.room : undefined;
    this.list.replaceChildren(...rooms.map((room) => this.row(room, room.id === current)));
    if (focused !== undefined) {
      for (const row of this.list.querySelectorAll<HTMLElement>('.room')) {
        if (row.dataset.room === focused) row.focus();
      }
    }
  }

  private row(room: RoomLine, current: boolean): HTMLLIElement {
    const mark = room.isAnnouncements
      ? h('span', { class: 'avatar room-mark is-system', attrs: { 'aria-hidden': 'true' } }, icon('bell'))
      : avatar(room.name, initials(room.name), hueOf(room.id), 'room-mark');
    return h('li', {}, h('button', {
      class: room.unread > 0 ? 'room is-unread' : 'room',
      attrs: { type: 'button', 'aria-current': current ? 'true' : undefined, 'data-room': room.id, 'data-testid': 'room' },
      on: { click: () => this.choose(room.id) },
    },
    mark,
    h('span', { class: 'room-name', attrs: { dir: 'auto' } }, room.name),
    h('span', {
      class: room.isNotice ? 'room-line is-notice' : 'room-line',
      attrs: { dir: 'auto', 'data-testid': 'room-last-line' },
    }, room.line),
    h('span', { class: 'room-time' }, room.timeMS > 0 ? briefTime(room.timeMS, Date.now()) : ''),
    room.unread > 0 && h('span', { class: 'badge', attrs: { 'data-testid': 'room-unread' } },
      room.unread > 99 ? '99+' : String(room.unread), h('span', { class: 'sr-only' }, ' unread'))));
  }
}

// What a newcomer sees first: an empty room that says what to do with it.
import { avatar, h, icon } from '../dom.ts';
import type { Person } from '../model.ts';
import { hueOf, initials } from '../text.ts';

// A new window starts without this one's session storage (rel=noopener), so it is another device.
function windowAs(user: Person, kind: string, ...children: (Node | string)[]): HTMLAnchorElement {
  return h('a', {
    class: kind,
    attrs: { href: `#user=${user.id}`, target: '_blank', rel: 'noopener', 'data-testid': `open-as-${user.id}` },
  }, ...children);
}

export function inviteLinks(place: HTMLElement, users: readonly Person[]): void {
  place.replaceChildren(...users.map((user) => windowAs(user, 'invite-link',
    avatar(user.name, initials(user.name), hueOf(user.id)), user.name, icon('window'))));
}

export function emptyAnnouncements(): HTMLElement {
  return h('section', { class: 'empty', attrs: { 'data-testid': 'empty-state' } }, h('div', { class: 'empty-card' },
    h('h2', { class: 'empty-title' }, 'Nothing announced yet'),
    h('p', { class: 'empty-text' }, 'What a back end sends to everyone, or to you alone, shows here in every window.')));
}

export function emptyState(users: readonly Person[]): HTMLElement {
  const other = users[0]!;
  const art = h('div', { class: 'empty-art', attrs: { 'aria-hidden': 'true' } }, h('span', {}), h('span', {}), h('span', {}));
  return h('section', { class: 'empty', attrs: { 'data-testid': 'empty-state' } }, h('div', { class: 'empty-card' },
    art,
    h('h2', { class: 'empty-title' }, 'See a recall reach every screen'),
    h('ol', { class: 'empty-steps' },
      h('li', {}, `Open a second window as ${other.name} and put it beside this one.`),
      h('li', {}, 'Write something below and press Enter.'),
      h('li', {}, 'Open the message’s menu and choose Recall: it turns into a gray bar in both windows. Delete leaves nothing.')),
    windowAs(other, 'button', icon('window'), `Open a window as ${other.name}`)));
}

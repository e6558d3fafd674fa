// The menu of one message: arrow keys move, Home and End jump, Esc and a click elsewhere close, focus goes back.
import { h, icon, type IconName } from '../dom.ts';

export interface MenuItem {
  testId: string;
  label: string;
  note?: string;
  icon: IconName;
  danger?: boolean;
  run(): void;
}

let closeOpen: ((returnFocus: boolean) => void) | null = null;
let openAnchor: HTMLElement | null = null;

export function closeMenu(): void {
  closeOpen?.(false);
}

function place(menu: HTMLElement, anchor: HTMLElement): void {
  const around = anchor.getBoundingClientRect();
  const width = menu.offsetWidth;
  const height = menu.offsetHeight;
  const below = around.bottom + 4;
  const top = below + height <= window.innerHeight - 8 ? below : Math.max(8, around.top - height - 4);
  const toTheRight = around.left + width <= window.innerWidth - 8;
  const left = toTheRight ? around.left : Math.max(8, Math.min(around.right - width, window.innerWidth - width - 8));
  menu.style.top = `${Math.round(top)}px`;
  menu.style.left = `${Math.round(left)}px`;
}

function step(menu: HTMLElement, items: HTMLButtonElement[], key: string): boolean {
  const at = items.findIndex((item) => item === document.activeElement);
  const last = items.length - 1;
  let next: number;
  if (key === 'ArrowDown') next = at >= last ? 0 : at + 1;
  else if (key === 'ArrowUp') next = at <= 0 ? last : at - 1;
  else if (key === 'Home') next = 0;
  else if (key === 'End') next = last;
  else return false;
  for (const item of menu.children) (item as HTMLElement).tabIndex = -1;
  items[next]!.tabIndex = 0;
  items[next]!.focus();
  return true;
}

// Opens below `anchor` (the button that owns it) and puts the focus on the first item. One menu is open at a time; a second
// click on its anchor closes it.
export function openMenu(anchor: HTMLElement, label: string, items: readonly MenuItem[]): void {
  if (openAnchor === anchor) {
    closeOpen?.(true);
    return;
  }
  closeMenu();
  const menu = h('div', { class: 'menu', attrs: { role: 'menu', 'aria-label': label, 'data-testid': 'menu' } });
  const close = (returnFocus: boolean): void => {
    closeOpen = null;
    openAnchor = null;
    document.removeEventListener('pointerdown', outside, true);
    window.removeEventListener('resize', away);
    anchor.setAttribute('aria-expanded', 'false');
    menu.remove();
    if (returnFocus && anchor.isConnected) anchor.focus();
  };
  const away = (): void => close(false);
  const outside = (event: Event): void => {
    const target = event.target as Node;
    if (!menu.contains(target) && !anchor.contains(target)) close(false);
  };
  const buttons = items.map((item, index) => h('button', {
    class: item.danger ? 'menu-item is-danger' : 'menu-item',
    attrs: { type: 'button', role: 'menuitem', tabindex: index === 0 ? 0 : -1, 'data-testid': item.testId },
    on: {
      click: () => {
        close(true);
        item.run();
      },
    },
  }, icon(item.icon), h('span', {}, item.label), item.note !== undefined && h('span', { class: 'menu-note' }, item.note)));
  menu.append(...buttons);
  menu.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close(true);
    else if (event.key === 'Tab') close(true);
    else if (!step(menu, buttons, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.body.append(menu);
  place(menu, anchor);
  anchor.setAttribute('aria-expanded', 'true');
  document.addEventListener('pointerdown', outside, true);
  window.addEventListener('resize', away);
  closeOpen = close;
  openAnchor = anchor;
  buttons[0]?.focus();
}

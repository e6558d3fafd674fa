// Small helpers over the DOM. Whatever comes from people enters as text nodes: nothing here parses markup.

export type Child = Node | string | null | undefined | false;

export interface Props {
  class?: string;
  // Set with setAttribute; false and undefined leave the attribute out, true sets it empty.
  attrs?: Record<string, string | number | boolean | undefined>;
  on?: Partial<{ [K in keyof HTMLElementEventMap]: (event: HTMLElementEventMap[K]) => void }>;
}

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (props.class !== undefined) element.className = props.class;
  for (const [name, value] of Object.entries(props.attrs ?? {})) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const [name, listener] of Object.entries(props.on ?? {})) {
    element.addEventListener(name, listener as EventListener);
  }
  put(element, ...children);
  return element;
}

export function put(parent: Element, ...children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child);
  }
}

export function byId<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`index.html has no #${id}`);
  return element as T;
}

const SVG = 'http://www.w3.org/2000/svg';

// Strokes on a 24 × 24 grid, coloured by the text around them.
const PATHS = {
  menu: ['M4 7h16', 'M4 12h16', 'M4 17h10'],
  close: ['M6 6l12 12', 'M18 6L6 18'],
  more: ['M5.5 12h.01', 'M12 12h.01', 'M18.5 12h.01'],
  send: ['M5 12h14', 'M13 6l6 6-6 6'],
  check: ['M5 12.500l4.500 4.500L19 7.500'],
  recall: ['M4.500 5v5h5', 'M4.900 10a7.600 7.600 0 1 1-.6 4.200'],
  trash: ['M5 7h14', 'M10 11v6', 'M14 11v6', 'M7 7l1 12h8l1-12', 'M9.500 7V4.500h5V7'],
  reply: ['M10 6L4 12l6 6', 'M5 12h8c4 0 6.500 2 7 6'],
  edit: ['M4.500 19.500l1-4.500L16 4.500l3.500 3.500L9 18.500z'],
  code: ['M8 7l-5 5 5 5', 'M16 7l5 5-5 5', 'M13.500 5l-3 14'],
  copy: ['M9 9h10v11H9z', 'M15 9V4H5v11h4'],
  down: ['M12 5v14', 'M6 13l6 6 6-6'],
  window: ['M13 5h6v6', 'M19 5l-8 8', 'M17 14v5H5V7h5'],
  bell: ['M6.500 16.500V11a5.500 5.500 0 0 1 11 0v5.500l1.500 1.500H5z', 'M10.500 20.500h3'],
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  for (const d of PATHS[name]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}

export function avatar(name: string, letters: string, hue: number, extra = ''): HTMLSpanElement {
  return h('span', { class: `avatar hue-${hue} ${extra}`.trim(), attrs: { 'aria-hidden': 'true', title: name } }, letters);
}

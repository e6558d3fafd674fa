// The golden vectors of proto/vectors/list.json: what a screen shows after a sequence of frames.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MessageList, type EventFrame, type ResetFrame, type SignalFrame } from 'recall-client';

interface State {
  items?: unknown[];
  lastLine?: unknown;
  unread?: number;
  tombstones?: string[];
  cursor?: unknown;
  gone?: string[];
}

interface Vectors {
  room: string;
  reEditMS: number;
  vectors: {
    name: string;
    title: string;
    me: string;
    nowMS: number;
    steps: { event?: EventFrame; signal?: SignalFrame; reset?: ResetFrame; expect?: State }[];
  }[];
}

const file = new URL('../../../proto/vectors/list.json', import.meta.url);
const { room, reEditMS, vectors } = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** An expected object matches one with at least its members; `{"$absent": true}` says that a member is absent. */
function match(actual: unknown, expected: unknown, where: string): void {
  if (!isObject(expected)) {
    assert.deepEqual(actual, expected, where);
    return;
  }
  assert.ok(isObject(actual), `${where}: expected an object, got ${JSON.stringify(actual)}`);
  for (const [name, value] of Object.entries(expected)) {
    if (isObject(value) && value['$absent'] === true) assert.ok(!(name in actual), `${where}.${name} is there`);
    else match(actual[name], value, `${where}.${name}`);
  }
}

function compare(list: MessageList, expected: State): void {
  if (expected.items) {
    assert.deepEqual(list.items.map((item) => [item.kind, item.id]),
      expected.items.map((item) => [(item as { kind: string }).kind, (item as { id: string }).id]));
    expected.items.forEach((item, i) => match(list.items[i], item, `items[${i}]`));
  }
  if ('lastLine' in expected) match(list.lastLine, expected.lastLine, 'lastLine');
  if (expected.unread !== undefined) assert.equal(list.unread, expected.unread, 'unread');
  if (expected.tombstones) assert.deepEqual([...list.tombstones].sort(), [...expected.tombstones].sort(), 'tombstones');
  if (expected.cursor) match(list.cursor, expected.cursor, 'cursor');
  const shown = JSON.stringify([list.items, list.lastLine]);
  for (const text of expected.gone ?? []) assert.ok(!shown.includes(text), `"${text}" is still there`);
}

for (const vector of vectors) {
  test(`vector ${vector.name}: ${vector.title}`, () => {
    const list = new MessageList({ room, user: vector.me, reEditMS, now: () => vector.nowMS });
    let compared = 0;
    for (const step of vector.steps) {
      if (step.event) list.apply(step.event);
      else if (step.signal) list.signal(step.signal);
      else if (step.reset) list.reset(step.reset);
      else if (step.expect) {
        compare(list, step.expect);
        compared += 1;
      } else assert.fail(`a step that this runner does not know: ${JSON.stringify(step)}`);
    }
    assert.ok(compared > 0, 'nothing was compared');
    list.clear();
  });
}

test('there are vectors', () => assert.ok(vectors.length >= 20));

// The checker: from what publishers were told and what readers received, says what the server did wrong. It asks nobody and
// changes nothing, so that a falsified history can be given to it as well.
//
// history: { epoch, ops, clients, reads, log, final, disk }
//   ops      {kind: send|edit|recall, room, message, token, startAt, ackAt, unknown, upsert, outcome: acked|maybe|overtaken|refused, status};
//            maybe: an edit that died unanswered and was recalled before anyone could look; overtaken: an edit refused because of a recall
//   clients  {name, connections: [{startAt}], items: [{kind: start|event|reset|live|refused, conn, room, epoch, seq, type, message,
//            recalled, text, tokens}], held: {room: {message: {recalled, text}}}}, items in the order in which they arrived
//   reads    {what, startAt, tokens}: answers over HTTP
//   log      {room: [{seq, epoch, type, message}]}: the whole log, read at the end
//   final    {room: {message: {recalled, text, tokens}}}: the history over HTTP, read at the end
//   disk     tokens found in the database's files after the last stop
// A token is a number that stands in one text only (a send's or an edit's); its content is recalled with its message.

const KINDS = ['lost', 'duplicated', 'order', 'reset', 'content', 'epoch', 'differs', 'refused'];

class Findings {
  constructor() { this.list = []; }

  add(kind, text) {
    if (!KINDS.includes(kind)) throw new Error(kind);
    this.list.push({ kind, text });
  }
}

/** Per room of one client: every number from its start to the head once and in order, and each the event that the log has. */
function checkStream(found, history, client, room) {
  const log = history.log[room];
  const name = `${client.name}, ${room}`;
  const seen = new Set();
  const missing = new Set();
  let expected = null;
  for (const item of client.items) {
    if (item.room !== room || (item.kind !== 'event' && item.kind !== 'start' && item.kind !== 'live')) continue;
    if (item.kind !== 'start' && item.epoch !== history.epoch) found.add('epoch', `${name}: epoch ${item.epoch} at seq ${item.seq}`);
    if (item.kind === 'start') {
      expected = item.seq + 1;
    } else if (item.kind === 'live') {
      if (item.seq > expected - 1) found.add('lost', `${name}: live at seq ${item.seq}, having received up to ${expected - 1}`);
    } else {
      const { seq } = item;
      const logged = log[seq - 1];
      if (!logged) found.add('lost', `${name}: seq ${seq} was delivered and is not in the log, which ends at ${log.length}`);
      else if (logged.type !== item.type || logged.message !== item.message) {
        found.add('differs', `${name}: seq ${seq} came as ${item.type} ${item.message}, the log has ${logged.type} ${logged.message}`);
      }
      if (seen.has(seq)) found.add('duplicated', `${name}: seq ${seq} came again`);
      else if (seq < expected) {
        if (!missing.delete(seq)) found.add('duplicated', `${name}: seq ${seq} is from before the start`);
        else found.add('order', `${name}: seq ${seq} came after ${expected - 1}`);
      }
      for (let skipped = expected; skipped < seq; skipped += 1) missing.add(skipped);
      seen.add(seq);
      expected = Math.max(expected, seq + 1);
    }
  }
  for (let skipped = expected; expected !== null && skipped <= log.length; skipped += 1) missing.add(skipped);
  if (missing.size) found.add('lost', `${name}: ${missing.size} never came, the first is seq ${Math.min(...missing)} of ${log.length}`);
}

function checkClients(found, history) {
  for (const client of history.clients) {
    for (const room of Object.keys(history.log)) checkStream(found, history, client, room);
    for (const item of client.items) {
      if (item.kind === 'reset') found.add('reset', `${client.name}, ${item.room}: reset to ${item.seq}`);
      if (item.kind === 'live' && !item.recovered) found.add('reset', `${client.name}, ${item.room}: not recovered`);
      if (item.kind === 'refused') found.add('refused', `${client.name}: ${item.text}`);
    }
  }
}

/** What was answered stands in the log once; what stands in the log was asked for. */
function checkAnswered(found, history) {
  for (const op of history.ops) if (op.outcome === 'refused') found.add('refused', `${op.kind} of ${op.message} in ${op.room}: ${op.status}`);
  for (const [room, log] of Object.entries(history.log)) {
    const count = { message: new Map(), edit: new Map(), recall: new Map() };
    log.forEach((event, index) => {
      if (event.seq !== index + 1) found.add('order', `the log of ${room}: seq ${event.seq} at place ${index + 1}`);
      if (event.epoch !== history.epoch) found.add('epoch', `the log of ${room}: epoch ${event.epoch}`);
      const of = count[event.type];
      if (of) of.set(event.message, (of.get(event.message) ?? 0) + 1);
    });
    const least = { message: new Map(), edit: new Map(), recall: new Map() };
    const most = { message: new Map(), edit: new Map(), recall: new Map() };
    const raise = (map, key, by) => map.set(key, (map.get(key) ?? 0) + by);
    for (const op of history.ops) {
      if (op.room !== room || (op.outcome !== 'acked' && op.outcome !== 'maybe')) continue;
      const type = op.kind === 'send' ? 'message' : op.kind;
      const sure = op.outcome === 'acked' ? 1 : 0;
      if (type === 'edit') {
        raise(least.edit, op.message, sure);
        raise(most.edit, op.message, 1);
      } else { // a recall that is repeated is one event, a send has an id of its own
        least[type].set(op.message, Math.max(sure, least[type].get(op.message) ?? 0));
        most[type].set(op.message, 1);
      }
      if (op.upsert) raise(most.edit, op.message, op.unknown);
    }
    for (const type of Object.keys(count)) {
      for (const id of new Set([...count[type].keys(), ...least[type].keys()])) {
        const n = count[type].get(id) ?? 0;
        const [low, high] = [least[type].get(id) ?? 0, most[type].get(id) ?? 0];
        if (n < low) found.add('lost', `${room}: ${low} ${type} of ${id} answered, ${n} in the log`);
        if (n > high) found.add('duplicated', `${room}: ${n} ${type} of ${id} in the log, ${high} asked for`);
      }
    }
  }
}

/** One entry for each event that some op made, with the time at which it was asked for and answered. */
function timedOps(history, room) {
  const at = { message: new Map(), recall: new Map(), edit: new Map() };
  for (const event of history.log[room]) {
    if (event.type === 'edit') at.edit.set(event.message, [...(at.edit.get(event.message) ?? []), event.seq]);
    else at[event.type]?.set(event.message, event.seq);
  }
  const timed = [];
  const recalls = new Map();
  const edits = new Map();
  for (const op of history.ops) {
    if (op.room !== room || (op.outcome !== 'acked' && op.outcome !== 'maybe')) continue;
    if (op.kind === 'send') timed.push({ op, seq: at.message.get(op.message), startAt: op.startAt, ackAt: op.ackAt });
    else if (op.kind === 'edit') edits.set(op.message, [...(edits.get(op.message) ?? []), op]);
    else {
      const known = recalls.get(op.message) ?? { op, seq: at.recall.get(op.message), startAt: Infinity, ackAt: Infinity };
      known.startAt = Math.min(known.startAt, op.startAt);
      known.ackAt = Math.min(known.ackAt, op.ackAt ?? Infinity);
      recalls.set(op.message, known);
    }
  }
  // An author edits one after the other, so the first answered is the first logged; with a doubtful one among them none is counted.
  for (const [id, list] of edits) {
    const seqs = at.edit.get(id) ?? [];
    if (seqs.length === list.length && list.every((op) => op.outcome === 'acked')) {
      list.forEach((op, i) => timed.push({ op, seq: seqs[i], startAt: op.startAt, ackAt: op.ackAt }));
    }
  }
  return [...timed, ...recalls.values()].filter((one) => one.seq !== undefined);
}

/** Who asked after another was answered comes after it in the log. */
function checkRealTime(found, history) {
  for (const room of Object.keys(history.log)) {
    const timed = timedOps(history, room);
    const byAnswer = timed.filter((one) => Number.isFinite(one.ackAt)).sort((a, b) => a.ackAt - b.ackAt);
    let highest = { seq: 0 };
    let next = 0;
    for (const one of [...timed].sort((a, b) => a.startAt - b.startAt)) {
      for (; next < byAnswer.length && byAnswer[next].ackAt < one.startAt; next += 1) {
        if (byAnswer[next].seq > highest.seq) highest = byAnswer[next];
      }
      if (one.seq < highest.seq) {
        found.add('order', `${room}: ${one.op.kind} ${one.op.message} has seq ${one.seq}, asked after ${highest.op.kind} ${highest.op.message} was answered with ${highest.seq}`);
      }
    }
  }
}

/** No content of a recalled message where it may not be any more. */
function checkContent(found, history) {
  const messageOf = new Map(history.ops.filter((op) => op.token !== undefined).map((op) => [op.token, op.message]));
  const recalledAt = new Map();
  for (const op of history.ops) {
    if (op.kind === 'recall' && op.outcome === 'acked') recalledAt.set(op.message, Math.min(op.ackAt, recalledAt.get(op.message) ?? Infinity));
  }
  const late = (token, startAt) => startAt > (recalledAt.get(messageOf.get(token)) ?? Infinity);
  for (const client of history.clients) {
    const gone = new Set();
    for (const item of client.items) {
      if (item.kind !== 'event') continue;
      if (item.type === 'recall') gone.add(item.message);
      for (const token of item.tokens) {
        const id = messageOf.get(token);
        if (gone.has(id)) found.add('content', `${client.name}: seq ${item.seq} of ${item.room} shows ${id} after its recall event`);
        else if (late(token, client.connections[item.conn].startAt)) {
          found.add('content', `${client.name}: seq ${item.seq} of ${item.room} shows ${id}, on a connection made after its recall was answered`);
        }
      }
    }
  }
  for (const read of history.reads) {
    for (const token of read.tokens) if (late(token, read.startAt)) found.add('content', `${read.what} shows ${messageOf.get(token)}, asked after its recall was answered`);
  }
  for (const token of history.disk) if (late(token, Infinity)) found.add('content', `the database's files hold content of ${messageOf.get(token)}`);
}

/** What readers hold in the end is what the history says. */
function checkHeld(found, history) {
  for (const client of history.clients) {
    for (const [room, held] of Object.entries(client.held)) {
      const final = history.final[room];
      for (const [id, mine] of Object.entries(held)) {
        const theirs = final[id];
        if (!theirs) {
          if (!mine.recalled) found.add('lost', `${client.name}: ${id} of ${room} is not in the history`);
        } else if (mine.recalled !== theirs.recalled || mine.text !== theirs.text) {
          found.add('differs', `${client.name}: ${id} of ${room} is ${mine.recalled ? 'recalled' : 'shown'}, in the history ${theirs.recalled ? 'recalled' : 'shown'}, texts ${mine.text === theirs.text ? 'equal' : 'different'}`);
        }
      }
    }
  }
}

/** Every violation: [{kind, text}]. */
export function check(history) {
  const found = new Findings();
  checkClients(found, history);
  checkAnswered(found, history);
  checkRealTime(found, history);
  checkContent(found, history);
  checkHeld(found, history);
  return found.list;
}

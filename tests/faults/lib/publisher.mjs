// A publisher: sends, edits, quotes and recalls over HTTP, one call after the other, and writes down what it was told. What died
// unanswered is asked again after the restart, with the same id, until it is answered.
import { newId } from '../../e2e/lib/api.mjs';
import { Line, textOf } from './http.mjs';

export class Publisher {
  /** `world` gives the running server and the end of traffic; `shared` what all publishers of a round know together. */
  constructor(world, plan, shared) {
    Object.assign(this, { world, plan, shared, random: plan.random, line: new Line() });
  }

  headers(user) { return user ? this.world.userHeaders(user) : this.world.platformHeaders; }

  async run() {
    const { world, random } = this;
    while (!world.trafficOver) {
      const op = this.choose();
      this.shared.ops.push(op);
      await this.perform(op);
      if (random.chance(0.1)) await world.pause(random.int(1, 30));
      if (random.chance(0.04)) await this.read(op.room);
    }
    this.line.close();
    if (this.line.hung) this.shared.ops.push({ kind: 'send', room: this.world.plan.rooms[0], message: null, outcome: 'refused', status: this.line.hung });
  }

  choose() {
    const { random, shared, plan } = this;
    const room = random.pick(this.world.plan.rooms);
    const kind = random.next();
    const mine = shared.messages.filter((one) => one.room === room && one.author === plan.name);
    const any = shared.messages.filter((one) => one.room === room);
    if (kind < 0.16 && any.length) return this.makeRecall(room, random.chance(0.6) ? any.at(-1) : random.pick(any));
    if (kind < 0.30 && mine.length) return this.makeEdit(room, random.chance(0.7) ? mine.at(-1) : random.pick(mine));
    return this.makeSend(room, kind > 0.85 && any.length ? random.pick(any) : null);
  }

  text(op) {
    this.shared.token += 1;
    op.token = this.shared.token;
    return textOf(op.token, this.random.chance(this.plan.fat) ? this.random.int(2000, 9000) : 0);
  }

  makeSend(room, quoted) {
    const { random, plan } = this;
    const op = { kind: 'send', room, by: plan.name, user: plan.platform ? null : plan.user, unknown: 0 };
    const way = random.next();
    op.body = { message: this.text(op), messageType: 'text' };
    if (way < 0.8) op.body.clientMsgId = newId();
    if (way > 0.5) op.body._id = op.message = newId();
    // An id of its own without clientMsgId: the repeated send finds the first and is an edit of it.
    op.upsert = way >= 0.8;
    if (plan.platform) op.body.sender = plan.user;
    if (quoted) op.body.reply = quoted.id;
    return op;
  }

  makeEdit(room, message) {
    const op = { kind: 'edit', room, by: this.plan.name, user: this.plan.platform ? null : this.plan.user, message: message.id, unknown: 0 };
    op.body = { _id: message.id, message: this.text(op), messageType: 'text' };
    return op;
  }

  makeRecall(room, message) {
    const { random, world } = this;
    // The author, the room's owner, or the platform.
    const user = random.pick([message.user, world.plan.users[0], null]);
    const op = { kind: 'recall', room, by: this.plan.name, user, message: message.id, unknown: 0 };
    op.body = { _id: message.id, messageType: 'recall' };
    if (random.chance(0.4)) op.body.isDelete = random.pick([0, 1, true, false]);
    if (random.chance(0.2)) op.body.reason = 'a reason';
    if (random.chance(0.2)) op.body.disableUpdateLastMsg = true;
    return op;
  }

  /** Until it is answered for good. */
  async perform(op) {
    for (;;) {
      const server = await this.world.running();
      op.startAt ??= performance.now();
      const answer = await this.line.call(server, this.headers(op.user), 'POST', `/rooms/${op.room}/message`, op.body);
      if (answer.status === 200) { this.acknowledged(op, answer); return; }
      if (answer.status !== 0 && answer.status !== 503) { this.refused(op, answer); return; }
      op.unknown += 1;
      if (op.kind === 'edit' && await this.resolveEdit(op)) return;
      await this.world.pause(5);
    }
  }

  acknowledged(op, answer) {
    Object.assign(op, { outcome: 'acked', ackAt: answer.endAt });
    this.world.answered(answer.endAt);
    const { result } = answer.data;
    if (answer.data.RC !== 0 || (op.message && result._id !== op.message)) Object.assign(op, { outcome: 'refused', status: JSON.stringify(answer.data).slice(0, 200) });
    else if (op.kind === 'send') {
      op.message = result._id;
      this.shared.messages.push({ id: result._id, room: op.room, author: this.plan.name, user: this.plan.user });
    } else if (op.kind === 'recall' && (result.messageType !== 'recall' || result.message !== '')) {
      Object.assign(op, { outcome: 'refused', status: 'answered without being recalled' });
    }
  }

  /** 409 is right for an edit that a recall may have overtaken, and only then. */
  refused(op, answer) {
    const overtaken = this.shared.ops.some((one) => one.kind === 'recall' && one.message === op.message && one.startAt < answer.endAt);
    const fine = op.kind === 'edit' && answer.status === 409 && overtaken;
    if (!fine) Object.assign(op, { outcome: 'refused', status: `${answer.status} ${JSON.stringify(answer.data).slice(0, 200)}` });
    else op.outcome = op.unknown ? 'maybe' : 'overtaken';
  }

  /** An edit has no id of its own: reading the message tells whether it was done. True: the op is settled. */
  async resolveEdit(op) {
    for (;;) {
      const server = await this.world.running();
      const answer = await this.line.call(server, this.world.platformHeaders, 'GET', `/rooms/${op.room}/messages/${op.message}?before=0&after=0`);
      const message = answer.status === 200 ? answer.data.result.data.find((one) => one._id === op.message) : undefined;
      if (message?.messageType === 'recall') { op.outcome = 'maybe'; return true; }
      if (message && message.message === op.body.message) { Object.assign(op, { outcome: 'acked', ackAt: answer.endAt }); return true; }
      if (message) return false;
      if (answer.status !== 0 && answer.status !== 503) { Object.assign(op, { outcome: 'refused', status: `read back: ${answer.status}` }); return true; }
      await this.world.pause(5);
    }
  }

  /** A look at the history in the middle of traffic. */
  async read(room) {
    const server = await this.world.running();
    const path = `/rooms/${room}/messages/v3?limit=60`;
    const answer = await this.line.call(server, this.headers(this.plan.user), 'GET', path);
    if (answer.status === 200) this.shared.read(`GET ${path}`, answer.startAt, JSON.stringify(answer.data));
  }
}

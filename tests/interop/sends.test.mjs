// The SDK's sends and the recalls of each conversation type, as real devices see them: right room, right receivers, right content.
import assert from 'node:assert/strict';
import { FREE, UID, bad, checkCommand, checkMessage, checkRefused, client, commandFor, cursorsOf, deviceOf, fileServer, framesAbout, good, newId,
  platform, post, register, sdkOf, sdkPost, test } from './lib.mjs';

const server = await fileServer({ apps: [FREE] });
const rc = sdkOf(server, FREE);
const { Private, Group, Chatroom, System, Discussion } = rc.Message;
const { ann, ben, cho } = await register(rc, 'ann', 'ben', 'cho');
const admin = platform(server, FREE);
const text = () => `a secret ${newId()}`;
const txt = (words, more = {}) => ({ objectName: 'RC:TxtMsg', content: { content: words }, ...more });

/** Devices of the three for one test. */
async function devices(t, ...users) {
  const all = await Promise.all((users.length ? users : [ann, ben, cho]).map((user) => deviceOf(server, FREE, user, { device: `d-${newId()}` })));
  t.after(() => Promise.all(all.map((device) => device.close())));
  return all;
}

/** A private message to `to`, so that what was on its way to the devices in this room has come. */
async function mark(to, device, from = 'marker') {
  const sent = good(await System.send({ senderId: from, targetId: to, ...txt('mark') }));
  await device.waitEvent('message', sent.messageUIDs[0].messageUID);
}

test('private: each receiver gets its message, and the recall of one reaches that pair alone', async (t) => {
  const [a, b, c] = await devices(t);
  const words = text();
  const answer = good(await Private.send({ senderId: 'ann', targetId: ['ben', 'cho'], ...txt(words) }));
  assert.deepEqual(answer.messageUIDs.map((one) => one.userId), ['ben', 'cho']);
  const [toBen, toCho] = answer.messageUIDs.map((one) => one.messageUID);
  assert.match(toBen, UID);
  assert.match(toCho, UID);
  assert.notEqual(toBen, toCho);
  const frame = await b.waitEvent('message', toBen);
  checkMessage(frame, { room: '~private/ann/ben', from: 'ann', uid: toBen, text: words });
  checkMessage(await c.waitEvent('message', toCho), { room: '~private/ann/cho', from: 'ann', uid: toCho, text: words });
  good(await Private.recall({ senderId: 'ann', targetId: 'ben', uId: toBen, sentTime: frame.message.messageTimeMS }));
  const wanted = { room: '~private/ann/ben', uid: toBen, from: 'ann', targetId: 'ben', conversationType: 1, sentTime: frame.message.messageTimeMS };
  for (const device of [a, b]) {
    const command = await commandFor(device, toBen);
    checkCommand(command, wanted);
    assert.equal(command.content.user.name, 'Ann');
  }
  await mark('cho', c);
  assert.deepEqual(framesAbout(c, toBen), []);
  assert.equal(c.events('recall').length, 0);
});

test('private: the order of the two ids in a room is that of their bytes, whoever writes', async (t) => {
  const [, b] = await devices(t);
  const { messageUIDs: [{ messageUID }] } = good(await Private.send({ senderId: 'ben', targetId: 'ann', ...txt(text()) }));
  const frame = await b.waitEvent('message', messageUID);
  assert.equal(frame.room, '~private/ann/ben');
  good(await Private.recall({ senderId: 'ben', targetId: 'ann', uId: messageUID, sentTime: 0, isDelete: 1, extra: 'Ä & = 北京', disableUpdateLastMsg: true }));
  checkCommand(await commandFor(b, messageUID), {
    room: '~private/ann/ben', uid: messageUID, from: 'ben', targetId: 'ann', conversationType: 1, isDelete: true, extra: 'Ä & = 北京', disableUpdateLastMsg: true,
  });
});

test('only the author recalls, unless isAdmin is set; then the command says so', async (t) => {
  const [, b] = await devices(t);
  const { messageUIDs: [{ messageUID }] } = good(await Private.send({ senderId: 'ann', targetId: 'ben', ...txt(text()) }));
  bad(await Private.recall({ senderId: 'ben', targetId: 'ann', uId: messageUID, sentTime: 0 }), 1007, 'isAdmin');
  await mark('ben', b);
  assert.equal(b.events('recall').length, 0);
  good(await Private.recall({ senderId: 'ben', targetId: 'ann', uId: messageUID, sentTime: 0, isAdmin: 1 }));
  checkCommand(await commandFor(b, messageUID), {
    room: '~private/ann/ben', uid: messageUID, from: 'ann', operator: 'ben', targetId: 'ben', conversationType: 1, isAdmin: true,
  });
});

test('a repeated recall answers the same and is heard once; an unknown messageUID is a parameter error', async (t) => {
  const [, b] = await devices(t);
  const { messageUIDs: [{ messageUID }] } = good(await Private.send({ senderId: 'ann', targetId: 'ben', ...txt(text()) }));
  for (let i = 0; i < 3; i += 1) good(await Private.recall({ senderId: 'ann', targetId: 'ben', uId: messageUID, sentTime: 0 }));
  await commandFor(b, messageUID);
  await mark('ben', b);
  assert.equal(b.events('recall').filter((one) => one.content.messageUId === messageUID).length, 1);
  bad(await Private.recall({ senderId: 'ann', targetId: 'ben', uId: '5FGT-7VA9-G4DD-4V5P', sentTime: 1507778882124 }), 1002, 'messageUID');
});

test('a device that was away gets the recall, and nothing of the content', async () => {
  const away = await deviceOf(server, FREE, ben, { device: 'bens-phone' });
  const cursors = cursorsOf(away);
  await away.close();
  const words = text();
  const { messageUIDs: [{ messageUID }] } = good(await Private.send({ senderId: 'ann', targetId: 'ben', ...txt(words) }));
  good(await Private.recall({ senderId: 'ann', targetId: 'ben', uId: messageUID, sentTime: 0 }));
  const back = await deviceOf(server, FREE, ben, { device: 'bens-phone', since: cursors });
  checkCommand(await commandFor(back, messageUID), { room: '~private/ann/ben', uid: messageUID, from: 'ann', targetId: 'ben', conversationType: 1 });
  assert.ok(!JSON.stringify(back.frames).includes(words), 'not a byte of it');
  await back.close();
});

test('group: members alone get the message and its recall', async (t) => {
  const group = `g-${newId()}`;
  good(await rc.Group.create({ id: group, name: 'Two of three', members: [{ id: 'ann' }, { id: 'ben' }] }));
  const [a, b, c] = await devices(t);
  const words = text();
  const answer = good(await Group.send({ senderId: 'ann', targetId: group, ...txt(words) }));
  assert.deepEqual(answer.messageUIDs.map((one) => one.groupId), [group]);
  const uid = answer.messageUIDs[0].messageUID;
  checkMessage(await b.waitEvent('message', uid), { room: group, from: 'ann', uid, text: words });
  good(await Group.recall({ senderId: 'ann', targetId: group, uId: uid, sentTime: 0 }));
  for (const device of [a, b]) checkCommand(await commandFor(device, uid), { room: group, uid, from: 'ann', targetId: group, conversationType: 3 });
  await mark('cho', c);
  assert.deepEqual(framesAbout(c, uid), []);
});

test('group: sendMention is a group message; what it names stays in its content', async (t) => {
  const group = `g-${newId()}`;
  good(await rc.Group.create({ id: group, name: 'Mention', members: [{ id: 'ann' }, { id: 'ben' }] }));
  const [, b] = await devices(t);
  const answer = good(await Group.sendMention({
    senderId: 'ann', targetId: group, objectName: 'RC:TxtMsg',
    content: { content: 'look here', mentionedInfo: { type: 2, userIds: ['ben'], pushContent: 'Ann named you' } },
  }));
  const frame = await b.waitEvent('message', answer.messageUIDs[0].messageUID);
  assert.deepEqual(frame.message.content.mentionedInfo, { type: 2, userIdList: ['ben'], pushContent: 'Ann named you' });
});

test('a directed group message and its recall reach its receivers, live and later, the sender only if asked', async (t) => {
  const group = `g-${newId()}`;
  good(await rc.Group.create({ id: group, name: 'Directed', members: [{ id: 'ann' }, { id: 'ben' }, { id: 'cho' }] }));
  const [a, b, c] = await devices(t);
  const cursors = cursorsOf(c);
  const words = text();
  const directed = (more) => Group.send({ senderId: 'ann', targetId: group, toUserId: ['ben'], ...txt(words, more) });
  const one = good(await directed()).messageUIDs[0].messageUID;
  const two = good(await directed({ isIncludeSender: 1 })).messageUIDs[0].messageUID;
  checkMessage(await b.waitEvent('message', one), { room: group, from: 'ann', uid: one, text: words });
  for (const uid of [one, two]) good(await Group.recall({ senderId: 'ann', targetId: group, uId: uid, sentTime: 0 }));
  const all = good(await Group.send({ senderId: 'ann', targetId: group, ...txt('for all') })).messageUIDs[0].messageUID;
  await Promise.all([a, b, c].map((device) => device.waitEvent('message', all)));
  for (const uid of [one, two]) checkCommand(await commandFor(b, uid), { room: group, uid, from: 'ann', targetId: group, conversationType: 3 });
  assert.deepEqual(framesAbout(a, one), [], 'not to the sender');
  assert.equal(framesAbout(a, two).length, 2, 'message and recall, as asked');
  for (const uid of [one, two]) assert.deepEqual(framesAbout(c, uid), []);
  const later = await deviceOf(server, FREE, cho, { device: `late-${newId()}`, since: cursors });
  await later.waitEvent('message', all);
  for (const uid of [one, two]) assert.deepEqual(framesAbout(later, uid), [], 'nor when it comes back');
  const seqs = later.events(null, group).map((event) => event.seq);
  assert.deepEqual(seqs, [...seqs].sort((x, y) => x - y));
  await later.close();
});

test('chatroom: who follows it gets the message and its recall', async (t) => {
  const id = `c-${newId()}`;
  good(await rc.Chatroom.create({ id, name: 'A hall' }));
  const [a, b] = await devices(t, ann, ben);
  await a.subscribe([`~chatroom/${id}`]);
  const words = text();
  const answer = good(await Chatroom.send({ senderId: 'cho', targetId: id, ...txt(words) }));
  assert.deepEqual(answer.messageUIDs.map((one) => one.chatroomId), [id]);
  const uid = answer.messageUIDs[0].messageUID;
  const frame = await a.waitEvent('message', uid);
  checkMessage(frame, { room: `~chatroom/${id}`, from: 'cho', uid, text: words });
  good(await sdkPost('message/recall', { fromUserId: 'cho', conversationType: 4, targetId: id, messageUID: uid, sentTime: frame.message.messageTimeMS, isDelete: 1 }));
  checkCommand(await commandFor(a, uid), { room: `~chatroom/${id}`, uid, from: 'cho', targetId: id, conversationType: 4, isDelete: true });
  await mark('ben', b);
  assert.deepEqual(framesAbout(b, uid), [], 'not to who does not follow it');
});

test('system: one user gets the message and its recall, a device that was away too', async (t) => {
  const away = await deviceOf(server, FREE, ben, { device: 'sys-away' });
  const cursors = cursorsOf(away);
  await away.close();
  const [a, b, c] = await devices(t);
  const words = text();
  const answer = good(await System.send({ senderId: '__system__', targetId: ['ben', 'ann'], ...txt(words) }));
  assert.deepEqual(answer.messageUIDs.map((one) => one.userId), ['ben', 'ann']);
  const uid = answer.messageUIDs[0].messageUID;
  checkMessage(await b.waitEvent('message', uid), { room: '~system/ben', from: '__system__', uid, text: words });
  await a.waitEvent('message', answer.messageUIDs[1].messageUID);
  good(await sdkPost('message/recall', { fromUserId: '__system__', conversationType: 6, targetId: 'ben', messageUID: uid, isDelete: '0', isAdmin: 'undefined', extra: undefined }));
  const wanted = { room: '~system/ben', uid, from: '__system__', targetId: 'ben', conversationType: 6 };
  checkCommand(await commandFor(b, uid), wanted);
  const back = await deviceOf(server, FREE, ben, { device: 'sys-away', since: cursors });
  checkCommand(await commandFor(back, uid), wanted);
  assert.ok(!JSON.stringify(back.frames).includes(words));
  await back.close();
  await mark('cho', c);
  for (const device of [a, c]) assert.deepEqual(framesAbout(device, uid), []);
});

test('a message sent in one dialect is recalled in the other, in a group and in a type 10 room', async (t) => {
  const group = `g-${newId()}`;
  good(await rc.Group.create({ id: group, name: 'Both', members: [{ id: 'ann' }, { id: 'ben' }] }));
  const [, b] = await devices(t);
  const api = client(server, FREE, ann.token);
  const imkit = await api.send(group, text());
  good(await Group.recall({ senderId: 'ann', targetId: group, uId: imkit._id, sentTime: imkit.messageTimeMS }));
  checkCommand(await commandFor(b, imkit._id), { room: group, uid: imkit._id, from: 'ann', targetId: group, conversationType: 3 });
  const rong = good(await Group.send({ senderId: 'ann', targetId: group, ...txt(text()) })).messageUIDs[0].messageUID;
  const result = await admin.recall(group, rong);
  assert.deepEqual([result._id, result.message, result.messageType], [rong, '', 'recall']);
  assert.equal((await commandFor(b, rong)).content.messageUId, rong);
  const channel = await api.send(group, text());
  good(await sdkPost('message/recall', { fromUserId: 'ann', conversationType: 10, targetId: group, busChannel: 'news', messageUID: channel._id }));
  assert.equal((await commandFor(b, channel._id)).room, group);
});

test('the messages of the vendor\'s types keep their content and name; a recall clears them and quotes of them', async (t) => {
  const [, b] = await devices(t);
  const types = { 'RC:ImgMsg': 'image', 'RC:HQVCMsg': 'voice', 'RC:VcMsg': 'voice', 'RC:FileMsg': 'file', 'RC:SightMsg': 'video', 'RC:LBSMsg': 'location', 'app:gift': 'app:gift' };
  for (const [objectName, messageType] of Object.entries(types)) {
    const url = `http://127.0.0.1/${newId()}`;
    const { messageUIDs: [{ messageUID: uid }] } = good(await Private.send({ senderId: 'ann', targetId: 'ben', objectName, content: { uri: url } }));
    const frame = await b.waitEvent('message', uid);
    assert.deepEqual([frame.message.messageType, frame.message.objectName, frame.message.content.uri, frame.message.message], [messageType, objectName, url, '']);
    good(await Private.recall({ senderId: 'ann', targetId: 'ben', uId: uid, sentTime: 0 }));
    await commandFor(b, uid);
  }
  const words = text();
  const first = good(await Private.send({ senderId: 'ann', targetId: 'ben', ...txt(words) })).messageUIDs[0].messageUID;
  const quoting = good(await Private.send({
    senderId: 'ben', targetId: 'ann', objectName: 'RC:ReferenceMsg',
    content: { content: 'I quote', referMsgUserId: 'ann', referMsgUid: first, objName: 'RC:TxtMsg', referMsg: { content: words } },
  })).messageUIDs[0].messageUID;
  const quote = await b.waitEvent('message', quoting);
  assert.equal(quote.message.reply?._id, first);
  good(await Private.recall({ senderId: 'ann', targetId: 'ben', uId: first, sentTime: 0 }));
  assert.deepEqual((await commandFor(b, first)).quotedBy, [quoting]);
  const later = await deviceOf(server, FREE, ben, { device: `q-${newId()}` });
  const history = await client(server, FREE, ben.token).history(encodeURIComponent('~private/ann/ben'), '?limit=5');
  assert.ok(!JSON.stringify(history).includes(words), 'the quoted copy is gone as well');
  await later.close();
});

test('msgRandom makes a send happen once', async (t) => {
  const [, b] = await devices(t);
  const once = () => Private.send({ senderId: 'ann', targetId: 'ben', msgRandom: 778899, ...txt('only once') });
  const [first, again] = [good(await once()), good(await once())];
  assert.deepEqual(first.messageUIDs, again.messageUIDs);
  await mark('ben', b);
  assert.equal(b.events('message').filter((one) => one.message._id === first.messageUIDs[0].messageUID).length, 1);
});

test('sends that break a limit are refused with a number and a sentence, and store nothing', async (t) => {
  const [, b] = await devices(t);
  bad(await Private.send({ senderId: 'ann', targetId: 'ben', objectName: 'RC:Own', content: { content: 'x' } }), 1002, 'objectName');
  bad(await Private.send({ senderId: 'ann', targetId: 'ben', objectName: 'o'.repeat(33), content: { content: 'x' } }), [1002, 1005], 'objectName');
  bad(await Private.send({ senderId: 'ann', targetId: 'ben', objectName: 'RC:TxtMsg', content: 'no json' }), 1002, 'content');
  bad(await System.send({ senderId: 'ann', targetId: Array.from({ length: 101 }, (_, i) => `u${i}`), ...txt('x') }), [1002, 1005], 'toUserId');
  bad(await Group.send({ senderId: 'ann', targetId: ['g1', 'g2', 'g3', 'g4'], ...txt('x') }), [1002, 1005], 'toGroupId');
  bad(await Group.send({ senderId: 'ann', targetId: `none-${newId()}`, ...txt('x') }), 1002);
  bad(await Private.send({ senderId: 'ann', targetId: 'ben', ...txt('x'.repeat(131073)) }), [1002, 1005], 'content');
  good(await Private.send({ senderId: 'ann', targetId: 'ben', ...txt('ü'.repeat(60000)) }));
  await mark('ben', b);
  assert.equal(b.events('message', '~private/ann/ben').length, 1);
});

test('discussions are not offered: their send is 404, their recall a parameter error', async () => {
  bad(await Discussion.send({ senderId: 'ann', targetId: 'd1', ...txt('x') }), 404);
  bad(await Discussion.recall({ senderId: 'ann', targetId: 'd1', uId: '5FGT-7VA9-G4DD-4V5P', sentTime: 0 }), 1002, 'conversationType');
  checkRefused(await post(server, FREE, '/message/recall.json', { fromUserId: 'ann', messageUID: 'x', targetId: 'ben' }), 400, 1002, 'conversationType');
});

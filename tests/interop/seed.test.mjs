// "Recall Broadcast to Users Message-bearing Notification", as RongCloud's page has it, with curl: parameters, example, response, limits.
import assert from 'node:assert/strict';
import { APP, FREE, Device, checkRefused, commandFor, curl, deviceOf, eventually, fileServer, good, makeUser, newId, ownServer, platform, post, register, sdkOf, sign, test } from './lib.mjs';

// The page's example: its key, nonce and timestamp; the signature is that of our secret.
const SEED = Object.freeze({ ...FREE, app_key: 'uwd1c0sxdlx2' });
const NONCE = '14314';
const TIMESTAMP = '1408710653491';
const FROM = 'fDR2cVpxxR5zSMUNh3yAwh';
const server = await fileServer({ apps: [SEED] });
const rc = sdkOf(server, SEED);
const { reader } = await register(rc, 'reader');

const heads = (app = SEED) => ['-H', `App-Key: ${app.app_key}`, '-H', `Nonce: ${NONCE}`, '-H', `Timestamp: ${TIMESTAMP}`,
  '-H', `Signature: ${sign(app, NONCE, TIMESTAMP)}`, '-H', 'Content-Type: application/x-www-form-urlencoded'];
/** The example request with curl, sent as the text that it is. */
const example = (path, body, at = server, app = SEED) => curl('-X', 'POST', `${at.base}${path}`, ...heads(app), '--data-raw', body);
const RECALL = '/message/broadcast/recall.json';

async function broadcast(words = `to everyone ${newId()}`, more = {}) {
  return good(await rc.Message.System.broadcast({ senderId: FROM, objectName: 'RC:TxtMsg', content: { content: words }, ...more })).messageUID;
}

function checkTwoHundred(answer) {
  assert.equal(answer.status, 200, answer.body);
  assert.match(answer.headers, /^content-type: application\/json; charset=utf-8\s*$/im);
  assert.equal(answer.body.trim(), '{"code":200}');
}

function checkCode(answer, status, code, naming) {
  const data = JSON.parse(answer.body);
  checkRefused({ status: answer.status, data, headers: { 'content-type': /^content-type: (.*?)\s*$/im.exec(answer.headers)?.[1] } }, status, code, naming);
}

test('the example request recalls, and the response is the page\'s', async () => {
  const device = await deviceOf(server, SEED, reader);
  const uid = await broadcast();
  const sent = await device.waitEvent('message', uid);
  const answer = await example(RECALL, `fromUserId=${FROM}&messageUID=${uid}&sentTime=${sent.message.messageTimeMS}`);
  assert.match(answer.headers, /^HTTP\/1\.1 200 OK\r?$/m);
  checkTwoHundred(answer);
  const { content } = await commandFor(device, uid);
  assert.deepEqual([content.isAdmin, content.isDelete, content.sentTime], [false, false, sent.message.messageTimeMS]);
  await device.close();
});

test('the id of the example is unknown here: a parameter error that names it', async () => {
  checkCode(await example(RECALL, `fromUserId=${FROM}&messageUID=5FGT-7VA9-G4DD-4V5P&sentTime=1507778882124`), 400, 1002, 'messageUID');
});

test('the example\'s other path keeps its own meaning: it asks for conversationType and targetId', async () => {
  const body = `fromUserId=${FROM}&messageUID=5FGT-7VA9-G4DD-4V5P&sentTime=1507778882124`;
  checkCode(await example('/message/recall.json', body), 400, 1002, 'conversationType');
  const author = await makeUser(server, SEED, FROM, 'The example');
  const room = `seed-${newId()}`;
  await author.api.post('/rooms/createAndJoin', { _id: room, name: 'Seed', roomType: 'group' });
  await author.api.send(room, 'under the page\'s own id', { _id: '5FGT-7VA9-G4DD-4V5P' });
  checkTwoHundred(await example('/message/recall.json', `${body}&conversationType=3&targetId=${room}`));
  const now = await author.api.message(room, '5FGT-7VA9-G4DD-4V5P');
  assert.deepEqual([now.messageType, now.message], ['recall', '']);
});

test('fromUserId and messageUID are required, all else is optional', async () => {
  const uid = await broadcast();
  checkCode(await example(RECALL, `messageUID=${uid}`), 400, 1002, 'fromUserId');
  checkCode(await example(RECALL, `fromUserId=${FROM}`), 400, 1002, 'messageUID');
  checkCode(await example(RECALL, `fromUserId=&messageUID=${uid}`), 400, 1002, 'fromUserId');
  checkCode(await example(RECALL, ''), 400, 1003);
  checkTwoHundred(await example(RECALL, `fromUserId=${FROM}&messageUID=${uid}`));
});

test('fromUserId is the message\'s sender, or isAdmin is 1', async () => {
  const device = await deviceOf(server, SEED, reader);
  const uid = await broadcast();
  checkCode(await example(RECALL, `fromUserId=somebody&messageUID=${uid}&isAdmin=0`), 401, 1007, 'isAdmin');
  checkTwoHundred(await example(RECALL, `fromUserId=somebody&messageUID=${uid}&isAdmin=1`));
  const { content } = await commandFor(device, uid);
  assert.deepEqual([content.isAdmin, content.originalFromUserId, content.user.id], [true, FROM, 'somebody']);
  await device.close();
});

test('isDelete, extra and disableUpdateLastMsg reach the clients as sent', async () => {
  const device = await deviceOf(server, SEED, reader);
  for (const [body, wanted] of [
    ['isDelete=1', { isDelete: true }], ['isDelete=0', { isDelete: false }],
    ['disableUpdateLastMsg=true', { disableUpdateLastMsg: true }], ['disableUpdateLastMsg=false', { disableUpdateLastMsg: false }],
    [`extra=${encodeURIComponent('{"any":"data 北京"}')}&isDelete=1`, { extra: '{"any":"data 北京"}', isDelete: true }],
    ['extra=plus+is+blank', { extra: 'plus is blank' }],
    ['extra=raw: / ? and blanks', { extra: 'raw: / ? and blanks' }],
    ['extra=undefined&isDelete=undefined&sentTime=undefined&isAdmin=null', { extra: '', isDelete: false, isAdmin: false }],
  ]) {
    const uid = await broadcast();
    checkTwoHundred(await example(RECALL, `fromUserId=${FROM}&messageUID=${uid}&${body}`));
    const { content } = await commandFor(device, uid);
    for (const [name, value] of Object.entries(wanted)) assert.strictEqual(content[name], value, `${body}: ${JSON.stringify(content)}`);
  }
  await device.close();
});

test('values out of range are refused, each by its name', async () => {
  const uid = await broadcast();
  for (const [body, name] of [['isDelete=2', 'isDelete'], ['isAdmin=yes', 'isAdmin'], ['sentTime=soon', 'sentTime'], ['disableUpdateLastMsg=perhaps', 'disableUpdateLastMsg']]) {
    checkCode(await example(RECALL, `fromUserId=${FROM}&messageUID=${uid}&${body}`), 400, 1002, name);
  }
  checkTwoHundred(await example(RECALL, `fromUserId=${FROM}&messageUID=${uid}&sentTime=0`));
});

test('a private message is no broadcast: it cannot be recalled here', async () => {
  const sent = good(await rc.Message.Private.send({ senderId: FROM, targetId: 'reader', objectName: 'RC:TxtMsg', content: { content: 'x' } }));
  checkCode(await example(RECALL, `fromUserId=${FROM}&messageUID=${sent.messageUIDs[0].messageUID}`), 400, 1002, 'messageUID');
});

test('the signature: both header families, seconds and milliseconds; what is wrong has its own code', async () => {
  const uid = await broadcast();
  const body = `fromUserId=${FROM}&messageUID=${uid}`;
  const vector = sign({ app_secret: 'Y1W2MeFwwwRxa0' }, NONCE, '1408710653000');
  assert.equal(vector, '30be0bbca9c9b2e27578701e9fda2358a814c88f', 'the documented vector');
  const with_ = (...lines) => curl('-X', 'POST', `${server.base}${RECALL}`, ...lines.flatMap((line) => ['-H', line]), '-d', body);
  const signature = sign(SEED, NONCE, '1408710653');
  checkTwoHundred(await with_(`RC-App-Key: ${SEED.app_key}`, `RC-Nonce: ${NONCE}`, 'RC-Timestamp: 1408710653', `RC-Signature: ${signature}`));
  checkTwoHundred(await with_(`app-key: ${SEED.app_key}`, `nonce: ${NONCE}`, 'timestamp: 1408710653', `signature: ${signature}`));
  checkCode(await with_(`App-Key: ${SEED.app_key}`, `Nonce: ${NONCE}`, 'Timestamp: 1408710654', `Signature: ${signature}`), 401, 1004);
  checkCode(await with_('App-Key: nobody', `Nonce: ${NONCE}`, 'Timestamp: 1408710653', `Signature: ${signature}`), 400, 1002);
  const none = await with_('Accept: */*');
  assert.ok(['400 1002', '401 1004'].includes(`${none.status} ${JSON.parse(none.body).code}`), none.body);
});

test('X-Request-ID comes back and stands in the log', async () => {
  const id = `req-${newId()}`;
  const answer = await curl('-X', 'POST', `${server.base}${RECALL}`, ...heads(), '-H', `X-Request-ID: ${id}`, '-d', 'fromUserId=x&messageUID=y');
  assert.match(answer.headers, new RegExp(`^x-request-id: ${id}\\s*$`, 'im'));
  await eventually('its log line', () => server.log().includes(id));
});

test('the recall stands in the history beside the original\'s place', async () => {
  const uid = await broadcast('words of the original');
  checkTwoHundred(await example(RECALL, `fromUserId=${FROM}&messageUID=${uid}`));
  const result = await platform(server, SEED).history('~broadcast', '?limit=100');
  const place = result.data.find((one) => one._id === uid);
  assert.deepEqual([place.messageType, place.message], ['recall', '']);
  assert.ok(!JSON.stringify(result).includes('words of the original'));
});

test('up to 2 times an hour by default; then 1008 with the time to wait; the setting may say otherwise', async (t) => {
  const limited = { ...SEED, broadcast_recalls_per_hour: undefined, broadcast_recalls_per_day: undefined };
  const own = await ownServer(t, { apps: [limited] });
  const send = async () => (await post(own, limited, '/message/broadcast.json', { fromUserId: FROM, objectName: 'RC:TxtMsg', content: '{"content":"x"}' })).data.messageUID;
  const ids = [await send(), await send(), await send()];
  const recall = (uid) => example(RECALL, `fromUserId=${FROM}&messageUID=${uid}`, own, limited);
  checkCode(await recall('5FGT-7VA9-G4DD-4V5P'), 400, 1002, 'messageUID');
  checkTwoHundred(await recall(ids[0]));
  checkTwoHundred(await recall(ids[0]));
  checkTwoHundred(await recall(ids[1]));
  const third = await recall(ids[2]);
  checkCode(third, 429, 1008);
  const wait = Number(/^retry-after: (\d+)/im.exec(third.headers)?.[1]);
  assert.ok(wait > 3000 && wait <= 86400, third.headers);
  assert.match(JSON.parse(third.body).errorMessage, /\d/);
  const legacy = await post(own, limited, '/message/broadcast.json', { fromUserId: FROM, objectName: 'RC:RcCmd', content: JSON.stringify({ messageUId: ids[2], conversationType: 6 }) });
  checkRefused(legacy, 429, 1008);
});

test('recalls a second are limited by a setting, broadcast recalls among them', async (t) => {
  const slow = { ...SEED, recalls_per_second: 1 };
  const own = await ownServer(t, { apps: [slow] });
  const { data } = await post(own, slow, '/message/private/publish.json',
    `fromUserId=${FROM}&toUserId=a&toUserId=b&toUserId=c&objectName=RC:TxtMsg&content={"content":"x"}`);
  const recall = ({ userId, messageUID }) => post(own, slow, '/message/recall.json', { fromUserId: FROM, conversationType: 1, targetId: userId, messageUID });
  const answers = await Promise.all(data.messageUIDs.map(recall));
  assert.ok(answers.some((one) => one.status === 200), 'one passes');
  checkRefused(answers.find((one) => one.status !== 200), 429, 1008, 'recalls_per_second');
});

test('a locked app is told so', async (t) => {
  const own = await ownServer(t, { apps: [{ ...SEED, locked: 'on' }, { ...APP, name: 'Open', client_key: 'open', app_key: 'open-key', api_key: 'open-api-key-2' }] });
  checkCode(await example(RECALL, `fromUserId=${FROM}&messageUID=x`, own), 401, 1006);
  const other = await example(RECALL, `fromUserId=${FROM}&messageUID=x`, own, { ...APP, app_key: 'open-key' });
  checkCode(other, 400, 1002, 'messageUID');
  Device.closeAll();
});

// The SDK's users: tokens that open real connections, names, the online state, tags.
import assert from 'node:assert/strict';
import { Device, FREE, bad, checkRefused, client, deviceOf, eventually, fileServer, good, newId, ownServer, post, register, sdkOf, signed, test } from './lib.mjs';

const server = await fileServer({ apps: [FREE] });
const rc = sdkOf(server, FREE);
const PORTRAIT = 'http://127.0.0.1/one.png';

test('User.register answers the id and a token that a WebSocket and the HTTP calls take', async () => {
  const answer = good(await rc.User.register({ id: 'ann', name: 'Ann', portrait: PORTRAIT }));
  assert.equal(answer.userId, 'ann');
  assert.ok(answer.token.length > 10 && Buffer.byteLength(answer.token) <= 256, `${answer.token.length} bytes`);
  const device = await deviceOf(server, FREE, answer);
  assert.deepEqual([device.welcome.user._id, device.welcome.user.nickname], ['ann', 'Ann']);
  assert.ok('~broadcast' in device.positions && '~system/ann' in device.positions, JSON.stringify(device.positions));
  await device.close();
});

test('a second token leaves the first valid', async () => {
  const [first, second] = [await rc.User.register({ id: 'two', name: 'Two', portrait: PORTRAIT }), await rc.User.register({ id: 'two', name: 'Two', portrait: PORTRAIT })];
  for (const answer of [first, second]) await (await Device.login(server, FREE, good(answer))).close();
});

test('an id of 64 bytes passes, a longer one is refused with a sentence', async () => {
  good(await rc.User.register({ id: 'x'.repeat(64), name: 'Long', portrait: PORTRAIT }));
  bad(await rc.User.register({ id: 'x'.repeat(65), name: 'Longer', portrait: PORTRAIT }), 1005, 'userId');
});

test('User.update changes the name that others see', async () => {
  const { old, reader } = await register(rc, 'old', 'reader');
  good(await rc.User.update({ id: old.id, name: 'New name 北京 & more', portrait: PORTRAIT }));
  const device = await deviceOf(server, FREE, reader);
  const sent = good(await rc.Message.Private.send({ senderId: 'old', targetId: 'reader', objectName: 'RC:TxtMsg', content: { content: `named ${newId()}` } }));
  const frame = await device.waitEvent('message', sent.messageUIDs[0].messageUID);
  assert.equal(frame.message.sender.nickname, 'New name 北京 & more');
  assert.equal(frame.message.sender.avatarUrl, PORTRAIT);
  await device.close();
});

test('User.OnlineStatus.get follows the connections', async () => {
  const { here } = await register(rc, 'here');
  const status = async () => good(await rc.User.OnlineStatus.get({ id: 'here' })).status;
  assert.strictEqual(await status(), '0');
  const [one, two] = [await Device.login(server, FREE, here, { device: 'one' }), await Device.login(server, FREE, here, { device: 'two' })];
  await eventually('online', async () => await status() === '1');
  await one.close();
  assert.strictEqual(await status(), '1', 'still on another device');
  await two.close();
  await eventually('offline again', async () => await status() === '0');
});

test('User.Tag: set replaces, remove empties, batches, and getList answers by user', async () => {
  const listOf = async (...ids) => good(await rc.User.Tag.getList(ids.map((id) => ({ id })))).tags;
  await register(rc, 'tom', 'tia');
  good(await rc.User.Tag.set({ id: 'tom', tags: ['red', 'blue', '北京'] }));
  good(await rc.User.Tag.batchSet({ users: [{ id: 'tia' }], tags: ['red'] }));
  let tags = await listOf('tom', 'tia');
  assert.deepEqual([...tags.tom].sort(), ['red', 'blue', '北京'].sort());
  assert.deepEqual(tags.tia, ['red']);
  good(await rc.User.Tag.set({ id: 'tom', tags: ['green'] }));
  assert.deepEqual((await listOf('tom')).tom, ['green'], 'a full replace');
  good(await rc.User.Tag.remove({ id: 'tom' }));
  good(await rc.User.Tag.batchRemove({ users: [{ id: 'tia' }] }));
  tags = await listOf('tom', 'tia');
  assert.deepEqual([tags.tom ?? [], tags.tia ?? []], [[], []]);
});

test('User.Tag.set with more than 20 tags, or a tag over 40 bytes, is refused and changes nothing', async () => {
  await register(rc, 'many');
  good(await rc.User.Tag.set({ id: 'many', tags: ['kept'] }));
  bad(await rc.User.Tag.set({ id: 'many', tags: Array.from({ length: 21 }, (_, i) => `t${i}`) }), [1002, 1005], 'tags');
  bad(await rc.User.Tag.set({ id: 'many', tags: ['x'.repeat(41)] }), [1002, 1005], 'tags');
  assert.deepEqual(good(await rc.User.Tag.getList({ id: 'many' })).tags.many, ['kept']);
});

test('users of this dialect are the users of the other', async () => {
  const { both } = await register(rc, 'both');
  const room = await client(server, FREE, both.token).post('/rooms/createAndJoin', { _id: `room-${newId()}`, name: 'A room', roomType: 'group' });
  const answer = await client(server, FREE, both.token).get(`/rooms/${room._id}`);
  assert.deepEqual(answer.members.map((one) => [one._id, one.nickname]), [['both', 'Both']]);
});

test('a slash at the end of the api address is harmless', async () => {
  const slashed = sdkOf(server, FREE, { api: `${server.base}/` });
  good(await slashed.User.OnlineStatus.get({ id: 'ann' }));
  good(await slashed.User.register({ id: 'ann', name: 'Ann', portrait: PORTRAIT }));
  sdkOf(server, FREE);
});

test('a wrong secret is told as such by the SDK, an unknown key by our sentence', async () => {
  bad(await sdkOf(server, { ...FREE, app_secret: 'not-the-secret' }).User.OnlineStatus.get({ id: 'ann' }), 20000);
  bad(await sdkOf(server, { ...FREE, app_key: 'nobody-has-this' }).User.OnlineStatus.get({ id: 'ann' }), 1002);
  sdkOf(server, FREE);
  good(await rc.User.OnlineStatus.get({ id: 'ann' }));
});

test('the safer settings: a replayed nonce and an old timestamp are refused, as the documentation warns of this SDK', async (t) => {
  const strict = { ...FREE, signature_reject_replay: 'on' };
  const own = await ownServer(t, { apps: [strict] });
  const once = sdkOf(own, strict);
  good(await once.User.OnlineStatus.get({ id: 'ann' }));
  bad(await once.User.OnlineStatus.get({ id: 'ann' }), 20000);
  const skewed = { ...FREE, signature_max_skew: 60 };
  const other = await ownServer(t, { apps: [skewed] });
  good(await sdkOf(other, skewed).User.OnlineStatus.get({ id: 'ann' }));
  const old = await post(other, skewed, '/user/checkOnline.json', { userId: 'ann' }, signed(skewed, { timestamp: Date.now() - 120000 }));
  checkRefused(old, 401, 1004);
  assert.equal((await post(other, skewed, '/user/checkOnline.json', { userId: 'ann' })).status, 200);
  sdkOf(server, FREE);
});

// Tokens that the app signs with a private key of its own, checked with token_public_key: RS256, ES256, EdDSA.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { APP, client, newId, ownServer, platform, signToken, tempDir, test } from './lib/suite.mjs';

const KINDS = {
  RS256: { pair: () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }), digest: 'sha256' },
  ES256: { pair: () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }), digest: 'sha256' },
  EdDSA: { pair: () => crypto.generateKeyPairSync('ed25519'), digest: null },
};

/** A token for ann signed with a private key. */
function sign(alg, privateKey, claims = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const body = `${part({ alg, typ: 'JWT' })}.${part({ sub: 'ann', app: APP.name, iat: now, exp: now + 600, jti: newId(), ...claims })}`;
  const signature = crypto.sign(KINDS[alg].digest, Buffer.from(body), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${body}.${signature.toString('base64url')}`;
}

for (const [alg, kind] of Object.entries(KINDS)) {
  test(`${alg}: the app's own tokens are accepted, forged and confused ones are not`, async (t) => {
    const { publicKey, privateKey } = kind.pair();
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const file = path.join(tempDir('key'), 'public.pem');
    fs.writeFileSync(file, pem);
    const server = await ownServer(t, { apps: [{ ...APP, token_public_key: file }] });
    await platform(server, APP).post('/admin/clients', { _id: 'ann', nickname: 'Ann' });
    const status = async (token) => (await client(server, APP, token).call('GET', '/rooms')).status;
    const now = Math.floor(Date.now() / 1000);
    assert.equal(await status(sign(alg, privateKey)), 200);
    assert.equal(await status(sign(alg, kind.pair().privateKey)), 401, 'another key');
    assert.equal(await status(sign(alg, privateKey, { iat: now - 7200, exp: now - 3600 })), 401, 'expired');
    assert.equal(await status(sign(alg, privateKey, { app: 'OtherApp' })), 401, 'another app');
    assert.equal(await status(signToken(APP, { sub: 'ann' }, { secret: pem })), 401, 'HS256 with the public key as its secret');
    const [head, , signature] = sign(alg, privateKey).split('.');
    const body = Buffer.from(JSON.stringify({ sub: 'ann', app: APP.name, iat: now, exp: now + 9999, jti: 'x' })).toString('base64url');
    assert.equal(await status(`${head}.${body}.${signature}`), 401, 'altered');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    assert.equal(await status(`${none}.${body}.`), 401, 'unsigned');
  });
}

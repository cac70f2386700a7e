// Keys that oauthctl makes and converts are keys to the real client library.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { clients, withoutWarnings } from './clients.js'
import { inDirectory, oauthctl } from './oauthctl.js'

/** Signs with the private key and verifies with the published one. */
async function signsAndVerifies({ JoseKey, Keyset }, importable, kid) {
  const key = await withoutWarnings(() => JoseKey.fromImportable(importable, kid))
  const keyset = new Keyset([key])
  // The way the client picks the key of a new session, and signs its client assertion.
  const found = await withoutWarnings(() => keyset.createJwt({ alg: 'ES256', kid: key.kid }, { iss: 'app', aud: 'server' }))
  const published = JSON.parse(oauthctl(['jwks'], { PRIVATE_KEY: jwkOf(importable, kid) })).keys[0]
  const { payload, protectedHeader } = await (await JoseKey.fromJWK(published)).verifyJwt(found)
  assert.equal(payload.iss, 'app')
  assert.equal(protectedHeader.kid, key.kid)
  assert.equal(published.kid, key.kid)
  assert.deepEqual(keyset.publicJwks.keys.map((jwk) => jwk.kid), [key.kid])
  return key
}

/** The kid of the key that a new session would be bound to. */
async function signer({ unsafeDecodeJwt }, keyset) {
  return unsafeDecodeJwt(await keyset.createJwt({ alg: 'ES256' }, {})).header.kid
}

function jwkOf(importable, kid) {
  const args = ['gen-jwk', '--from', 'env:KEY', ...(importable.startsWith('{') ? [] : ['--kid', kid])]
  return oauthctl(args, { KEY: importable })
}

for (const [name, library] of Object.entries(clients)) {
  for (const kid of ['thumbprint', 'timestamp', 'key1', 'with spaces ✓']) {
    test(`${name} signs with a new JWK named by ${kid}`, async () => {
      const jwk = oauthctl(['gen-jwk', '--kid', kid])
      const key = await signsAndVerifies(library, jwk)
      assert.equal(key.kid, JSON.parse(jwk).kid)
      assert.deepEqual(key.algorithms, ['ES256'])
      assert.ok(key.isPrivate)
    })
  }

  test(`${name} signs with a new PEM`, async () => {
    const pem = oauthctl(['gen-jwk', '--encoding', 'pem'])
    await signsAndVerifies(library, pem, 'from-pem')
  })

  test(`${name} signs with every form once it is converted`, async () => {
    const jwk = oauthctl(['gen-jwk', '--kid', 'kept'])
    for (const encoding of ['jwks', 'pem', 'pem-base64', 'multibase']) {
      const encoded = oauthctl(['gen-jwk', '--from', 'env:KEY', '--encoding', encoding], { KEY: jwk })
      const kid = encoding === 'jwks' ? [] : ['--kid', 'kept']
      const back = oauthctl(['gen-jwk', '--from', 'env:KEY', ...kid], { KEY: encoded.trim() })
      const { iat, ...same } = JSON.parse(jwk)
      assert.deepEqual({ ...JSON.parse(back), iat: undefined }, { ...same, iat: undefined }, encoding)
      await signsAndVerifies(library, back)
    }
  })

  test(`${name} cannot sign with a key that oauthctl refuses to publish, and can once it is converted`, async () => {
    const { alg, ...unusable } = JSON.parse(oauthctl(['gen-jwk']))
    const KEY = JSON.stringify(unusable)
    const key = await library.JoseKey.fromImportable(KEY)
    await assert.rejects(async () => new library.Keyset([key]).createJwt({ alg: 'ES256' }, {}))
    assert.throws(() => oauthctl(['jwks', '--keys', 'env:KEY'], { KEY }), /the app cannot sign with it/)
    await signsAndVerifies(library, oauthctl(['gen-jwk', '--from', 'env:KEY'], { KEY }))
  })

  test(`${name} signs new sessions with the first key of a set`, async () => {
    const keys = ['new', 'old'].map((kid) => oauthctl(['gen-jwk', '--kid', kid]))
    const keyset = new library.Keyset(await Promise.all(keys.map((key) => library.JoseKey.fromImportable(key))))
    assert.equal(await signer(library, keyset), 'new')
  })

  test(`${name} signs with the old key until the rotated one is due`, async () => {
    const { keys, published } = inDirectory((directory, run) => {
      run(['gen-jwk', '--kid', 'old', '--encoding', 'jwks', '-o', 'keys.json'])
      run(['keys', 'rotate', '--keys', 'keys.json', '--activate-in', '1h'])
      const { keys } = JSON.parse(readFileSync(join(directory, 'keys.json'), 'utf8'))
      return { keys, published: JSON.parse(run(['jwks', '--keys', 'keys.json'])) }
    })
    assert.equal(keys.length, 2)
    const load = (set) => Promise.all(set.map((key) => library.JoseKey.fromImportable(key)))
    assert.equal(await signer(library, new library.Keyset(await load(keys))), 'old')
    const due = keys.map(({ nbf, ...key }) => key)
    assert.equal(await signer(library, new library.Keyset(await load(due))), published.keys[0].kid)
    assert.notEqual(published.keys[0].kid, 'old')
  })
}

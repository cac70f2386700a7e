// Documents that oauthctl prints are what the real schemas take.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { clients } from './clients.js'
import { json, oauthctl } from './oauthctl.js'

for (const [name, { jwksSchema, jwksPubSchema, jwkPubSchema, isPublicJwk }] of Object.entries(clients)) {
  test(`${name} takes the published key set`, () => {
    const keys = `[${oauthctl(['gen-jwk', '--kid', 'new'])},${oauthctl(['gen-jwk', '--kid', 'old'])}]`
    const document = json(['jwks', '--keys', 'env:KEYS'], { KEYS: keys })
    const parsed = jwksPubSchema.parse(document)
    assert.deepEqual(parsed.keys.map((jwk) => jwk.kid), ['new', 'old'])
    jwksSchema.parse(document)
    for (const jwk of document.keys) {
      assert.ok(isPublicJwk(jwkPubSchema.parse(jwk)))
    }
  })

  test(`${name} takes an empty key set`, () => {
    assert.deepEqual(jwksPubSchema.parse(json(['jwks', '--quiet'])).keys, [])
  })
}

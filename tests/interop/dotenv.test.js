// The line of `gen-jwk --env` is read by the real dotenv.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import dotenv from 'dotenv'

import { oauthctl } from './oauthctl.js'

for (const encoding of ['jwk', 'jwks', 'pem-base64', 'multibase']) {
  test(`dotenv reads a ${encoding} unchanged`, () => {
    const KEY = oauthctl(['gen-jwk', '--kid', '$HOME `id` "#" \\n'])
    const plain = oauthctl(['gen-jwk', '--from', 'env:KEY', '--encoding', encoding], { KEY })
    const line = oauthctl(['gen-jwk', '--from', 'env:KEY', '--encoding', encoding, '--env', 'APP_KEY'], { KEY })
    const parsed = dotenv.parse(`BEFORE=1\n${line}AFTER=2\n`)
    assert.deepEqual(parsed, { BEFORE: '1', APP_KEY: plain.trimEnd(), AFTER: '2' })
  })
}

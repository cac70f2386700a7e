// The line of `gen-jwk --env` is read by the real dotenv.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
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

// dotenv.json holds what the real dotenv reads; src/settings/dotenv.rs is held to it, too.
test('dotenv reads what dotenv.json says', () => {
  const samples = JSON.parse(readFileSync(new URL('dotenv.json', import.meta.url), 'utf8'))
  for (const [text, variables] of samples) assert.deepEqual(dotenv.parse(text), variables, JSON.stringify(text))
})

// The client metadata document that oauthctl prints is what the real schemas and the real client take.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { clients, newClient, withoutWarnings } from './clients.js'
import { json, oauthctl } from './oauthctl.js'

const app = ['--client-uri', 'https://app.example.com', '--redirect-uri', '/api/auth/atproto']
const key = oauthctl(['gen-jwk', '--kid', 'key1'])

for (const [name, library] of Object.entries(clients)) {
  const parse = (document) => {
    // What the schema does not know it drops, and what has a default it adds.
    const parsed = library.oauthClientMetadataSchema.parse(document)
    for (const [member, value] of Object.entries(document)) assert.deepEqual(parsed[member], value, member)
    return parsed
  }

  for (const [kind, options, hasKeys] of [
    ['a confidential client', [], (document) => document.jwks_uri === 'https://app.example.com/.well-known/jwks.json'],
    ['a confidential client with its keys inline', ['--jwks', 'inline'], (document) => document.jwks.keys.length === 1],
  ]) {
    test(`${name} takes the metadata of ${kind}`, async () => {
      const document = json(['metadata', ...app, ...options], { PRIVATE_KEY: key })
      assert.ok(hasKeys(parse(document)))
      const keyset = [await library.JoseKey.fromImportable(key)]
      const client = await withoutWarnings(() => newClient(library, { clientMetadata: document, keyset }))
      assert.equal(client.clientMetadata.client_id, 'https://app.example.com/oauth-client-metadata.json')
      assert.equal(client.clientMetadata.token_endpoint_auth_method, 'private_key_jwt')
      assert.deepEqual(client.jwks.keys.map((jwk) => jwk.kid), ['key1'])
    })
  }

  test(`${name} takes the metadata of a public client`, async () => {
    const document = json(['metadata', ...app, '--public'], { PRIVATE_KEY: key })
    assert.equal(parse(document).token_endpoint_auth_method, 'none')
    await withoutWarnings(() => newClient(library, { clientMetadata: document }))
  })

  test(`${name} takes the client id of a client in development`, async () => {
    const document = json(['metadata', '--loopback', '--redirect-uri', '/api/auth/atproto'])
    const { client_id, redirect_uris, scope } = document
    const own = library.atprotoLoopbackClientMetadata(client_id)
    assert.deepEqual({ redirect_uris, scope }, { redirect_uris: own.redirect_uris, scope: own.scope })
    await withoutWarnings(() => newClient(library, { clientMetadata: document }))
  })
}

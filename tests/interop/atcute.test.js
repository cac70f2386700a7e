// Sessions of the library atcute, and of both libraries: each goes on with what oauthctl has written.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { Keyset } from '@atcute/oauth-node-client'

import { atcuteClient, nodeClient, startApp } from './app.js'
import { clients } from './clients.js'
import { json, oauthctl } from './oauthctl.js'

let app
/** The app's stores: of atcute, of the Node client. */
let ofAtcute, ofNode
before(async () => {
  app = await startApp()
  ofAtcute = app.store('atproto:oauth:sessions:v2:')
  ofNode = app.store('atproto:oauth:sessions:')
})
after(() => app?.end())

const atcute = async (did) => atcuteClient(app, ofAtcute).restore(did, { refresh: true })
const node = (library) => async (did) => (await nodeClient(app, library, ofNode)).restore(did, true)

/** Lets the library exchange the stored tokens; it would have deleted the record, had the server refused them. */
async function goesOn(refresh, store, did) {
  const { tokenSet } = await store.get(did)
  await refresh(did)
  const renewed = await store.get(did)
  assert.notEqual(renewed.tokenSet.refresh_token, tokenSet.refresh_token)
  return renewed
}

test('atcute 2.0.1 takes new keys, and publishes what oauthctl does', () => {
  const keys = ['new', 'old'].map((kid) => JSON.parse(oauthctl(['gen-jwk', '--kid', kid])))
  const published = json(['jwks', '--keys', 'env:KEYS'], { KEYS: JSON.stringify(keys) })
  const own = new Keyset(keys).publicJwks
  const parts = ({ kty, crv, x, y, kid, alg }) => ({ kty, crv, x, y, kid, alg })
  assert.deepEqual(published.keys.map(parts), own.keys.map(parts))
})

test('atcute 2.0.1 goes on with its record once oauthctl has refreshed it', async () => {
  const did = app.atcute.tokenSet.sub
  await ofAtcute.set(did, app.atcute)
  const own = await goesOn(atcute, ofAtcute, did)
  const listed = JSON.parse(app.oauthctl('sessions list --layout npmx-v2 --format jsonl'))
  assert.deepEqual([listed.did, listed.format], [did, 'atcute'])
  assert.equal(app.oauthctl('sessions refresh --all --layout npmx-v2'), 'refreshed 1 session\n')
  const refreshed = await ofAtcute.get(did)
  // All that differs is what an exchange gives, and the order is the library's.
  const { access_token, refresh_token, expires_at } = refreshed.tokenSet
  const expected = { ...own, tokenSet: { ...own.tokenSet, access_token, refresh_token, expires_at } }
  assert.equal(JSON.stringify(refreshed), JSON.stringify(expected))
  assert.notEqual(refresh_token, own.tokenSet.refresh_token)
  await goesOn(atcute, ofAtcute, did)
  await ofAtcute.del(did)
})

for (const [number, [name, library]] of Object.entries(clients).entries()) {
  test(`${name} and atcute 2.0.1 hand a session to each other`, async () => {
    const did = app.node[number].tokenSet.sub
    await ofNode.set(did, app.node[number])
    await goesOn(node(library), ofNode, did)
    move('npmx', 'npmx-v2')
    await ofNode.del(did)
    const own = await goesOn(atcute, ofAtcute, did)
    assert.equal(typeof own.tokenSet.expires_at, 'number')
    move('npmx-v2', 'npmx/node')
    await ofAtcute.del(did)
    assert.equal(typeof (await goesOn(node(library), ofNode, did)).tokenSet.expires_at, 'string')
    await ofNode.del(did)
  })
}

/** Moves all sessions of one layout to another, as an operator does whose app changes its library. */
function move(from, to) {
  app.oauthctl(`sessions export -o export.jsonl --force --layout ${from}`)
  assert.equal(app.oauthctl(`sessions import export.jsonl --source-app-stopped --layout ${to}`), 'imported 1 session\n')
}

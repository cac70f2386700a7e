// An app with users: the fake network with a Redis behind it (tests/testbed/examples/app.rs), and oauthctl beside them.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

import { OAuthClient } from '@atcute/oauth-node-client'

import { newClient } from './clients.js'
import { binary, run } from './oauthctl.js'

const program = process.env.TESTBED_APP ?? join(dirname(binary), 'examples/app')
/** An address that the libraries take for one of a confidential client. */
const origin = 'https://app.example.com'
const documents = { redirect_uris: [`${origin}/callback`], scope: 'atproto transition:generic', jwks_uri: `${origin}/jwks.json` }

/** Starts everything; `end` of the result ends it. */
export async function startApp() {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
  const line = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`${program} ended with ${code}`)))
    createInterface(child.stdout).once('line', resolve)
  })
  const world = JSON.parse(line)
  const cwd = mkdtempSync(join(tmpdir(), 'oauthctl-interop-'))
  const settings = `keys = ["env:APP_KEY"]
[client]
client_id = "${world.client_id}"
[network]
plc_directory = "${world.plc}"
allow_http = true
allow_private_hosts = true
[refresh]
min_interval = "0s"
`
  writeFileSync(join(cwd, 'oauthctl.toml'), settings)
  // Converted on the way, so that both libraries have the same one.
  const key = run(['gen-jwk', '--from', 'env:KEY'], cwd, { KEY: JSON.stringify(world.signing_key) })
  const env = { APP_KEY: key, KV_REST_API_URL: world.store, KV_REST_API_TOKEN: world.token }
  return {
    ...world,
    key: JSON.parse(key),
    oauthctl: (command) => run(command.split(' '), cwd, env),
    store: (prefix) => redisStore(world, prefix),
    end: () => {
      child.removeAllListeners('exit')
      child.stdin.end()
      rmSync(cwd, { recursive: true })
    },
  }
}

/** The app's store of sessions, as npmx.dev has one: over REST, under keys with this prefix. */
function redisStore({ store, token }, prefix) {
  const ask = async (...command) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await fetch(store, { method: 'POST', headers, body: JSON.stringify(command) })
    return (await response.json()).result
  }
  const del = (did) => ask('DEL', prefix + did)
  return {
    get: async (did) => JSON.parse((await ask('GET', prefix + did)) ?? 'null') ?? undefined,
    set: (did, record) => ask('SET', prefix + did, JSON.stringify(record), 'EX', '15000000'),
    del,
    delete: del,
    clear: async () => {},
  }
}

/** The library atcute, on this store. */
export function atcuteClient(app, sessions) {
  const caches = Object.fromEntries(['states', 'prMetadata', 'asMetadata', 'dpopNonces'].map((name) => [name, memory()]))
  const client = new OAuthClient({
    metadata: { client_id: `${origin}/client-metadata.json`, ...documents },
    keyset: [app.key],
    stores: { sessions, ...caches },
    requestLock: (_name, work) => work(),
    actorResolver: { resolve: async (did) => ({ did, handle: 'handle.invalid', pds: await pdsOf(app, did) }) },
  })
  // There is no option for either: the fake network has no certificates.
  for (const name of ['protectedResourceResolver', 'authorizationServerResolver']) client.resolver[name].allowHttp = true
  client.metadata.client_id = app.client_id
  return client
}

/** The Node client of this version, on this store. */
export async function nodeClient(app, library, sessionStore) {
  const client = newClient(library, {
    clientMetadata: {
      client_id: `${origin}/client-metadata.json`,
      ...documents,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      dpop_bound_access_tokens: true,
    },
    keyset: [await library.JoseKey.fromImportable(JSON.stringify(app.key))],
    sessionStore,
    plcDirectoryUrl: app.plc,
    handleResolver: { resolve: async () => null },
    allowHttp: true,
    fetch,
  })
  client.clientMetadata.client_id = app.client_id
  return client
}

function memory() {
  const map = new Map()
  return { get: (key) => map.get(key), set: (key, value) => void map.set(key, value), delete: (key) => void map.delete(key), clear: () => map.clear() }
}

async function pdsOf({ plc }, did) {
  const document = await (await fetch(`${plc}/${did}`)).json()
  return new URL(document.service.find(({ id }) => id.endsWith('#atproto_pds')).serviceEndpoint).href
}

// The versions of the real client library: the one npmx.dev locks, and a current one.
import * as latest from 'client-latest'
import * as npmx from 'client-npmx'

export const clients = { 'oauth-client-node 0.3.17': npmx, 'oauth-client-node 0.5.3': latest }

/** Runs `work`, and fails on every warning that it prints. */
export async function withoutWarnings(work) {
  const warnings = []
  const { warn, error } = console
  const note = (...parts) => warnings.push(parts.join(' '))
  const noteProcess = (warning) => warnings.push(String(warning))
  console.warn = note
  console.error = note
  process.on('warning', noteProcess)
  try {
    const result = await work()
    // Warnings of the process arrive a turn later.
    await new Promise(setImmediate)
    if (warnings.length > 0) throw new Error(`the client warns: ${warnings.join('\n')}`)
    return result
  } finally {
    Object.assign(console, { warn, error })
    process.off('warning', noteProcess)
  }
}

/** The app's client as its operator would construct it; it has no network here. */
export function newClient(library, options) {
  const map = new Map()
  const store = {
    get: (key) => map.get(key),
    set: (key, value) => void map.set(key, value),
    del: (key) => void map.delete(key),
  }
  return new library.NodeOAuthClient({
    stateStore: store,
    sessionStore: store,
    requestLock: (_name, work) => work(),
    fetch: () => Promise.reject(new Error('no network here')),
    ...options,
  })
}

// Runs the oauthctl under test in an empty environment.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const binary = process.env.OAUTHCTL_BIN ?? fileURLToPath(new URL('../../target/debug/oauthctl', import.meta.url))

/** What oauthctl prints. What it says on stderr is part of the error, if it fails. */
export function oauthctl(args, env = {}) {
  return inDirectory((cwd) => run(args, cwd, env))
}

/** Runs `work` with a directory, and an oauthctl that works in it. */
export function inDirectory(work) {
  const cwd = mkdtempSync(join(tmpdir(), 'oauthctl-interop-'))
  try {
    return work(cwd, (args, env) => run(args, cwd, env))
  } finally {
    rmSync(cwd, { recursive: true })
  }
}

/** What oauthctl prints that runs in this directory. */
export function run(args, cwd, env = {}) {
  return execFileSync(binary, args, { cwd, env: { HOME: cwd, ...env }, encoding: 'utf8', stdio: 'pipe' })
}

/** The JSON that oauthctl prints. */
export function json(args, env) {
  return JSON.parse(oauthctl(args, env))
}

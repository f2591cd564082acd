import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import esbuild from 'esbuild'

const checkout = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** The exports of a TypeScript module, which is bundled with what it imports. The path is relative to the checkout. */
export async function exportsOf(source) {
  const path = resolve(checkout, source)
  const { outputFiles } = await esbuild.build({
    entryPoints: [path],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    loader: { '.sh': 'text', '.browser.js': 'text' },
    logLevel: 'error',
  })
  const module = { exports: {} }
  const run = new Function('require', 'module', 'exports', '__filename', '__dirname', outputFiles[0].text)
  run(createRequire(import.meta.url), module, module.exports, path, dirname(path))
  return module.exports
}

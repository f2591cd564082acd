// Turns TypeScript, and the packages that ship only as ES modules, into the CommonJS that Jest runs.
const { createHash } = require('node:crypto')
const { readFileSync } = require('node:fs')
const { extname } = require('node:path')
const esbuild = require('esbuild')

const self = readFileSync(__filename)
const isModule = /^\s*(import|export)\b/m

module.exports = {
  getCacheKey: (source, path) =>
    createHash('sha256').update(`${esbuild.version}\0${path}\0${source}\0`).update(self).digest('hex'),

  process(source, path) {
    // As in the build (scripts/build.mjs), these are texts.
    if (/\.(sh|browser\.js)$/.test(path)) return { code: `module.exports = ${JSON.stringify(source)}` }
    if (extname(path) !== '.ts' && !isModule.test(source)) return { code: source }
    return esbuild.transformSync(source, {
      sourcefile: path,
      loader: extname(path) === '.ts' ? 'ts' : 'js',
      format: 'cjs',
      target: 'node20',
      sourcemap: 'inline',
      supported: { 'dynamic-import': false }, // lazy imports become lazy requires, which Jest can follow
    })
  },
}

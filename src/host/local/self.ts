import { resolve } from 'node:path'

/** The words that start this netlab again: node and its file, or the single binary, which is both (src/binary.ts). */
export const self: readonly string[] =
  process.argv[1] === process.execPath ? [process.execPath] : [process.execPath, resolve(process.argv[1] ?? '')]

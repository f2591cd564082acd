import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node'

/** A diagnostic of an editor: its line, from 1, and its words. */
export interface EditorDiagnostic {
  readonly line: number
  readonly message: string
}

/** What an editor shows for a lab file. In marked texts, `|` is where the cursor is. */
export interface Editor {
  readonly diagnose: (text: string) => Promise<EditorDiagnostic[]>
  readonly complete: (marked: string) => Promise<string[]>
  /** The text that appears when the mouse rests there. */
  readonly hover: (marked: string) => Promise<string>
  close(): void
}

interface Published {
  readonly uri: string
  readonly diagnostics: readonly {
    readonly message: string
    readonly range: { readonly start: { readonly line: number } }
  }[]
}

/** Starts yaml-language-server, on which the YAML support of editors is built. It uses the schema through the comment of a lab’s first line. */
export async function openEditor(): Promise<Editor> {
  // As docs/language.md says: what `netlab schema` prints, beside the labs.
  const folder = mkdtempSync(join(tmpdir(), 'netlab-editor-'))
  copyFileSync('schemas/lab.schema.json', join(folder, 'lab.schema.json'))
  const server = spawn(process.execPath, ['node_modules/yaml-language-server/bin/yaml-language-server', '--stdio'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  )
  const waiting = new Map<string, (published: Published) => void>()
  connection.onNotification('textDocument/publishDiagnostics', (published: Published) => {
    waiting.get(published.uri)?.(published)
  })
  const settings = { validate: true, hover: true, completion: true, schemaStore: { enable: false } }
  connection.onRequest('workspace/configuration', ({ items }: { items: { section: string }[] }) =>
    items.map(({ section }) => (section === 'yaml' ? settings : {})),
  )
  connection.onRequest('client/registerCapability', () => null)
  connection.listen()
  await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: { workspace: { configuration: true }, textDocument: { hover: { contentFormat: ['markdown'] } } },
  })
  await connection.sendNotification('initialized', {})

  let count = 0
  /** The server diagnoses a document some 200 ms after it was opened, so `diagnose` may be called for many at once. */
  async function open(text: string): Promise<{ uri: string; published: Promise<Published> }> {
    const uri = `file://${folder}/lab-${count++}.yaml`
    const published = new Promise<Published>((finish) => waiting.set(uri, finish))
    const first = '# yaml-language-server: $schema=lab.schema.json\n'
    const textDocument = { uri, languageId: 'yaml', version: 1, text: first + text }
    await connection.sendNotification('textDocument/didOpen', { textDocument })
    return { uri, published }
  }
  async function ask<T>(request: string, marked: string): Promise<T> {
    const before = marked.slice(0, marked.indexOf('|')).split('\n')
    const { uri } = await open(marked.replace('|', ''))
    const position = { line: before.length, character: before.at(-1)?.length ?? 0 }
    return connection.sendRequest(`textDocument/${request}`, { textDocument: { uri }, position })
  }

  return {
    diagnose: async (text) =>
      (await (await open(text)).published).diagnostics.map(({ message, range }) => ({
        message,
        line: range.start.line,
      })),
    complete: async (marked) =>
      (await ask<{ items: { label: string }[] }>('completion', marked)).items.map(({ label }) => label),
    hover: async (marked) => (await ask<{ contents: { value: string } } | null>('hover', marked))?.contents.value ?? '',
    close() {
      connection.dispose()
      server.kill()
      rmSync(folder, { recursive: true })
    },
  }
}

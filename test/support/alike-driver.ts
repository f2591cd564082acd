import { readFileSync } from 'node:fs'
import { thisMachine } from '../../src/host/this-machine.ts'
import { openLab } from '../../src/language/load-lab.ts'
import { readLive } from '../../src/commands/read-live.ts'
import { readRequestOf } from '../../src/commands/prepare.ts'
import { alikeHosts } from '../../src/reach/alike.ts'
import { startRunner } from '../../src/run/choose-runner.ts'

/** Runs in a world. Prints the classes of alike hosts of the live lab of a file, by their names, as JSON. */
async function main(file = ''): Promise<void> {
  const lab = openLab({ file, text: readFileSync(file, 'utf8') }).lab()
  const { dumps } = await readLive(readRequestOf(lab.name, lab), startRunner(thisMachine))
  const hosts = [...lab.namespaces.keys()].filter((name) => name.startsWith('h'))
  const classes = alikeHosts(
    hosts.map((name) => ({ name, netns: name, address: '' })),
    dumps,
  )
  process.stdout.write(JSON.stringify(classes.map((members) => members.map((i) => hosts[i]))))
  process.exit(0)
}

void main(process.argv[2])

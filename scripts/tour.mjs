// `npm run tour -- [--run] [--mtu BYTES] [LAB…]`: spreads labs over three machines with real sshd, one after the other, with nothing changed but `machines:` and
// `place: auto`: apply, an empty plan, the checks, the traces of the comments, destroy that leaves nothing. As root. Without LAB: all of labs/
// that this kernel can run; those with containers are in test/kernel/machines-containers.test.ts. With --run, by nsenter in place of ssh,
// which takes half a minute for a connection in the virtual machine of scripts/vm.sh. --mtu: between the machines; where links are to have 1500,
// as a check of labs/27-gre.yaml says, it is 1550 or more.
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { exportsOf } from './exports-of.mjs'

const { lacking } = await exportsOf('test/support/features.ts')
const { openMachineWorld } = await exportsOf('test/support/machines.ts')
const { tour } = await exportsOf('test/support/tour.ts')

const { values, positionals: given } = parseArgs({
  options: { run: { type: 'boolean' }, mtu: { type: 'string' } },
  allowPositionals: true,
})
const all = readdirSync('labs').filter((name) => name.endsWith('.yaml') && name !== '32-containers.yaml')
const labs = given.length ? given : all.map((name) => `labs/${name}`).filter((lab) => lacking(lab).length === 0)
const m = await openMachineWorld()
if (values.mtu) await m.setMtu(Number(values.mtu))
let failed = 0
for (const lab of labs) {
  const began = Date.now()
  const told = await tour(m, lab, values.run ? 'run' : 'ssh').then(
    (passed) => `ok   ${lab}: ${passed} checks pass`,
    (error) => {
      failed++
      return `FAIL ${lab}: ${error.message}`
    },
  )
  console.log(`${told} (${((Date.now() - began) / 1000).toFixed(1)} s)`)
}
await m.close()
console.log(`${labs.length - failed} passed, ${failed} failed`)
process.exitCode = failed ? 1 : 0

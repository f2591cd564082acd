import type { Help } from './help.ts'

const usual = [
  ['0', 'done'],
  ['1', 'failed; the reason is on standard error'],
] as const
const interrupted = ['130', 'with --for: interrupted; the fault has ended'] as const

/** The help of the commands that disturb a lab. */
export const faultHelp: Readonly<Record<string, Help>> = {
  cut: {
    examples: [
      ['netlab cut a:eth0', 'cut a cable, until netlab heal'],
      ['netlab cut a', 'cut all cables of a namespace'],
      ['netlab cut a:eth0 --for 30s', 'for half a minute, or until Ctrl-C'],
      ['netlab cut a:eth0 --one-way', 'a hears, and is not heard'],
    ],
    exitCodes: [...usual, interrupted],
  },
  impair: {
    examples: [
      ['netlab impair a:eth0 delay=50ms loss=5%', 'what a sends: late, partly lost'],
      ['netlab impair a:eth0-b:eth0 rate=1mbit', 'in both directions of a cable'],
      ['netlab impair a:eth0 delay=200ms to=c', 'only what a sends to c'],
    ],
    exitCodes: [...usual, interrupted],
  },
  partition: {
    examples: [
      ['netlab partition a,b c', 'a and b against c'],
      ['netlab partition h[1..3] h[4..5] --for 10s', 'for ten seconds'],
    ],
    exitCodes: [...usual, interrupted],
  },
  fault: {
    examples: [
      ['netlab fault flap', 'run the timeline faults.flap of the lab file'],
      ['netlab fault storm --seed 7', 'with other random times and targets'],
    ],
    exitCodes: [['0', 'it is over, and everything is healed'], usual[1], ['130', 'interrupted, and healed']],
  },
  heal: {
    examples: [
      ['netlab heal', 'end every fault of the lab'],
      ['netlab heal a:eth0', 'end the faults of an interface'],
      ['netlab heal 1f2e3d4c', 'end one fault; netlab show has the ids'],
    ],
    exitCodes: [['0', 'done, or there was nothing to heal'], usual[1]],
  },
  break: {
    examples: [
      ['netlab break router.yaml', 'break something that stops all of it'],
      ['netlab break --level 3', 'something that is harder to find'],
      ['netlab break --seed 7', 'the same place for everybody'],
    ],
    exitCodes: [
      ['0', 'broken; the output says what does not work any more'],
      ['1', 'failed: the lab is not sound, or no check notices'],
      ['130', 'interrupted; the lab is as it was'],
    ],
  },
  hint: {
    examples: [['netlab hint', 'the next hint; the last one says what is broken']],
    exitCodes: [usual[0], ['1', 'failed: no drill is under way, for example']],
  },
}

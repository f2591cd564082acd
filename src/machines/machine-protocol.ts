import type { CarriedOut } from '../commands/carry.ts'
import type { MachineFinding } from '../commands/examine.ts'
import type { RolledBack } from '../commands/rollback.ts'
import type { SavedPart } from '../commands/saved.ts'
import type { Seen } from '../commands/watcher.ts'
import type { CapturedPacket } from '../backend/capture/pcapng.ts'
import type { CaptureSource, Counted, RecordingOptions } from '../backend/capture/recording.ts'
import type { Command, Outcome } from '../model/command.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { LabProcesses, Resident } from '../model/host.ts'
import type { Operation as Operating, Program } from '../model/operation.ts'
import type { Dump, DumpRequest, Failure, NamedNamespace, Stranger } from '../model/runner.ts'
import type { Place } from '../model/place.ts'
import type { Reachable } from '../model/reach-pair.ts'
import type { Listening } from '../backend/listening.ts'
import type { NeighborRoom } from '../backend/netlink/neighbor-room.ts'
import type { OwnService, PingRequest } from '../reach/reach-machine.ts'
import type { ServiceAnswer, ServiceQuestion } from '../reach/try-services.ts'
import type { PlanJson } from '../views/json.ts'
import type { RouteRequest } from '../walk/route-asked.ts'
import type { Glimpse, MachineSights, Watch, WatchRequest } from '../walk/walk-machine.ts'
import type { ProgramEnd, ProgramEvent, ProgramInput } from '../session/far-programs.ts'
import type { Source } from '../session/protocol.ts'
import type { CarryEvent, Ending, Proceeding } from './on-machine-others.ts'
import type { Packed } from './packed.ts'
import type { HeaderData, PartData } from './part.ts'
import type { Roads } from './roads.ts'

/** The last line that netlab writes to standard error on another machine: everything that it has said has arrived then. */
export const LAST_LINE = 'netlab-over'

interface Operation<Input, Result, Event = never> {
  readonly input: Input
  readonly event: Event
  readonly result: Result
}

/** How a machine reaches these addresses is asked, from its own if that is known. */
interface RoadsInput {
  readonly to: readonly string[]
  readonly from?: string
}

/** What a machine is asked to plan. */
export interface PlanInput {
  readonly destroy: boolean
  readonly adopt: boolean
  readonly target: readonly string[]
  readonly replace: readonly string[]
  /** Ids of which nothing is changed. */
  readonly spare: readonly string[]
  /** It will be carried out. */
  readonly forApply: boolean
  /** Of namespaces that are deleted, only the marks need to be read. */
  readonly marksOnly: boolean
  /** What a saved plan has for the machine: the plan has to be the same. */
  readonly saved?: SavedPart
  /** It will be saved. */
  readonly saving?: true
  /** The steps are asked for, too: programs, and people who want to see them, read them. */
  readonly steps: boolean
}

/** What netlab on a machine of a lab may be asked for, in this order. */
export interface MachineOperations {
  /** Says that the one who asks is still there. */
  readonly alive: Operation<null, null>
  /** Asks who this is: with ssh, its address. */
  readonly hello: Operation<
    {
      /** What `startRunner` is told of the size of the part that will be here, in characters. */
      readonly size: number
      /** The lab that will be planned next: what of it is live here is read at once. */
      readonly ahead?: HeaderData
      /** The roads that are known to be needed. */
      readonly roads?: RoadsInput
    },
    {
      readonly address?: string
      /** What no other machine has. */
      readonly id: string
      /** The names of those that are live here, whose ever they are. */
      readonly namespaces: readonly string[]
      /** Whether links to other machines can begin here: not in a sandbox. */
      readonly hasRoads: boolean
      readonly roads: Roads
    }
  >
  readonly roads: Operation<RoadsInput, Roads>
  /** The namespaces of the lab that are live here, of those that were named in `hello`; else all. */
  readonly owned: Operation<{ readonly lab: string }, readonly string[]>
  /** Opens the part of the lab on this machine, which the operations that follow are about. */
  readonly open: Operation<
    {
      readonly part: PartData
      /** The lab file, for positions in it; absent: nothing that comes has any. */
      readonly source?: Source
    },
    null
  >
  /** By name, the paths of the namespaces that the part borrows from containers and processes, as far as they are there. */
  readonly lenders: Operation<null, { readonly [name: string]: string }>
  /** What the machine has and lacks for its part of the lab. */
  readonly examine: Operation<null, readonly MachineFinding[]>
  /** Watches for drift until the conversation ends, and tells what a `Watcher` sees. */
  readonly look: Operation<null, null, Seen>
  /** Makes `look` look at everything again. */
  readonly lookAgain: Operation<null, null>
  /** Takes the lock of the lab; waits at most `timeout` ms. The event is the description of its holder. */
  readonly lock: Operation<{ readonly timeout: number }, null, { readonly holder: string }>
  /** Plans; `carry` carries out the last one. */
  readonly plan: Operation<
    PlanInput,
    {
      /** Without steps, unless they were asked for. */
      readonly plan: PlanJson
      /** How many steps it has. */
      readonly count: number
      /** The ids of the programs that it ends, and of those that each comes after. */
      readonly ends: Readonly<Record<string, readonly string[]>>
      /** The ids of the programs that it starts. */
      readonly starts: readonly string[]
      readonly warnings: readonly Diagnostic[]
      /** The mark of a drill is here (`netlab break`). */
      readonly drill: boolean
      /** The ids in `target` and `replace` that something here has. */
      readonly known: readonly string[]
      readonly saving?: SavedPart
      /** Only the marks of namespaces were read. */
      readonly marksOnly: boolean
    }
  >
  /** Carries out the plan; rolls it back when it fails. */
  readonly carry: Operation<
    {
      readonly rollback: boolean
      readonly heal: boolean
      readonly force: boolean
      /** It waits for `proceed` before it starts programs. */
      readonly meets: boolean
      /** Absent: no program here or elsewhere waits for the end of another. */
      readonly ending?: Ending
    },
    CarriedOut,
    CarryEvent
  >
  /** All machines have done what comes before programs. */
  readonly proceed: Operation<Proceeding, null>
  /** A program on another machine is ready, or ended, or will not be. */
  readonly heard: Operation<{ readonly program: string; readonly isReady: boolean }, null>
  /** Starts the watchdog that takes the plan back unless it is dismissed, also when the connection is lost. */
  readonly arm: Operation<{ readonly seconds: number }, null>
  /** Whether a watchdog of the lab waits. */
  readonly waits: Operation<null, boolean>
  /** Ends the watchdog; false when there is none. */
  readonly dismiss: Operation<null, boolean>
  /** Stops what is carried out after the running step, and rolls it back. */
  readonly stop: Operation<null, null>
  /** Rolls back what was carried out. */
  readonly undo: Operation<null, RolledBack>
  /** Lets go of the lock. */
  readonly unlock: Operation<null, null>
  /** Stops what runs, rolls that back, and lets go of the lock. It is the last. */
  readonly end: Operation<null, null>
  /** As of `Runner` and `Host`; what is no JSON data is packed (src/machines/packed.ts). */
  readonly list: Operation<null, readonly NamedNamespace[]>
  readonly dump: Operation<{ readonly requests: readonly DumpRequest[] }, Packed<readonly (Dump | undefined)[]>>
  readonly operate: Operation<{ readonly operations: Packed<readonly Operating[]> }, Failure | null>
  readonly runProgram: Operation<{ readonly operation: Packed<Program> }, Outcome>
  readonly run: Operation<Command, Outcome>
  /** Starts a program that `feed` and `kill` name by `handle`. Returns when it has ended. */
  readonly start: Operation<
    { readonly handle: number; readonly command: Command; readonly env: Readonly<Record<string, string>> },
    ProgramEnd,
    ProgramEvent
  >
  readonly feed: Operation<ProgramInput, null>
  /** Sends a signal to a program and its children. */
  readonly kill: Operation<{ readonly handle: number; readonly signal: NodeJS.Signals }, boolean>
  /** Captures packets, as a `Recording` does: first the types of headers, and in the end the counts. */
  readonly record: Operation<
    { readonly sources: readonly CaptureSource[]; readonly options: RecordingOptions },
    Packed<readonly Counted[]>,
    {
      readonly links?: readonly number[]
      readonly packets?: Packed<readonly CapturedPacket[]>
      readonly vanished?: { readonly source: CaptureSource; readonly words: string }
    }
  >
  /** Says that so many packets of `record` have been taken: no more are sent than there is room for. */
  readonly taken: Operation<{ readonly count: number }, null>
  readonly endRecording: Operation<null, null>
  readonly processes: Operation<{ readonly lab: string }, Packed<LabProcesses>>
  readonly strangers: Operation<{ readonly lab: string; readonly namespaces: readonly string[] }, readonly Stranger[]>
  readonly residents: Operation<{ readonly namespaces: readonly string[] }, readonly Resident[]>
  readonly endProcesses: Operation<{ readonly processes: readonly Stranger[] }, null>
  /** The namespaces of the lab that have a home. */
  readonly homes: Operation<null, readonly string[]>
  /** As of `WalkMachine`, until `endWatch`; the event `true` says that it has begun. */
  readonly watch: Operation<Packed<WatchRequest>, null, Glimpse | true>
  readonly sendWatched: Operation<Place & { readonly flow: number }, Awaited<ReturnType<Watch['send']>>>
  readonly endWatch: Operation<null, Packed<MachineSights>>
  readonly askRoutes: Operation<Packed<readonly RouteRequest[]>, Packed<readonly (Buffer | undefined)[]>>
  /** As of `ReachMachine`; the event is how many questions are done. */
  readonly listening: Operation<Packed<readonly Reachable[]>, readonly (readonly Listening[])[]>
  readonly neighbors: Operation<null, NeighborRoom>
  readonly ping: Operation<Packed<PingRequest>, Packed<readonly (string | undefined)[]>, number>
  /** Until `stopListening`. */
  readonly listen: Operation<Packed<readonly OwnService[]>, readonly boolean[]>
  readonly stopListening: Operation<null, null>
  readonly tryServices: Operation<
    Packed<{ readonly hosts: readonly Reachable[]; readonly questions: readonly ServiceQuestion[] }>,
    Packed<readonly ServiceAnswer[]>,
    number
  >
}

import type { Reachable, Service } from '../model/reach-pair.ts'
import type { Question } from './ask-classes.ts'
import type { Listening } from '../backend/listening.ts'
import type { NeighborRoom } from '../backend/netlink/neighbor-room.ts'
import type { ServiceAnswer, ServiceQuestion } from './try-services.ts'

/** What a machine is to ping. */
export interface PingRequest {
  readonly hosts: readonly Reachable[]
  /** Those that ask are on the machine. */
  readonly questions: readonly Question[]
  /** The hosts, all on the machine, in which neighbours are forgotten as it goes on; absent: their table has room for all. */
  readonly forgetful?: readonly number[]
}

/** A service that netlab is to have itself, and the host that has it. */
export interface OwnService {
  readonly host: Reachable
  readonly service: Service
}

/** Calls with the number of questions that are done. */
export type Progress = (done: number) => void

/** A machine with namespaces of a lab, as `netlab reach` needs it: this one, or another. */
export interface ReachMachine {
  /** What listens in these namespaces there, for each of them. */
  readonly listening: (hosts: readonly Reachable[]) => Promise<readonly (readonly Listening[])[]>
  /** How many neighbours its kernel keeps. */
  readonly neighbors: () => Promise<NeighborRoom>
  /** Sends echo requests. Undefined: answered; otherwise why not, where `FROM` stands for the one that asked. */
  readonly ping: (request: PingRequest, progress: Progress) => Promise<readonly (string | undefined)[]>
  /** Listens at these services, and answers, until `close`. `opened`: whether each could be; another program may have taken it. */
  readonly listen: (
    services: readonly OwnService[],
  ) => Promise<{ readonly opened: readonly boolean[]; readonly close: () => Promise<void> }>
  readonly tryServices: (
    hosts: readonly Reachable[],
    questions: readonly ServiceQuestion[],
    progress: Progress,
  ) => Promise<readonly ServiceAnswer[]>
}

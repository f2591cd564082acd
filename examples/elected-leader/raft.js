// A replicated log, after Raft (Ongaro and Ousterhout, 2014): node raft.js NAME NODE… with the names of all nodes.
// Nodes talk over UDP 7000 and send each other whole logs. Clients use HTTP 8000: POST appends the body, and is answered with
// 200 when a majority has it; GET returns what is committed. Nothing is on a disk: a node that restarts has forgotten all.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'

const [name, ...nodes] = process.argv.slice(2)
const peers = nodes.filter((node) => node !== name)
const MAJORITY = Math.floor(nodes.length / 2) + 1
const HEARTBEAT = 50
const PATIENCE = 1500

let role = 'follower'
let term = 0
let vote // whom this node has voted for in this term
let log = [] // { term, value }
let committed = 0 // so many entries are committed
let heard = 0 // when the last leader or candidate was heard
let votes = new Set()
let held = new Map() // peer → how many entries of the leader's log it has
let waiting = [] // { length, response }: clients whose entry is not committed yet

const socket = createSocket('udp4')
const send = (peer, message) => socket.send(JSON.stringify({ from: name, term, ...message }), 7000, peer, () => {})
const lastTerm = (entries) => entries.at(-1)?.term ?? 0

function follow(newTerm) {
  if (newTerm > term) vote = undefined
  term = newTerm
  role = 'follower'
  for (const { response } of waiting.splice(0)) answer(response, 503, 'not the leader any more')
}

/** Nobody has been heard for a while: asks the others for their votes. */
function stand() {
  follow(term + 1)
  role = 'candidate'
  vote = name
  votes = new Set([name])
  heard = Date.now()
  for (const peer of peers) send(peer, { ask: 'vote', lastTerm: lastTerm(log), length: log.length })
}

function lead() {
  role = 'leader'
  held = new Map()
  log.push({ term, value: null }) // entries of earlier terms are committed with one of this term (section 5.4.2)
  replicate()
}

const replicate = () => peers.forEach((peer) => send(peer, { ask: 'append', log, committed }))

const on = {
  vote({ from, lastTerm: theirs, length }) {
    const isComplete = theirs > lastTerm(log) || (theirs === lastTerm(log) && length >= log.length)
    if (!isComplete || (vote ?? from) !== from) return
    vote = from
    heard = Date.now()
    send(from, { ask: 'voted' })
  },
  voted({ from }) {
    if (role !== 'candidate') return
    votes.add(from)
    if (votes.size >= MAJORITY) lead()
  },
  append({ from, log: theirs, committed: known }) {
    role = 'follower'
    heard = Date.now()
    if (lastTerm(theirs) > lastTerm(log) || theirs.length > log.length) log = theirs
    committed = Math.max(committed, known)
    send(from, { ask: 'appended', length: theirs.length })
  },
  appended({ from, length }) {
    if (role !== 'leader') return
    held.set(from, Math.max(held.get(from) ?? 0, length))
    const lengths = [log.length, ...peers.map((peer) => held.get(peer) ?? 0)].sort((a, b) => b - a)
    const safe = lengths[MAJORITY - 1]
    if (safe <= committed || log[safe - 1].term !== term) return
    committed = safe
    for (const { response } of waiting.filter((one) => one.length <= safe)) answer(response, 200, 'committed')
    waiting = waiting.filter((one) => one.length > safe)
  },
}

socket.on('message', (data) => {
  const message = JSON.parse(data)
  if (message.term > term) follow(message.term)
  if (message.term === term) on[message.ask](message)
})
socket.bind(7000)

setInterval(() => role === 'leader' && replicate(), HEARTBEAT)
const patience = () => 200 + Math.random() * 300
let limit = patience()
setInterval(() => {
  if (role === 'leader' || Date.now() - heard < limit) return
  limit = patience()
  stand()
}, 20)

function answer(response, status, text) {
  response.writeHead(status).end(text)
}

createServer(async (request, response) => {
  if (request.method === 'GET') {
    const values = log.slice(0, committed).flatMap(({ value }) => value ?? [])
    return answer(response, 200, JSON.stringify({ role, term, values }))
  }
  let value = ''
  for await (const piece of request) value += piece
  if (role !== 'leader') return answer(response, 503, 'not the leader')
  log.push({ term, value })
  const one = { length: log.length, response }
  waiting.push(one)
  replicate()
  setTimeout(() => {
    if (!waiting.includes(one)) return
    waiting = waiting.filter((other) => other !== one)
    answer(response, 504, 'no majority')
  }, PATIENCE)
}).listen(8000)

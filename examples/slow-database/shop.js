// Shows what the database has, within a second: when that does not answer in time, as it was before.
import { createServer } from 'node:http'

const PATIENCE = 300
const PAUSE = 500

let known = 'nothing yet'
let asking // one question at a time: a slow database is not asked more and more
let again = 0 // a database that was slow is left alone until then

async function ask() {
  try {
    const response = await fetch('http://db:5000', { signal: AbortSignal.timeout(PATIENCE) })
    known = (await response.text()).trim()
    return 'fresh'
  } catch {
    again = Date.now() + PAUSE
    return 'stale'
  }
}

createServer(async (_, response) => {
  const how = Date.now() < again ? 'stale' : await (asking ??= ask().finally(() => (asking = undefined)))
  response.end(`${how} ${known}`)
}).listen(8080)

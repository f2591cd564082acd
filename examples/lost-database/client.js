// Asks the database, and takes what it has cached when the answer takes longer than 300 ms.
import { connect } from 'node:net'

const PATIENCE = 300

const query = (word) =>
  new Promise((resolve, reject) => {
    const socket = connect(5000, 'db', () => socket.write(word))
    const timer = setTimeout(() => socket.destroy(new Error('too slow')), PATIENCE)
    socket.on('data', (data) => {
      resolve(data.toString())
      socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => clearTimeout(timer))
  })

console.log(await query('hello').catch(() => 'CACHED'))

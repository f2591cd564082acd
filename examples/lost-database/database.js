// Answers each line with the same line in capital letters.
import { createServer } from 'node:net'

createServer((client) => {
  client.on('error', () => {})
  client.on('data', (data) => client.write(data.toString().toUpperCase()))
}).listen(5000)

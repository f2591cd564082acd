// Answers every request with a page of 40000 characters, which begins with the number of the answer.
import { createServer } from 'node:http'

let count = 0
createServer((_, response) => response.end(`${++count}`.padEnd(40000))).listen(5000)

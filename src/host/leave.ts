/**
 * Ends this process once all that it has printed is out. Ended by itself, Node would first free all its memory and the threads':
 * that takes it 20 ms and more.
 */
export async function leave(): Promise<never> {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))))
  process.exit()
}

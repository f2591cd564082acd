import { choose } from '../../../src/host/sandbox/choose.ts'

const user = (...args: string[]) => choose(args, {}, false)
const root = (...args: string[]) => choose(args, {}, true)

describe('where a command runs', () => {
  test('an ordinary user’s in the sandbox, root’s here', () => {
    expect(user('apply', 'lab.yaml', '-y')).toEqual({ sandbox: 'default', args: ['apply', 'lab.yaml', '-y'] })
    expect(root('apply', 'lab.yaml')).toEqual({ args: ['apply', 'lab.yaml'] })
  })

  test.each([
    ['validate', 'x.yaml'],
    ['help'],
    ['--version'],
    ['apply', '--help'],
    ['--no-color', 'fmt'],
    ['test', '--fresh'],
    [],
  ])('what asks the kernel nothing, here: %s %s', (...args) => {
    expect(user(...args)).toEqual({ args })
  })

  test('--sandbox, wherever it stands, is for root', () => {
    expect(root('--sandbox', 'list')).toEqual({ sandbox: 'default', args: ['list'] })
    expect(root('apply', '-y', '--sandbox', 'x.yaml')).toEqual({ sandbox: 'default', args: ['apply', '-y', 'x.yaml'] })
    expect(user('list', '--sandbox')).toEqual({ sandbox: 'default', args: ['list'] })
  })

  test('what belongs to the command of exec is not touched', () => {
    const args = ['exec', 'ns0', '--', 'tool', '--sandbox', '--help']
    expect(root(...args)).toEqual({ args })
    expect(user(...args)).toEqual({ sandbox: 'default', args })
    expect(user('exec', 'ns0', 'tool', '--fresh')).toMatchObject({ sandbox: 'default' })
    expect(user('exec', 'ns0', 'tool', '--help')).toMatchObject({ sandbox: 'default' })
    expect(root('exec', '--sandbox', 'ns0', 'tool')).toEqual({ sandbox: 'default', args: ['exec', 'ns0', 'tool'] })
  })

  test('NETLAB_SANDBOX names it, for root too', () => {
    expect(choose(['list'], { NETLAB_SANDBOX: 'ci' }, true)).toEqual({ sandbox: 'ci', args: ['list'] })
    expect(choose(['list'], { NETLAB_SANDBOX: '' }, true)).toEqual({ args: ['list'] })
  })
})

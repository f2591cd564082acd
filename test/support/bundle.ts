/** The options with which esbuild bundles programs of the tests, as the build does it. */
export const BUNDLE = ['--bundle', '--platform=node', '--log-level=error', '--loader:.sh=text'] as const
